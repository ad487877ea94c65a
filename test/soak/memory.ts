// What the memory of the daemon says of leaks. What is resident does not tell: the collector of young objects alone takes between 1
// and 32 MiB of room, by how much it has to do. A leak is what is still there when all that nobody can reach has been collected.

/** Bytes. */
export interface Memory {
  /** With all that is yet to be collected. */
  resident: number
  /** Of JavaScript, and of what it holds outside of its heap, after collections of all. */
  heap: number
  /** All else that is resident and of no file, after them: what native code has, and what its allocator keeps. */
  native: number
}

export interface Look extends Memory {
  /** The number of the daemon. */
  by: number
  /** So many requests it has answered. */
  answered: number
}

const mib = 2 ** 20
/**
 * By which the heap may grow, and by so much more for each request. Not 0: functions that are used often are compiled (1 MiB in the
 * first quarter of an hour), and what is remembered fills up, to where it is bounded: 4,096 events of half a KiB, the keys of ten minutes,
 * and 65,536 addresses of a family in each network.
 */
const mostMore = { first: 3 * mib, each: 256 }
/** By which what is native may grow, however many requests there were: threads have arenas of their own. */
const mostNative = 8 * mib
/** Of any daemon, at any rest. */
const mostResident = 192 * mib
/** Of fewer requests, what each of them leaves is lost in that. */
const fewest = 3_500

/** In words. Throws where there is a leak, or more is resident than may be. `residents`: bytes at each rest. */
export function judge(looks: readonly Look[], residents: readonly number[]): string[] {
  const most = Math.max(...residents, ...looks.map(({ resident }) => resident))
  const words = [`at most ${inMib(most)} were resident`]
  if (most > mostResident) throw new Error(`${inMib(most)} were resident`)
  // Of the last daemon, which lived longest.
  const last = looks.filter(({ by }) => by === looks.at(-1)?.by)
  const quarter = Math.floor(last.length / 4)
  if (quarter < 2) return words
  const early = mean(last.slice(quarter, 2 * quarter))
  const late = mean(last.slice(-quarter))
  const requests = late.answered - early.answered
  const more = late.heap - early.heap
  const told = `the last daemon, after collections, in the second quarter of its life and in the last, ${requests.toFixed()} requests later: heap ${inMib(early.heap)} and ${inMib(late.heap)}, native ${inMib(early.native)} and ${inMib(late.native)}`
  if (requests < fewest) return [...words, `${told}: too few to judge by`]
  if (more > mostMore.first + requests * mostMore.each || late.native - early.native > mostNative)
    throw new Error(`a leak: ${told}`)
  return [...words, told]
}

function mean(looks: readonly Look[]): { answered: number; heap: number; native: number } {
  const of = (key: 'answered' | 'heap' | 'native') => looks.reduce((sum, look) => sum + look[key], 0) / looks.length
  return { answered: of('answered'), heap: of('heap'), native: of('native') }
}

const inMib = (bytes: number): string => `${(bytes / mib).toFixed(1)} MiB`
