// EGRESSD_SWEEP_POINTS=FROM-TO takes some of them.
const [from = 1, to = Number.POSITIVE_INFINITY] = (process.env.EGRESSD_SWEEP_POINTS ?? '')
  .split('-')
  .filter(Boolean)
  .map(Number)

export const allPoints = from === 1 && to === Number.POSITIVE_INFINITY

/** Of those that are asked for, one in `every`, from the first on. */
export const pointsOf =
  (every: number) =>
  (at: number): boolean =>
    at >= from && at <= to && at % every === 1 % every
