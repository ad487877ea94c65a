/**
 * Who goes first in round `round`: forwards and backwards in turn (A B, B A), so that what drifts falls on all alike, and
 * one place further every second round, so that nobody is always in the middle.
 */
export function orderOf<T>(sides: readonly T[], round: number): T[] {
  const shift = sides.length === 0 ? 0 : Math.floor(Math.abs(round) / 2) % sides.length
  const turned = [...sides.slice(shift), ...sides.slice(0, shift)]
  return round % 2 === 0 ? turned : turned.reverse()
}
