import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { createWorld, run, until } from '../helpers/daemon.js'

const jumping = { NODE_OPTIONS: `--import=${resolve('test/helpers/jumping-clock.mjs')}` }

test('a wall clock that is set by hours, forth and back, at every look: nothing expires by it, and nothing waits for it', async () => {
  await using world = await createWorld({
    // Five addresses: one that had rested long enough would be given out again.
    networks: [
      { name: 'br0', subnets: ['10.1.0.0/29'] },
      { name: 'br1', subnets: ['10.2.0.0/16'] },
    ],
    namespaces: [{ name: 'ns0', network: 'br1', hostInterface: 'h-ns0' }],
    pools: [{ name: 'spare', network: 'br1', size: 2 }],
  })
  await using daemon = await world.start({ env: jumping })
  const make = (key: string) =>
    daemon.ask('POST', '/v1/namespaces', { body: { network: 'br0' }, headers: { 'idempotency-key': key } })

  // The clock does jump, in what is told to people.
  const stamps = daemon.log.map(({ time }) => Date.parse(String(time)) || Number(time))
  expect(Math.max(...stamps) - Math.min(...stamps)).toBeGreaterThan(3_600_000)

  // A key is remembered, an address rests.
  const made = await make('k0')
  expect(made.status).toBe(201)
  for (let i = 0; i < 10; i++) expect((await make('k0')).body.name).toBe(made.body.name)
  const all = [made, ...(await Promise.all(['k1', 'k2', 'k3', 'k4'].map(make)))]
  expect(all.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201])
  for (const { body } of all) expect((await daemon.ask('DELETE', `/v1/namespaces/${body.name}`)).status).toBe(204)
  for (let i = 0; i < 10; i++) expect((await make(`again${i}`)).body.code).toBe('EGRESSD_ADDRESSES_EXHAUSTED')

  // A pool is filled, a claim waits as long as it was told to, drift is put right.
  const claim = (timeoutMs: number) => daemon.ask('POST', '/v1/pools/spare/claim', { body: { timeoutMs } })
  for (let i = 0; i < 5; i++) expect((await claim(20_000)).status).toBe(200)
  for (let i = 0; i < 2; i++) {
    const from = daemon.log.length
    world.host.tool('ip', ['link', 'set', 'h-ns0', 'down'])
    await daemon.logged(line => daemon.log.indexOf(line) >= from && line.watch === 'repaired')
  }
  const ping = () => daemon.ask('POST', '/v1/namespaces/ns0/ping', { body: { target: '8.8.8.8', timeoutMs: 500 } })
  await until(async () => (await ping()).body.echoes[0].result === 'reply', 'the way out')

  // Another one is refused while this one has the lock, and takes all up afterwards.
  const second = run(world, { env: jumping })
  expect(await second.end()).not.toBe(0)
  expect(await daemon.end()).toBe(0)
  await using next = await world.start({ env: jumping })
  expect((await next.ask('GET', '/v1/namespaces/ns0')).status).toBe(200)
})
