// Serves a peer on lines: see src/bench/sides/line-side.ts.
import { createInterface } from 'node:readline'

const now = () => Number(process.hrtime.bigint())

async function each(work, first, count) {
  const durations = []
  for (let n = first; n < first + count; n++) {
    const start = now()
    await work(n)
    durations.push(now() - start)
  }
  return durations
}

/** `work` has `network(name, address, prefix)`, `create(n)` and `drop(n)`. */
export async function serve({ network, create, drop }) {
  const verbs = {
    network: async (_mode, name, gateway) => {
      const [address, prefix] = gateway.split('/')
      await network(name, address, Number(prefix))
      return []
    },
    create: (first, count) => each(create, Number(first), Number(count)),
    drop: (first, count) => each(drop, Number(first), Number(count)),
    destroy: async (first, count) => {
      const start = now()
      await each(drop, Number(first), Number(count))
      return [now() - start]
    },
  }
  for await (const line of createInterface({ input: process.stdin })) {
    const [verb, ...words] = line.split(' ')
    if (verb === 'quit') break
    try {
      console.log(['ok', ...(await verbs[verb](...words))].join(' '))
    } catch (error) {
      console.log(`error ${String(error.message).replace(/\s+/g, ' ')}`)
    }
  }
}

export const addressOf = (gateway, n) => `${gateway.split('.').slice(0, 2).join('.')}.${(n + 2) >> 8}.${(n + 2) & 255}`
