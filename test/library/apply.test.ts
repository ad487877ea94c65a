import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ApplyResult, PlannedChange } from '../../src/engine/changes.js'
import { linkName, routeProtocol } from '../../src/plan/desired.js'
import type { SpecInput } from '../../src/spec/schema.js'
import { faults } from '../helpers/faults.js'
import { createLibrary, type Library, refusal } from '../helpers/library.js'

const spec: SpecInput = {
  networks: [
    { name: 'br0', subnets: ['192.168.0.0/16', 'fd00::/64'] },
    { name: 'rt0', mode: 'routed', subnets: ['10.77.0.0/16', 'fd77::/64'] },
  ],
  namespaces: [
    { name: 'ns0', network: 'br0', interface: 'ceth0', hostInterface: 'veth0', addresses: ['192.168.0.2', 'fd00::2'] },
    { name: 'ns1', network: 'br0' },
    { name: 'r0', network: 'rt0' },
    { name: 'r1', network: 'rt0' },
  ],
}

const actions = ({ changes }: { changes: readonly PlannedChange[] }) =>
  changes.map(({ kind, name, action }) => `${action} ${kind} ${name}`)

const pings = async ({ egress }: Library, name: string, target: string): Promise<string> => {
  const namespace = egress.namespaces.find(namespace => namespace.name === name)
  const [echo] = (await namespace?.ping(target, { timeoutMs: 2000 })) ?? []
  return echo?.result ?? 'no such namespace'
}

const at = (network: string, ...hosts: [string, string][]): NonNullable<SpecInput['namespaces']> =>
  hosts.map(([name, address]) => ({ name, network, addresses: [address] }))

