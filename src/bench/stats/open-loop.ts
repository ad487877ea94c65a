/** When each of `count` requests is due, in ns from the start, at a fixed rate for each second. */
export function schedule(rate: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.round((i * 1e9) / rate))
}

/**
 * How long each took from when it was due, not from when there was time to begin it: a side that stalls pays for all who
 * wait meanwhile, where a closed loop would just not send them (coordinated omission).
 */
export function latencies(due: readonly number[], done: readonly number[]): number[] {
  return due.map((at, i) => (done[i] as number) - at)
}
