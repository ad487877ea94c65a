import { rmSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createWorld, type Daemon, run, type World } from '../helpers/daemon.js'

const br0 = { name: 'br0', subnets: ['192.168.0.0/16'] }
const br1 = { name: 'br1', subnets: ['10.1.0.0/24'] }
const inside = (name: string, network = 'br0') => ({ name, network })

async function reload(daemon: Daemon): Promise<{ taken: boolean; error: Record<string, unknown> }> {
  const from = daemon.log.length
  daemon.child.kill('SIGHUP')
  const words = ['the configuration was read again', 'the configuration was not taken: the one before is kept']
  const line = await daemon.logged(each => daemon.log.indexOf(each) >= from && words.includes(each.msg))
  return { taken: line.msg === words[0], error: line.error as Record<string, unknown> }
}

/** As `ip` sees it. */
const links = ({ host }: World): string[] =>
  host
    .json<{ ifname: string; ifalias?: string }[]>('ip', ['-j', 'link'])
    .flatMap(({ ifalias }) => ifalias ?? [])
    .sort()

const names = async (daemon: Daemon, kind: 'networks' | 'namespaces'): Promise<string[]> =>
  (await daemon.ask('GET', `/v1/${kind}`)).body.items.map(({ name }: { name: string }) => name)

test('a configuration that is wrong changes nothing, and is told with all that is wrong with it', async () => {
  await using world = await createWorld({ networks: [br0], namespaces: [inside('ns0')] })
  await using daemon = await world.start()
  const before = links(world)
  for (const [config, fields] of [
    [{ networks: [br0, { name: 'br9', subnets: ['10.0.0.1/8'] }], limits: { writes: 0 }, loud: 1 }, 3],
    [{ networks: [br0], namespaces: [inside('ns0')], pools: [{ name: 'p', network: 'br7', size: 3, low: 4 }] }, 2],
  ] as const) {
    world.configure(config)
    const { taken, error } = await reload(daemon)
    expect(taken).toBe(false)
    expect(error.problems).toHaveLength(fields)
  }
  writeFileSync(world.configFile, 'networks: [')
  expect((await reload(daemon)).taken).toBe(false)
  // What stands in its way is seen before anything is done: the subnet is a route of the host.
  world.configure({ networks: [br1, { name: 'br2', subnets: ['203.0.113.0/25'] }] })
  expect(await reload(daemon)).toMatchObject({ taken: false, error: { code: 'EGRESSD_SUBNET_OVERLAP' } })
  expect(links(world)).toEqual(before)
  expect(await names(daemon, 'namespaces')).toEqual(['ns0'])
  world.configure({ networks: [br0, br1], namespaces: [inside('ns0')] })
  expect((await reload(daemon)).taken).toBe(true)
  expect(await names(daemon, 'networks')).toEqual(['br0', 'br1'])
})

test('what is no longer configured goes, over a restart too; what others made stays', async () => {
  await using world = await createWorld({ networks: [br0, br1], namespaces: [inside('ns0'), inside('ns1', 'br1')] })
  const first = await world.start()
  await first.ask('PUT', '/v1/namespaces/mine', { body: { network: 'br0' } })
  await first.ask('PUT', '/v1/networks/br2', { body: { subnets: ['10.2.0.0/24'] } })
  world.configure({ networks: [br0], namespaces: [inside('ns2')] })
  expect((await reload(first)).taken).toBe(true)
  expect(await names(first, 'networks')).toEqual(['br0', 'br2'])
  expect(await names(first, 'namespaces')).toEqual(['mine', 'ns2'])
  expect(await first.end()).toBe(0)

  world.configure({ networks: [br0], namespaces: [inside('ns3')] })
  const second = await world.start()
  expect(await names(second, 'namespaces')).toEqual(['mine', 'ns3'])

  // br0 has a namespace that no configuration made: it stays until that is gone.
  world.configure({ networks: [br1] })
  expect((await reload(second)).taken).toBe(true)
  expect(second.log.find(({ level }) => level === 'warn')).toMatchObject({ network: 'br0' })
  expect(await names(second, 'networks')).toEqual(['br0', 'br1', 'br2'])
  expect(await names(second, 'namespaces')).toEqual(['mine'])
  expect((await second.ask('DELETE', '/v1/namespaces/mine')).status).toBe(204)
  expect((await reload(second)).taken).toBe(true)
  expect(await names(second, 'networks')).toEqual(['br1', 'br2'])
  await second.end()
  const other = links(world)
  expect(other).toEqual(['egressd:br1', 'egressd:br2'])
})

