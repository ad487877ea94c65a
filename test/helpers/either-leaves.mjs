// How many objects are left behind in something that lasts by what is done 300 times: numbers for each case, as JSON.
import { Transport } from '../../dist/client/transport.js'
import { lastingController } from '../../dist/either.js'
import { prepareItem } from '../../dist/pool/prepare.js'
import { liveObjects } from './live-objects.mjs'

const lasting = lastingController()
const caller = new AbortController()
const transport = new Transport('/nonexistent/socket', 1_000)
const clock = { now: () => 0, soon: () => {}, after: () => () => {} }

const cases = {
  // What is left behind is seen.
  any: async () => AbortSignal.any([lasting.signal]),
  listeners: async () => lasting.signal.addEventListener('abort', () => {}),
  prepared: () => prepareItem(async () => {}, {}, { clock, timeoutMs: 1_000, closing: lasting.signal }),
  pauses: () => transport.pause(1, caller.signal),
}

const left = {}
for (const [name, once] of Object.entries(cases)) {
  for (let i = 0; i < 20; i++) await once()
  const before = await liveObjects()
  for (let i = 0; i < 300; i++) await once()
  const after = await liveObjects()
  left[name] = { functions: after.functions - before.functions, weak: after.weak - before.weak }
}
console.log(JSON.stringify(left))
