import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import type { EgressEvent, Operation } from '../../src/index.js'
import { createLibrary, type Library } from '../helpers/library.js'

const network = { name: 'br0', subnets: ['192.168.0.0/16'] }

/** Follows until `count` came, or the signal. */
async function take(events: AsyncIterable<EgressEvent>, count: number): Promise<EgressEvent[]> {
  const taken: EgressEvent[] = []
  for await (const event of events) if (taken.push(event) === count) break
  return taken
}

const words = (events: EgressEvent[]) => events.map(({ type, name }) => (name === undefined ? type : `${type} ${name}`))

async function withOperations(library: Library, work: () => Promise<void>): Promise<Operation[]> {
  const seen: Operation[] = []
  const listen = (message: unknown) => {
    if ((message as Operation).stateDir === library.stateDir) seen.push(message as Operation)
  }
  subscribe('egressd:operation', listen)
  try {
    await work()
  } finally {
    unsubscribe('egressd:operation', listen)
  }
  return seen
}

test('a claim is told with its name', async () => {
  await using library = await createLibrary()
  const br0 = await library.egress.network(network)
  const pool = br0.pool({ size: 1, low: 0 })
  await pool.ready()
  const next = take(library.egress.events(), 1)
  await pool.claim({ name: 'job' })
  expect(words(await next)).toEqual(['namespace.claimed job'])
  expect((await library.egress.listPools()).map(({ name }) => name)).toEqual(['br0'])
  await pool.close()
  expect(await library.egress.findPool('br0')).toBe(null)
})

test('where the events behind an id are not remembered, or it is of another run, a gap comes first', async () => {
  await using library = await createLibrary()
  const { egress } = library
  const [begun] = [take(egress.events(), 1), await egress.network(network)]
  const [created] = await begun
  const say = channel('egressd:event')
  for (let i = 0; i < 5_000; i++) say.publish({ stateDir: library.stateDir, type: 'said', number: i })
  say.publish({ stateDir: '/run/another', type: 'not ours' })
  const late = await take(egress.events({ since: created?.id as string }), 3)
  expect(words(late)).toEqual(['gap', 'said', 'said'])
  expect(late[1]?.number).toBe(5_000 - 4_096)
  expect(words(await take(egress.events({ since: 'other-7' }), 1))).toEqual(['gap'])
  // One that does not read while more come than are remembered.
  const slow = egress.events()[Symbol.asyncIterator]()
  const one = slow.next()
  say.publish({ stateDir: library.stateDir, type: 'said', number: -1 })
  expect((await one).value).toMatchObject({ number: -1 })
  for (let i = 0; i < 5_000; i++) say.publish({ stateDir: library.stateDir, type: 'said', number: i })
  expect((await slow.next()).value).toMatchObject({ type: 'gap' })
  expect((await slow.next()).value).toMatchObject({ number: 4_097 })
})

test('following ends with its signal, and with the handle', async () => {
  await using library = await createLibrary()
  const stop = new AbortController()
  const stopped = take(library.egress.events({ signal: stop.signal }), 1)
  const closed = take(library.egress.events(), 1)
  stop.abort()
  expect(await stopped).toEqual([])
  await library.egress.close()
  expect(await closed).toEqual([])
})

test('operations are told with how long they took and what came of them', async () => {
  await using library = await createLibrary()
  const seen = await withOperations(library, async () => {
    const br0 = await library.egress.network(network)
    const ns0 = await br0.create({ name: 'ns0' })
    await br0.create({ name: 'ns1', addresses: ns0.addresses }).catch(() => {})
    await br0.createMany([{ name: 'ns2' }, { name: 'ns3', addresses: ns0.addresses }])
    await br0.destroyMany([ns0])
    await library.egress.check({ networks: [network] })
  })
  expect(
    seen.map(({ operation, items, failed, error }) => [operation, items, failed, (error as { code?: string })?.code]),
  ).toEqual([
    ['network.ensure', 1, 0, undefined],
    ['namespace.create', 1, 0, undefined],
    ['namespace.create', 1, 1, 'EGRESSD_ADDRESS_IN_USE'],
    ['namespace.create-many', 2, 1, 'EGRESSD_ADDRESS_IN_USE'],
    ['namespace.destroy-many', 1, 0, undefined],
    ['plan', 1, 0, undefined],
  ])
  expect(seen[1]).toMatchObject({ network: 'br0', namespace: 'ns0' })
  expect(seen.every(({ milliseconds }) => milliseconds > 0)).toBe(true)
})
