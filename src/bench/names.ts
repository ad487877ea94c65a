import { EgressError } from '../errors.js'

/** The names in a list with commas; all where none is given. Throws EGRESSD_INVALID_SPEC, with what was meant perhaps. */
export function chosen<T extends string>(field: string, given: string | undefined, known: readonly T[]): T[] {
  if (given === undefined) return [...known]
  const names = given.split(',').map(name => name.trim())
  const wanted = new Set(names.map(name => oneOf(field, name, known)))
  return known.filter(name => wanted.has(name))
}

function oneOf<T extends string>(field: string, name: string, known: readonly T[]): T {
  const found = known.find(one => one === name)
  if (found !== undefined) return found
  const near = nearest(name, known)
  const meant = near === null ? '' : ` Did you mean ${JSON.stringify(near)}?`
  const message = `${field}: ${JSON.stringify(name)} is none of ${known.join(', ')}.${meant}`
  throw new EgressError('EGRESSD_INVALID_SPEC', message, { field, value: name, details: { known: [...known] } })
}

/** The name that fewest changes of a letter lead to, or that begins so; null where it is like none. */
export function nearest(name: string, known: readonly string[]): string | null {
  const begun = known.filter(one => name.length >= 2 && one.startsWith(name))
  if (begun.length > 0) return begun[0] as string
  const near = known.map(one => ({ one, steps: distance(name, one) })).sort((a, b) => a.steps - b.steps)[0]
  if (!near) return null
  const most = near.one.length < 4 ? 1 : Math.max(2, Math.floor(near.one.length / 3))
  return near.steps <= most ? near.one : null
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}

/** Sides that make namespaces when they are asked to, in the order in which they are told. */
export const makers: readonly string[] = [
  'library',
  'xtables',
  'anonymous',
  'daemon',
  'floor',
  'floor-handed',
  'ip-batch',
  'ip-tuned',
  'ip-iptables',
  'cni',
  'pyroute2',
  'npm-iproute',
  'npm-netlink',
]
