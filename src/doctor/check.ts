/** `stop`: egress does not work, or would not, while it is so. `warning`: it may not. `note`: worth knowing. */
export type Status = 'ok' | 'note' | 'warning' | 'stop'

/** From best to worst. */
export const statuses: readonly Status[] = ['ok', 'note', 'warning', 'stop']

/** What it is about, to show them together. */
export type Group = 'privileges' | 'kernel' | 'firewall' | 'host' | 'capacity' | 'others' | 'state'

/** One thing that was looked at. */
export interface Check {
  /** Stable, for programs: `forwarding`, `rp-filter`, … */
  id: string
  /** What it is about. */
  group: Group
  /** In a few words, for people. */
  title: string
  /** The worst of what was found. */
  status: Status
  /** What was read, and where; and what follows from it. */
  evidence: string[]
  /** What a person would type or set, line by line; empty where nothing need be done. */
  fix: string[]
}

export type Judgement = Pick<Check, 'status' | 'evidence' | 'fix'>

/** Gathers what was found; the worst of it is the status. */
export class Findings {
  #status: Status = 'ok'
  readonly #evidence: string[] = []
  readonly #fix: string[] = []

  /** What was read, whatever follows from it. */
  saw(evidence: string): this {
    this.#evidence.push(evidence)
    return this
  }

  note(evidence: string, ...fix: string[]): this {
    return this.#add('note', evidence, fix)
  }

  warning(evidence: string, ...fix: string[]): this {
    return this.#add('warning', evidence, fix)
  }

  stop(evidence: string, ...fix: string[]): this {
    return this.#add('stop', evidence, fix)
  }

  judgement(): Judgement {
    return { status: this.#status, evidence: this.#evidence, fix: this.#fix }
  }

  #add(status: Status, evidence: string, fix: string[]): this {
    if (statuses.indexOf(status) > statuses.indexOf(this.#status)) this.#status = status
    this.#evidence.push(evidence)
    for (const line of fix) if (!this.#fix.includes(line)) this.#fix.push(line)
    return this
  }
}

/** Several names in a sentence, not all of a thousand: `a, b, c and 4 more`. */
export function some(names: readonly string[], most = 5): string {
  if (names.length <= most) return names.join(', ')
  return `${names.slice(0, most).join(', ')} and ${names.length - most} more`
}

/** `net/ipv4/ip_forward` as sysctl(8) writes it. A dot in the name of an interface is a slash there. */
export function sysctlName(key: string): string {
  return key
    .split('/')
    .map(part => part.replaceAll('.', '/'))
    .join('.')
}

export const sysctlFix = (key: string, value: number | string): string => `sysctl -w ${sysctlName(key)}=${value}`