test('a network is called otherwise: its namespaces move, and nothing stays of it', async () => {
  const pool = (network: string) => ({ name: 'p', network, size: 1 })
  await using world = await createWorld({ networks: [br1], namespaces: [inside('ns1', 'br1')], pools: [pool('br1')] })
  await using daemon = await world.start()
  const anew = { ...br1, name: 'other1' }
  world.configure({ networks: [anew], namespaces: [inside('ns1', 'other1')], pools: [pool('other1')] })
  expect(await reload(daemon)).toMatchObject({ taken: true })
  expect(await names(daemon, 'networks')).toEqual(['other1'])
  expect((await daemon.ask('GET', '/v1/namespaces/ns1')).body.network).toBe('other1')
  expect(links(world).every(alias => alias.startsWith('egressd:other1'))).toBe(true)
})

test('a network that is not configured any more stays for anonymous namespaces of clients, but not for spare ones', async () => {
  const pools = [{ name: 'p', network: 'br1', size: 2 }]
  await using world = await createWorld({ networks: [br0, br1], pools })
  await using daemon = await world.start()
  const { body } = await daemon.ask('POST', '/v1/namespaces', { body: { network: 'br1' } })
  world.configure({ networks: [br0] })
  expect(await reload(daemon)).toMatchObject({ taken: true })
  expect(daemon.log.find(({ level }) => level === 'warn')).toMatchObject({ network: 'br1' })
  expect(await names(daemon, 'namespaces')).toEqual([body.name])
  expect((await daemon.ask('DELETE', `/v1/namespaces/${body.name}`)).status).toBe(204)
  expect((await reload(daemon)).taken).toBe(true)
  expect(await names(daemon, 'networks')).toEqual(['br0'])
})

test('the state directory is removed: a reload writes all down anew, and the next start takes it up', async () => {
  const config = { networks: [br0, br1], namespaces: [inside('ns0')], pools: [{ name: 'p', network: 'br0', size: 1 }] }
  await using world = await createWorld(config)
  const first = await world.start()
  await first.ask('PUT', '/v1/namespaces/mine', { body: { network: 'br0' } })
  await first.ask('POST', '/v1/pools/p/claim', { body: { name: 'claimed' } })
  const idsOf = async (daemon: Daemon) =>
    (await daemon.ask('GET', '/v1/namespaces')).body.items
      .filter(({ anonymous }: { anonymous: boolean }) => !anonymous)
      .map(({ name, id, addresses }: Record<string, unknown>) => [name, id, addresses])
  const before = await idsOf(first)
  expect(before).toHaveLength(3)
  rmSync(world.stateDir, { recursive: true })
  // What was configured before is known all the same.
  world.configure({ ...config, networks: [br0] })
  expect(await reload(first)).toMatchObject({ taken: true })
  expect(await names(first, 'networks')).toEqual(['br0'])
  expect(await first.end()).toBe(0)
  await using second = await world.start()
  expect(await idsOf(second)).toEqual(before)
  expect(second.log.some(({ msg }) => msg === 'remains removed')).toBe(false)
  const claimed = before.find(([name]: string[]) => name === 'claimed')?.[1]
  const release = await second.ask('POST', '/v1/pools/p/release', { body: { namespace: 'claimed', id: claimed } })
  expect(release.status).toBe(204)
})

test('a configuration that fails half way is undone', async () => {
  const config = { networks: [br0], namespaces: [inside('ns0')], pools: [{ name: 'spare', network: 'br0', size: 1 }] }
  await using world = await createWorld(config)
  await using daemon = await world.start()
  // Somebody else's link has the name that the last of them wants: known only where it is made.
  world.host.tool('ip', ['link', 'add', 'taken0', 'type', 'veth', 'peer', 'name', 'taken1'])
  world.configure({
    networks: [br0, br1],
    namespaces: [inside('ns5', 'br1'), { ...inside('ns6'), hostInterface: 'taken0' }],
  })
  const { taken, error } = await reload(daemon)
  expect({ taken, code: error.code }).toEqual({ taken: false, code: 'EGRESSD_NAME_TAKEN' })
  expect(await names(daemon, 'networks')).toEqual(['br0'])
  const standing = (await daemon.ask('GET', '/v1/namespaces')).body.items
  expect(standing.filter(({ anonymous }: { anonymous: boolean }) => !anonymous)).toMatchObject([{ name: 'ns0' }])
  expect((await daemon.ask('POST', '/v1/pools/spare/claim', { body: {} })).status).toBe(200)
})

