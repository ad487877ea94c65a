import { expect, test } from 'vitest'
import { Remembered } from '../../src/daemon/idempotency.js'
import { createWorld, openRequest, until } from '../helpers/daemon.js'
import { refusal } from '../helpers/library.js'

const br0 = { name: 'br0', subnets: ['192.168.0.0/16'] }

test('the same key is one create, and one claim', async () => {
  await using world = await createWorld({ networks: [br0], pools: [{ name: 'spare', network: 'br0', size: 2 }] })
  await using daemon = await world.start()
  const make = (key: string, body: object = { network: 'br0' }) =>
    daemon.ask('POST', '/v1/namespaces', { body, headers: { 'idempotency-key': key } })
  const [first, second] = await Promise.all([make('k1'), make('k1')])
  expect(first.status).toBe(201)
  expect(second.body).toEqual(first.body)
  expect([first, second].map(({ headers }) => headers['idempotency-replayed']).sort()).toEqual(['true', undefined])
  expect((await make('k2')).body.name).not.toBe(first.body.name)
  const other = await make('k1', { network: 'br0', mtu: 1400 })
  expect(other).toMatchObject({ status: 422, body: { code: 'EGRESSD_KEY_REUSED' } })
  expect(await make('bad key')).toMatchObject({ status: 400, body: { code: 'EGRESSD_INVALID_REQUEST' } })
  // What failed is not remembered.
  expect((await make('k3', { network: 'br9' })).status).toBe(404)
  expect((await make('k3')).status).toBe(201)

  const claim = (key: string) =>
    daemon.ask('POST', '/v1/pools/spare/claim', { body: {}, headers: { 'idempotency-key': key } })
  const [a, b] = [await claim('k1'), await claim('k1')]
  expect(a.status).toBe(200)
  expect(b.body).toEqual(a.body)
  expect((await daemon.ask('GET', '/v1/pools/spare')).body.stats).toMatchObject({ claimed: 1, claims: 1 })
})

test('a claim whose client goes while it waits is none', async () => {
  const pool = { name: 'spare', network: 'br0', size: 1, high: 1 }
  await using world = await createWorld({ networks: [br0], pools: [pool] })
  await using daemon = await world.start()
  const stats = async () => (await daemon.ask('GET', '/v1/pools/spare')).body.stats
  const held = await daemon.ask('POST', '/v1/pools/spare/claim', { body: {} })
  const { sent } = await openRequest(world.socket, 'POST', '/v1/pools/spare/claim')
  sent.end()
  await until(async () => (await stats()).waiting === 1, 'a claim that waits')
  sent.destroy()
  await until(async () => (await stats()).waiting === 0, 'none that waits')
  const late = await daemon.ask('POST', '/v1/pools/spare/claim', { body: { timeoutMs: 20 } })
  expect(late).toMatchObject({ status: 504, body: { code: 'EGRESSD_TIMEOUT' } })
  await daemon.ask('POST', '/v1/pools/spare/release', { body: { namespace: held.body.name } })
  await until(async () => (await stats()).ready === 1, 'one that is ready')
  expect(await stats()).toMatchObject({ claimed: 0, waiting: 0 })
})

test('what is remembered is bounded in time and number, and what is under way is not forgotten', async () => {
  let now = 0
  const remembered = new Remembered(() => now)
  let done = 0
  const work = async () => ({ status: 201, body: ++done })
  await remembered.run('a', {}, work)
  now = 9 * 60_000
  expect((await remembered.run('a', {}, work)).answer.body).toBe(1)
  now = 11 * 60_000
  expect((await remembered.run('a', {}, work)).answer.body).toBe(2)
  let end = (_: { status: number }) => {}
  const slow = remembered.run('slow', {}, () => new Promise(resolve => (end = resolve)))
  for (let i = 0; i < 10_001; i++) await remembered.run(`many-${i}`, {}, work)
  expect(remembered.size).toBe(10_000)
  expect((await refusal(remembered.run('slow', { other: 1 }, work))).code).toBe('EGRESSD_KEY_REUSED')
  const again = remembered.run('slow', {}, work)
  end({ status: 200 })
  expect([(await slow).again, (await again).again, (await again).answer]).toEqual([false, true, { status: 200 }])
})
