/** What a line of a reading is about. */
export type Aspect =
  | 'address'
  | 'conntrack'
  | 'discipline'
  | 'forwarding'
  | 'link'
  | 'multicast'
  | 'neighbour'
  | 'nft'
  | 'process'
  | 'route'
  | 'rule'
  | 'socket'
  | 'sysctl'
  | 'xfrm'
  | 'xtables'

/** One thing that is not as in a fresh one. */
export interface Difference {
  aspect: Aspect
  /** There though it should not be, or the reverse. What was changed is both. */
  change: 'extra' | 'missing'
  what: string
}

/**
 * Everything that a namespace is, in lines: twice the same of two that are alike, since what is each one's own (its addresses,
 * say) is a word in them. `words` are for people; `bytes` are whole messages of the kernel, for what words leave out.
 */
export interface Lines {
  words: Map<Aspect, string[]>
  bytes: Map<Aspect, string[]>
  /** Hundreds of lines in one text: they differ seldom, and are taken apart only then. */
  settings: string
}

/** Of an aspect whose words differ, bytes add nothing. */
export function compareLines(fresh: Lines, used: Lines): Difference[] {
  const told = differences(fresh.words, used.words)
  if (fresh.settings !== used.settings) told.push(...differences(settingLines(fresh), settingLines(used)))
  const more = differences(fresh.bytes, used.bytes)
  return [...told, ...more.filter(({ aspect }) => !told.some(one => one.aspect === aspect))]
}

const settingLines = ({ settings }: Lines) => new Map([['sysctl' as const, settings.split('\n').filter(Boolean)]])

function differences(fresh: ReadonlyMap<Aspect, string[]>, used: ReadonlyMap<Aspect, string[]>): Difference[] {
  const aspects = [...new Set([...fresh.keys(), ...used.keys()])].sort()
  return aspects.flatMap(aspect => {
    const [before, after] = [fresh.get(aspect) ?? [], used.get(aspect) ?? []]
    return [
      ...without(after, before).map(what => ({ aspect, change: 'extra' as const, what })),
      ...without(before, after).map(what => ({ aspect, change: 'missing' as const, what })),
    ]
  })
}

/** Those lines that the others do not have, or have not as often. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>()
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1)
  return lines.filter(line => {
    const count = left.get(line) ?? 0
    left.set(line, count - 1)
    return count <= 0
  })
}