test('pools are opened, resized and closed', async () => {
  const pool = (name: string, size: number) => ({ name, network: 'br0', size })
  await using world = await createWorld({ networks: [br0], pools: [pool('a', 1), pool('b', 1)] })
  await using daemon = await world.start()
  const claimed = (await daemon.ask('POST', '/v1/pools/b/claim', { body: { name: 'c0' } })).body
  world.configure({ networks: [br0], pools: [pool('b', 4), pool('c', 2)] })
  expect((await reload(daemon)).taken).toBe(true)
  const ready = async () => {
    const { items } = (await daemon.ask('GET', '/v1/pools')).body
    return Object.fromEntries(
      items.map(({ name, stats }: { name: string; stats: { ready: number; claimed: number } }) => [
        name,
        [stats.ready, stats.claimed],
      ]),
    )
  }
  await expect.poll(ready, { timeout: 30_000, interval: 20 }).toEqual({ b: [4, 1], c: [2, 0] })
  expect(claimed.name).toBe('c0')
  world.configure({ networks: [br0] })
  expect((await reload(daemon)).taken).toBe(true)
  expect(await ready()).toEqual({})
  expect(await names(daemon, 'namespaces')).toEqual(['c0'])
})

test('a start that cannot be says why: 2 for the configuration, 1 for the rest', async () => {
  await using world = await createWorld({ networks: [br0], group: 'no-such-group' })
  await using group = run(world)
  expect(await group.end('SIGCONT')).toBe(1)
  expect(group.log.at(-1)).toMatchObject({ level: 'fatal', error: { code: 'EGRESSD_NOT_FOUND', field: 'group' } })
  world.configure({ networks: [br0], socket: 'relative', read: 'some', watch: 'never' })
  await using wrong = run(world)
  expect(await wrong.end('SIGCONT')).toBe(2)
  expect(wrong.rest.join('\n')).toMatch(
    /3 problems:\n.*socket: "relative" is not an absolute path\n.*read: .*\n.*watch: /,
  )
  world.configure({ networks: [br0] })
  await using daemon = await world.start()
  await using second = run(world)
  expect(await second.end('SIGCONT')).toBe(1)
  expect(second.log.at(-1)).toMatchObject({ error: { code: 'EGRESSD_STATE_LOCKED', details: { pid: daemon.pid } } })
  expect((await daemon.ask('GET', '/readyz')).status).toBe(200)
})

test('the level of the log changes by request, by signal, and with the configuration', async () => {
  await using world = await createWorld({ networks: [br0] })
  await using daemon = await world.start()
  const made = (name: string) => daemon.ask('PUT', `/v1/namespaces/${name}`, { body: { network: 'br0' } })
  await made('quiet')
  daemon.child.kill('SIGUSR2')
  await daemon.logged(({ level, msg }) => level === 'warn' && /by a signal/.test(msg))
  await made('loud')
  const line = await daemon.logged(({ msg, namespace }) => msg === 'operation' && namespace === 'loud')
  expect(line).toMatchObject({ level: 'debug', operation: 'namespace.create', network: 'br0', result: 'ok', items: 1 })
  expect(daemon.log.some(({ namespace }) => namespace === 'quiet')).toBe(false)
  expect((await daemon.ask('PUT', '/v1/log', { body: { level: 'error' } })).status).toBe(200)
  expect((await daemon.ask('GET', '/v1/log')).body).toEqual({ level: 'error' })
  world.configure({ networks: [br0], log: { level: 'info' } })
  expect((await reload(daemon)).taken).toBe(true)
  expect((await daemon.ask('GET', '/v1/log')).body).toEqual({ level: 'info' })
})
