/**
 * A body that is made as it is taken: `source` is asked for more once the reader has what came before, and told to end where he
 * goes. `stuck` is called where he takes nothing for so long.
 */
export function streamOf(
  source: AsyncIterable<string>,
  { slowMs, stuck }: { slowMs: number; stuck: () => void },
): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  let timer: NodeJS.Timeout | undefined
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        clearTimeout(timer)
        const { done, value } = await iterator.next()
        if (done) return controller.close()
        controller.enqueue(Buffer.from(value))
        timer = setTimeout(stuck, slowMs)
      },
      async cancel() {
        clearTimeout(timer)
        await iterator.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
