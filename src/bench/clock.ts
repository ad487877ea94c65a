/** Whole nanoseconds of a clock that never goes back. */
export function now(): number {
  return Number(process.hrtime.bigint())
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = now()
  await work()
  return now() - start
}

/** One after the other; how long each took. */
export async function timedEach(
  first: number,
  count: number,
  work: (n: number) => Promise<unknown>,
  signal: AbortSignal,
): Promise<number[]> {
  const samples: number[] = []
  for (let n = first; n < first + count; n++) {
    signal.throwIfAborted()
    samples.push(await timed(() => work(n)))
  }
  return samples
}
