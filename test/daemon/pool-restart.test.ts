import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createWorld, type Daemon, until } from '../helpers/daemon.js'

const networks = [{ name: 'br0', subnets: ['192.168.0.0/16'] }]
const pool = (more: object = {}) => ({ name: 'jobs', network: 'br0', size: 2, ...more })

const stats = async (daemon: Daemon) => (await daemon.ask('GET', '/v1/pools/jobs')).body.stats
const claim = async (daemon: Daemon, name: string) =>
  (await daemon.ask('POST', '/v1/pools/jobs/claim', { body: { name, labels: { of: 'us' } } })).body
const release = async (daemon: Daemon, body: object) =>
  (await daemon.ask('POST', '/v1/pools/jobs/release', { body })).status

test.each([
  ['SIGTERM', 'never', { destroyed: 1, recycled: 0 }],
  ['SIGKILL', 'never', { destroyed: 1, recycled: 0 }],
  ['SIGKILL', 'trusted', { destroyed: 0, recycled: 1 }],
] as const)('what was claimed before %s is released to its pool (recycle: %s)', async (signal, recycle, counts) => {
  await using world = await createWorld({ networks, pools: [pool({ recycle, high: 4 })] })
  const first = await world.start()
  const [one, two] = [await claim(first, 'job-1'), await claim(first, 'job-2')]
  await first.ask('PUT', '/v1/namespaces/own', { body: { network: 'br0' } })
  const record = JSON.parse(readFileSync(join(world.stateDir, 'namespaces', 'job-1.json'), 'utf8'))
  expect(record).toMatchObject({ pool: 'jobs', id: one.id })
  await first.end(signal)

  await using second = await world.start()
  await until(async () => (await stats(second)).ready >= 1, 'one that is ready')
  expect(await stats(second)).toMatchObject({ claimed: 2 })
  expect((await second.ask('GET', '/metrics')).text).toMatch(/^egressd_pool_claimed\{pool="jobs"\} 2$/m)
  expect((await second.ask('GET', '/v1/namespaces/job-1')).body).toEqual(one)
  // Not what was never claimed from it, and not another of that name.
  expect(await release(second, { namespace: 'own' })).toBe(404)
  expect(await release(second, { namespace: 'job-1', id: 'another' })).toBe(204)
  expect(await stats(second)).toMatchObject({ claimed: 2 })
  expect(await release(second, { namespace: 'job-1', id: one.id })).toBe(204)
  await until(async () => (await stats(second)).claimed === 1, 'what was released')
  expect(await stats(second)).toMatchObject(counts)
  expect(existsSync(join(world.netnsDir, 'job-1'))).toBe(false)
  // Destroyed without its pool, it is told.
  expect((await second.ask('DELETE', `/v1/namespaces/${two.name}`)).status).toBe(204)
  expect(await stats(second)).toMatchObject({ claimed: 0 })
})

test('what is claimed counts against the limit of its pool after a restart, and after its settings changed', async () => {
  const config = { networks, pools: [pool({ size: 1, high: 1 })] }
  await using world = await createWorld(config)
  const first = await world.start()
  await claim(first, 'job-1')
  await first.end('SIGKILL')
  await using second = await world.start()
  const late = await second.ask('POST', '/v1/pools/jobs/claim', { body: { timeoutMs: 50 } })
  expect(late).toMatchObject({ status: 504, body: { code: 'EGRESSD_TIMEOUT' } })
  world.configure({ ...config, pools: [pool({ size: 1, high: 1, recycle: 'trusted' })] })
  second.child.kill('SIGHUP')
  await second.logged(({ msg }) => msg === 'the configuration was read again')
  expect(await stats(second)).toMatchObject({ claimed: 1, ready: 0, making: 0 })
  expect(await release(second, { namespace: 'job-1' })).toBe(204)
  await until(async () => (await stats(second)).ready === 1, 'one that is ready')
})