describe.each(['nftables', 'xtables'] as const)('by %s', firewall => {
  test('a document is made so, and a second time nothing is written', async () => {
    await using library = await createLibrary({ firewall })
    const { egress, watch } = library
    const plan = await egress.plan(spec)
    expect(plan.inSync).toBe(false)
    watch.reset()
    expect(await egress.plan(spec)).toEqual(plan)
    expect(watch.writes).toEqual([])
    const result = await egress.apply(spec)
    expect(actions(result)).toEqual(actions(plan))
    expect(result.changes.every(({ result }) => result === 'done')).toBe(true)
    const census = library.census()
    watch.reset()
    expect(await egress.apply(spec)).toEqual({ changed: false, changes: [] })
    expect(await egress.check(spec)).toEqual({ inSync: true, changes: [] })
    expect(watch.writes).toEqual([])
    expect(library.census()).toEqual(census)
    for (const name of ['ns0', 'ns1', 'r0', 'r1'])
      for (const target of ['8.8.8.8', '2001:4860:4860::8888']) expect(await pings(library, name, target)).toBe('reply')
    for (const target of ['192.168.0.3', 'fd00::3']) expect(await pings(library, 'ns0', target)).toBe('reply')
    for (const target of ['10.77.0.3', 'fd77::3', '10.77.0.1', 'fd77::1'])
      expect(await pings(library, 'r0', target)).toBe('reply')
  })

  test('one that stands is given the address of one that goes, or moves elsewhere', async () => {
    await using library = await createLibrary({ firewall })
    const { egress } = library
    const documents = [
      at('br0', ['a', '192.168.0.10'], ['b', '192.168.0.11'], ['c', '192.168.0.12']),
      // a moves on, b takes its address, c takes b's: they are looked at in this order.
      at('br0', ['a', '192.168.0.13'], ['b', '192.168.0.10'], ['c', '192.168.0.11']),
      [...at('br0', ['b', '192.168.0.13'], ['c', '192.168.0.10']), ...at('rt0', ['a', '10.77.0.9'])],
      at('br0', ['c', '192.168.0.13']),
    ]
    for (const namespaces of documents) {
      const wanted = { ...spec, namespaces }
      const plan = await egress.plan(wanted, { prune: true })
      const applied = await egress.apply(wanted, { prune: true })
      expect(actions(applied)).toEqual(actions(plan))
      expect(await egress.check(wanted, { prune: true })).toEqual({ inSync: true, changes: [] })
      for (const { name, addresses } of namespaces) {
        expect(egress.namespaces.find(one => one.name === name)?.addresses).toContain(addresses?.[0])
        expect(await pings(library, name, '8.8.8.8')).toBe('reply')
      }
    }
  })

  test.each(['br0', 'rt0'])('… also while the kernel still has the link of the one that went: %s', async network => {
    await using library = await createLibrary({ firewall })
    const { egress } = library
    const [first, second] = network === 'br0' ? ['192.168.0.10', '192.168.0.11'] : ['10.77.0.10', '10.77.0.11']
    const b = { name: 'b', network }
    await egress.apply({
      ...spec,
      namespaces: [...at(network, ['a', first]), { ...b, addresses: [second], hostInterface: 'vb' }],
    })
    const [a] = egress.namespaces
    const held = await a?.descriptor()
    try {
      const wanted = { ...spec, namespaces: [{ ...b, addresses: [first], hostInterface: a?.hostInterface as string }] }
      await egress.apply(wanted, { prune: true })
      expect(await egress.check(wanted, { prune: true })).toEqual({ inSync: true, changes: [] })
      expect(await pings(library, 'b', '8.8.8.8')).toBe('reply')
    } finally {
      held?.close()
    }
  })

  test('a routed network moves to another gateway, and its namespaces with it', async () => {
    await using library = await createLibrary({ firewall })
    const { egress } = library
    const to = (...gateway: string[]): SpecInput => ({
      networks: [{ name: 'rt0', mode: 'routed', subnets: ['10.77.0.0/16', 'fd77::/64'], gateway }],
      namespaces: [{ name: 'r0', network: 'rt0', addresses: ['10.77.0.9', 'fd77::9'] }],
    })
    await egress.apply(to('10.77.0.1', 'fd77::1'))
    for (const gateways of [
      ['10.77.0.2', 'fd77::2'],
      ['10.77.0.1', 'fd77::3'],
    ]) {
      await egress.apply(to(...gateways))
      expect(await egress.check(to(...gateways))).toEqual({ inSync: true, changes: [] })
      const sources = ['-4', '-6'].flatMap(family =>
        library.host
          .json<{ prefsrc: string; protocol: string }[]>('ip', [
            '-j',
            family,
            'route',
            'show',
            'dev',
            linkName('rt0', 'r0'),
          ])
          .filter(({ protocol }) => protocol === String(routeProtocol)),
      )
      expect(sources.map(({ prefsrc }) => prefsrc)).toEqual(gateways)
      for (const target of ['8.8.8.8', ...gateways]) expect(await pings(library, 'r0', target)).toBe('reply')
    }
  })

  test('a change is made in place, and nobody else is disturbed', async () => {
    await using library = await createLibrary({ firewall })
    const { egress, watch } = library
    await egress.apply(spec)
    const bystander = egress.namespaces.find(({ name }) => name === 'ns1')
    // The first answer of a new bridge may be lost: it is about to be started while its first port comes up.
    expect((await bystander?.ping('8.8.8.8', { timeoutMs: 5000 }))?.[0]?.result).toBe('reply')
    const running = bystander?.ping('8.8.8.8', { count: 200, intervalMs: 5, timeoutMs: 2000 }) ?? []
    const before = library.host.json<{ ifname: string; ifindex: number }[]>('ip', ['-j', 'link'])
    watch.reset()
    const [br0, rt0] = spec.networks ?? []
    const result = await egress.apply(
      {
        networks: [{ ...br0, isolated: true } as never, { ...rt0, masquerade: false } as never],
        namespaces: [
          {
            name: 'ns0',
            network: 'br0',
            interface: 'ceth0',
            hostInterface: 'veth0',
            addresses: ['192.168.7.7'],
            mtu: 1400,
          },
          { name: 'ns1', network: 'br0' },
          { name: 'r0', network: 'rt0', routes: [{ to: '172.16.0.0/12' }], sysctls: { 'net.ipv4.tcp_syncookies': 0 } },
          { name: 'new', network: 'br0' },
        ],
      },
      { prune: true },
    )
    expect(actions(result)).toEqual([
      'update network br0',
      'update network rt0',
      'update namespace ns0',
      'update namespace ns1',
      'update namespace r0',
      'create namespace new',
      'delete namespace r1',
    ])
    const after = library.host.json<{ ifname: string; ifindex: number }[]>('ip', ['-j', 'link'])
    const indexOf = (links: typeof after, name: string) => links.find(({ ifname }) => ifname === name)?.ifindex
    for (const name of ['br0', 'rt0', 'veth0']) expect(indexOf(after, name)).toBe(indexOf(before, name))
    const inside = { netns: { path: join(library.netnsDir, 'ns0') } }
    const [link] = library.host.json<{ mtu: number; addr_info: { local: string }[] }[]>(
      'ip',
      ['-j', 'addr', 'show', 'ceth0'],
      inside,
    )
    expect([link?.mtu, link?.addr_info.map(({ local }) => local)]).toEqual([1400, ['192.168.7.7', 'fd00::2']])
    const r0 = { netns: { path: join(library.netnsDir, 'r0') } }
    expect(library.host.tool('ip', ['route', 'show', '172.16.0.0/12'], r0)).toContain('via 10.77.0.1')
    expect(library.host.tool('sysctl', ['-n', 'net.ipv4.tcp_syncookies'], r0).trim()).toBe('0')
    // Isolated: not each other, but the world.
    expect(await pings(library, 'ns0', 'fd00::3')).not.toBe('reply')
    expect(await pings(library, 'ns0', '8.8.8.8')).toBe('reply')
    expect((await running).filter(({ result }) => result !== 'reply')).toEqual([])
    expect(await egress.check({ networks: [], namespaces: [] })).toMatchObject({ inSync: true })
  })

  test('what is bent is put right, and only that', async () => {
    await using library = await createLibrary({ firewall })
    const { egress, host } = library
    await egress.apply(spec)
    const whole = library.census()
    const ns0 = { netns: { path: join(library.netnsDir, 'ns0') } }
    const bends: [string, () => void][] = [
      ['repair namespace ns0', () => host.tool('ip', ['route', 'del', 'default'], ns0)],
      ['repair namespace ns0', () => host.tool('ip', ['addr', 'del', '192.168.0.2/16', 'dev', 'ceth0'], ns0)],
      ['repair namespace ns0', () => host.tool('ip', ['link', 'set', 'veth0', 'nomaster'])],
      ['repair namespace ns0', () => host.tool('ip', ['link', 'set', 'veth0', 'down'])],
      ['repair namespace r0', () => host.tool('ip', ['route', 'del', '10.77.0.2'])],
      ['repair namespace r0', () => host.tool('ip', ['-6', 'route', 'del', 'fd77::2'])],
      ['repair namespace r0', () => host.tool('ip', ['neigh', 'del', '10.77.0.2', 'dev', linkName('rt0', 'r0')])],
      ['repair network br0', () => host.tool('ip', ['addr', 'del', '192.168.0.1/16', 'dev', 'br0'])],
      ['repair network br0', () => host.tool('ip', ['link', 'set', 'br0', 'mtu', '1400'])],
      ['repair network br0', () => host.tool('ip', ['link', 'set', 'br0', 'name', 'stolen'])],
      ['repair namespace ns0', () => host.tool('ip', ['link', 'set', 'veth0', 'name', 'stolen'])],
      ['repair namespace r0', () => host.tool('ip', ['link', 'set', linkName('rt0', 'r0'), 'name', 'stolen'])],
      ['update forwarding IPv4 and IPv6', () => host.tool('sysctl', ['-w', 'net.ipv4.ip_forward=0'])],
    ]
    if (firewall === 'nftables') bends.push(['repair firewall nftables', () => host.tool('nft', ['flush', 'ruleset'])])
    else bends.push(['repair firewall xtables', () => host.tool('iptables-legacy', ['-t', 'nat', '-F'])])
    const mend = async ([expected, bend]: (typeof bends)[number]) => {
      bend()
      const { changes } = await egress.check(spec)
      expect(actions({ changes })).toContain(expected)
      await egress.apply(spec)
      expect(await egress.check(spec)).toEqual({ inSync: true, changes: [] })
    }
    for (const bend of bends) await mend(bend)
    expect({ ...library.census(), nftables: '', addresses: 0 }).toEqual({ ...whole, nftables: '', addresses: 0 })
    // What takes the whole of it along: it is made anew.
    await mend(['repair namespace ns1', () => host.tool('ip', ['link', 'del', linkName('br0', 'ns1')])])
    await mend(['repair namespace r1', () => host.tool('umount', ['-l', join(library.netnsDir, 'r1')])])
    await mend(['repair network br0', () => host.tool('ip', ['link', 'del', 'br0'])])
    for (const name of ['ns0', 'ns1', 'r0', 'r1']) expect(await pings(library, name, '8.8.8.8')).toBe('reply')
  })

  test('all that is not in the document goes with prune, and not without', async () => {
    await using library = await createLibrary({ firewall })
    const { egress } = library
    const empty = library.census()
    await egress.apply(spec)
    expect(await egress.apply({})).toEqual({ changed: false, changes: [] })
    expect(actions(await egress.apply({}, { prune: true, dryRun: true }))).toHaveLength(6)
    expect(egress.namespaces).toHaveLength(4)
    await egress.apply({}, { prune: true })
    expect({ ...library.census(), forwarding: 0, remembered: 0 }).toEqual({ ...empty, forwarding: 0, remembered: 0 })
  })
})

