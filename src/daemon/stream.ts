import type { ServerResponse } from 'node:http'

/**
 * Writes what is made as it is taken: `source` is asked for more once the reader has what came before, and told to end where he
 * goes. `stuck` is called where he takes nothing for so long. Rejects with what the source throws.
 */
export async function pour(
  source: AsyncIterable<string>,
  outgoing: ServerResponse,
  { slowMs, stuck }: { slowMs: number; stuck: () => void },
): Promise<void> {
  const iterator = source[Symbol.asyncIterator]()
  // NB: not awaited: it may wait for what comes next, and ends behind that.
  const end = () => void iterator.return?.()
  if (outgoing.closed) return end()
  outgoing.once('close', end)
  outgoing.flushHeaders()
  for (;;) {
    const { done, value } = await iterator.next()
    if (outgoing.closed) return
    if (done) break
    if (!outgoing.write(value)) await taken(outgoing, slowMs, stuck)
  }
  outgoing.end()
}

/** Until there is room again, or the reader has gone. */
function taken(outgoing: ServerResponse, slowMs: number, stuck: () => void): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(stuck, slowMs)
    const go = () => {
      clearTimeout(timer)
      outgoing.off('drain', go).off('close', go)
      resolve()
    }
    outgoing.once('drain', go).once('close', go)
  })
}
