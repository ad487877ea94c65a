import { isEgressError } from '../errors.js'
import type { Context, Turn } from './scenario.js'
import type { Segment, Side, SideKind } from './side.js'
import { orderOf } from './stats/order.js'
import { sweep } from './sweep.js'
import { settle, type World } from './world.js'

export interface RoundsOptions {
  mode?: Segment['mode']
  /** How many namespaces stand at once. */
  capacity: number
  /** See {@link Segment}. */
  numbered?: boolean
  /** Default 1. Of what takes tens of milliseconds, and is not compiled while it runs, one is enough. */
  warmUps?: number
  variant?: string
}

/**
 * Every side's turn in every round: forwards and backwards by turns, on a network of its own, until the kernel has taken
 * away all of it. A side that fails has no more turns; what it left is swept away.
 */
export async function alternate(
  context: Context,
  { mode = 'bridge', capacity, numbered = false, warmUps = 1, variant = '' }: RoundsOptions,
  work: (turn: Turn) => Promise<void>,
): Promise<void> {
  const { world, rounds, progress } = context
  let kinds = context.sides.filter(({ modes }) => modes.includes(mode))
  const prefixes = new Map(kinds.map(({ name }, i) => [name, `10.${97 + i}`]))
  const total = (rounds + warmUps) * kinds.length
  let done = 0
  const measured = new Set<SideKind>()
  for (let round = -warmUps; round < rounds; round++) {
    for (const kind of orderOf(kinds, round)) {
      world.signal.throwIfAborted()
      if (kind.slow && round < (context.quick ? 0 : -1)) continue
      // One is measured in any case: as a rule the library, which comes first where a round goes forwards, as the one of number 0 does.
      if (context.late() && (round < 0 || measured.size > 0)) continue
      progress(done++, total, round < 0 ? `${kind.title}, warm-up` : `${kind.title}, round ${round + 1}`)
      const segment = { mode, capacity, numbered, prefix: prefixes.get(kind.name) as string }
      try {
        await turn(context, kind, segment, round, work)
        if (round >= 0) measured.add(kind)
      } catch (error) {
        world.signal.throwIfAborted()
        if (!isEgressError(error)) throw error
        context.failed(kind.name, variant, error)
        kinds = kinds.filter(other => other !== kind)
        await sweep(world)
      }
    }
  }
  for (const kind of kinds) if (!measured.has(kind)) context.omitted(kind.name, variant)
}

/** What a process that has only just begun takes longer for is done before, and does not count. `most`: at once. */
export async function warm(world: World, side: Side, count: number, most: number): Promise<void> {
  for (let left = count; left > 0; left -= most) {
    await side.create(0, Math.min(left, most))
    await side.destroyMany(0, Math.min(left, most))
    await settle(world)
  }
}

async function turn(
  { world, quick }: Context,
  kind: SideKind,
  segment: Segment,
  round: number,
  work: (turn: Turn) => Promise<void>,
): Promise<void> {
  const side = kind.make(world)
  try {
    await side.open(segment)
    // Where little is measured, not much longer than that.
    const enough = (quick ? 1 : 20) * segment.capacity
    if (kind.cold !== undefined)
      await warm(world, side, Math.min(kind.cold, enough), Math.min(300, 3 * segment.capacity))
    await work({ side, kind, segment, round })
    await side.drain?.()
    await settle(world)
    await side.close()
  } finally {
    await side.dispose()
  }
}

/** The number of namespaces for a side: slow ones get a fifth. */
export function shareOf({ slow = false }: SideKind, n: number): number {
  return slow ? Math.max(Math.min(n, 3), Math.round(n / 5)) : n
}

/** The fastest way the side has; what it takes does not count. */
export function make(side: Side, first: number, count: number): Promise<unknown> {
  return side.createMany ? side.createMany(first, count) : side.create(first, count)
}