test('where one fails the others are done, and the error tells of each', async () => {
  await using library = await createLibrary()
  const { egress, host } = library
  host.tool('ip', ['link', 'add', 'veth0', 'type', 'bridge'])
  const error = await refusal(egress.apply(spec))
  expect(error).toMatchObject({ code: 'EGRESSD_NAME_TAKEN', field: 'hostInterface', value: 'veth0' })
  const { changes } = error.details as unknown as ApplyResult
  expect(changes.filter(({ result }) => result === 'failed').map(({ name }) => name)).toEqual(['ns0'])
  expect(egress.namespaces.map(({ name }) => name).sort()).toEqual(['ns1', 'r0', 'r1'])
  host.tool('ip', ['link', 'del', 'veth0'])
  expect(actions(await egress.apply(spec))).toEqual(['create namespace ns0'])
})

test('a change that the kernel refuses is undone', async () => {
  await using library = await createLibrary()
  const { egress, watch } = library
  await egress.apply(spec)
  const before = library.census()
  const changed = {
    ...spec,
    namespaces: spec.namespaces?.map(namespace => ({
      ...namespace,
      mtu: 1400,
      addresses: [],
      routes: [{ to: '172.16.0.0/12' }],
    })),
  }
  watch.reset()
  await egress.apply({ ...changed, networks: spec.networks?.map(network => ({ ...network, isolated: true })) as never })
  const points = [...watch.writes]
  await egress.apply(spec)
  expect(library.census()).toEqual(before)
  for (const [at, op] of points.entries()) {
    watch.reset()
    watch.mishap = { at, what: faults.ENOMEM }
    const again = egress.apply({
      ...changed,
      networks: spec.networks?.map(network => ({ ...network, isolated: true })) as never,
    })
    // What began before the rules were there is seen to later.
    if (op === 'conntrack.deleteUntranslated') await again
    else expect((await refusal(again)).left ?? []).toEqual([])
    watch.reset()
    await egress.apply(spec)
    expect({ at, ...library.census() }).toEqual({ at, ...before })
  }
}, 300_000)

