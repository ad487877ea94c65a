import type { Neighbour } from '../kernel/ops-route.js'

/** NUD_PERMANENT (<linux/neighbour.h>) */
const permanent = 0x80

/** Whether an entry is one that stays, with that MAC. */
export const isPermanent = (entry: Neighbour | undefined, mac: string): boolean =>
  entry !== undefined && entry.mac === mac && (entry.state & permanent) !== 0
