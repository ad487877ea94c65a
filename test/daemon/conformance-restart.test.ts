// A client whose daemon is restarted, killed, or slow to give.
import { expect, test } from 'vitest'
import { connect } from '../../src/client.js'
import type { EgressEvent } from '../../src/engine/events.js'
import { createWorld, until } from '../helpers/daemon.js'
import { namesOf, network, poolName, refusal } from '../helpers/egress/subject.js'

test.each(['SIGTERM', 'SIGKILL'] as const)('what is asked for across %s and a new start is done once', async signal => {
  await using world = await createWorld({ networks: [network] })
  let daemon = await world.start()
  await using api = await connect({ socket: world.socket })
  const br0 = await api.findNetwork('br0')
  if (!br0) throw new Error('there is no br0')
  const there = await br0.create({ name: 'there' })
  let over = false
  const made: string[] = []
  const lane = async (number: number) => {
    for (let i = 0; !over; i++) made.push((await br0.create({ name: `n${number}-${i}` })).name)
  }
  const lanes = [0, 1, 2, 3].map(lane)
  for (let restarts = 0; restarts < 2; restarts++) {
    const before = made.length
    await until(() => made.length > before + 5, 'some are made')
    await daemon.end(signal)
    daemon = await world.start()
  }
  const before = made.length
  await until(() => made.length > before + 5, 'some are made')
  over = true
  await Promise.all(lanes)
  // Every one that was told is there, once, and nothing else is.
  expect(namesOf(await api.listNamespaces())).toEqual([...made, 'there'].sort())
  expect((await api.findNamespace('there'))?.addresses).toEqual(there.addresses)
  const namespaces = [...made, 'there'].map(name => ({ name, network: 'br0' }))
  expect(await api.check({ networks: [network], namespaces })).toEqual({ inSync: true, changes: [] })
  expect((await there.ping('8.8.8.8'))[0]?.result).toBe('reply')
  expect((await api.gc({ dryRun: true })).remove).toEqual([])
})

test('events go on across a restart, behind a gap', async () => {
  await using world = await createWorld({ networks: [network] })
  const daemon = await world.start()
  await using api = await connect({ socket: world.socket })
  const seen: EgressEvent[] = []
  const stop = new AbortController()
  const following = (async () => {
    for await (const event of api.events({ signal: stop.signal })) seen.push(event)
  })()
  const br0 = await api.findNetwork('br0')
  await br0?.create({ name: 'a' })
  await until(() => seen.some(({ name }) => name === 'a'), 'the first is told')
  await daemon.end()
  await world.start()
  await br0?.create({ name: 'b' })
  await until(() => seen.some(({ name }) => name === 'b'), 'the second is told')
  const words = seen.map(({ type, name }) => (name ? `${type} ${name}` : type))
  const [a, gap, b] = ['namespace.created a', 'gap', 'namespace.created b'].map(word => words.indexOf(word))
  expect([a, gap, b]).toEqual([a, gap, b].toSorted((x, y) => (x as number) - (y as number)))
  expect(gap).toBeGreaterThan(0)
  stop.abort()
  await following
})

test('a daemon that stays away is told, and one that never was at once', async () => {
  await using world = await createWorld({ networks: [network] })
  const daemon = await world.start()
  await using api = await connect({ socket: world.socket, timeoutMs: 20_000 })
  await daemon.end()
  expect(await refusal(api.listNetworks())).toMatchObject({ code: 'EGRESSD_DAEMON_UNREACHABLE' })
  expect(await refusal(connect({ socket: world.socket }))).toMatchObject({ code: 'EGRESSD_DAEMON_UNREACHABLE' })
})

test('who waits long, for a claim or for events, is not taken for one that is gone', async () => {
  const limits = { slowMs: 3_000 }
  const pools = [{ name: poolName, network: 'br0', size: 1, high: 1 }]
  await using world = await createWorld({ networks: [network], pools, limits })
  await world.start()
  await using api = await connect({ socket: world.socket })
  const pool = await api.findPool(poolName)
  if (!pool) throw new Error('there is no pool')
  // NB: what it is filled with is told, too.
  await until(async () => (await pool.readStats()).ready === 1, 'the pool is full')
  const events = api.events()[Symbol.asyncIterator]()
  const event = events.next()
  const first = await pool.claim({ name: 'first' })
  expect((await event).value).toMatchObject({ name: 'first' })
  const [second, next] = [pool.claim({ name: 'second' }), events.next()]
  const late = await refusal(pool.claim({ timeoutMs: 3 * limits.slowMs }))
  expect(late.code).toBe('EGRESSD_TIMEOUT')
  await pool.release(first)
  expect((await second).name).toBe('second')
  expect((await next).value).toMatchObject({ name: 'first', type: 'namespace.destroyed' })
  await events.return?.()
})