test('name servers are written where ip netns looks for them', async () => {
  await using library = await createLibrary()
  const etcNetnsDir = join(library.stateDir, '../etc')
  const egress = await library.restart({ etcNetnsDir })
  const dns = { servers: ['192.168.0.1', 'fd00::1'], search: ['example.org'] }
  const [network] = spec.networks ?? []
  const document = { networks: [network as never], namespaces: [{ name: 'ns0', network: 'br0', dns }] }
  await egress.apply(document)
  const file = join(etcNetnsDir, 'ns0/resolv.conf')
  expect(readFileSync(file, 'utf8').split('\n').slice(1)).toEqual([
    'nameserver 192.168.0.1',
    'nameserver fd00::1',
    'search example.org',
    '',
  ])
  expect((await egress.check(document)).inSync).toBe(true)
  await egress.apply({ ...document, namespaces: [{ name: 'ns0', network: 'br0' }] })
  expect(() => readFileSync(file)).toThrow('ENOENT')
  await egress.apply(document)
  await egress.apply({}, { prune: true })
  expect(() => readFileSync(file)).toThrow('ENOENT')
})

test('what is aborted stops between two namespaces, and goes on from there', async () => {
  await using library = await createLibrary()
  const { egress } = library
  const document: SpecInput = {
    networks: spec.networks,
    namespaces: Array.from({ length: 60 }, (_, i) => ({ name: `n${i}`, network: i % 2 ? 'br0' : 'rt0' })),
  }
  const controller = new AbortController()
  const reason = new Error('enough')
  const running = egress.apply(document, { signal: controller.signal })
  while (egress.namespaces.length < 10) await new Promise(resolve => setImmediate(resolve))
  controller.abort(reason)
  await expect(running).rejects.toBe(reason)
  const made = egress.namespaces.length
  expect(made).toBeGreaterThanOrEqual(10)
  expect(made).toBeLessThan(60)
  expect((await egress.check(document)).changes.map(({ action }) => action)).toEqual(Array(60 - made).fill('create'))
  await egress.apply(document)
  expect(await egress.check(document)).toEqual({ inSync: true, changes: [] })
})

test('a process that comes after the change finds it so', async () => {
  await using library = await createLibrary()
  await library.egress.apply(spec)
  const before = library.census()
  const egress = await library.restart()
  library.watch.reset()
  expect(await egress.apply(spec)).toEqual({ changed: false, changes: [] })
  expect(library.watch.writes.filter(op => op !== 'link.delete')).toEqual([])
  expect(library.census()).toEqual(before)
})

test('what a start finishes disturbs nobody else', async () => {
  await using library = await createLibrary()
  await library.egress.apply(spec)
  const before = library.census()
  await library.egress.close()
  const file = (folder: string, name: string) => join(library.stateDir, folder, `${name}.json`)
  for (const path of [file('networks', 'br0'), file('namespaces', 'ns0')])
    writeFileSync(path, readFileSync(path, 'utf8').replace('"ready"', '"changing"'))
  library.watch.reset()
  const egress = await library.restart()
  expect(library.watch.writes.filter(op => op === 'nft.commit')).toEqual([])
  expect(library.census()).toEqual(before)
  expect(await egress.check(spec)).toEqual({ inSync: true, changes: [] })
  for (const name of ['ns0', 'ns1', 'r0', 'r1']) expect(await pings(library, name, '8.8.8.8')).toBe('reply')
})
