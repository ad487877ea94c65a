import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { backends, createLibrary, dual, named } from '../helpers/library.js'

type Json = Record<string, unknown>

test.each(backends)('%s: ip and bridge see what was asked for, outside and inside', async firewall => {
  await using library = await createLibrary()
  const { host } = library
  const network = await library.egress.network({ ...dual, firewall, mtu: 1400 })
  const namespace = await network.create(named)
  const outside = (...args: string[]) => host.json<Json[]>('ip', ['-j', '-d', ...args])
  const inside = (...args: string[]) => host.json<Json[]>('ip', ['-j', '-d', ...args], { netns: namespace.ref })

  const [bridge] = outside('link', 'show', 'br0')
  expect(bridge).toMatchObject({
    ...{ ifalias: 'egressd:br0', mtu: 1400, address: '42:65:c0:a8:00:01', inet6_addr_gen_mode: 'none' },
    linkinfo: { info_kind: 'bridge', info_data: { stp_state: 0, mcast_snooping: 0 } },
  })
  expect(bridge?.flags).toContain('UP')
  expect(outside('link', 'show', 'veth0')).toMatchObject([
    {
      ...{ ifname: 'veth0', ifalias: 'egressd:br0/ns0', mtu: 1400, master: 'br0', address: '12:65:c0:a8:00:02' },
      ...{ operstate: 'UP', inet6_addr_gen_mode: 'none', num_tx_queues: 1, linkinfo: { info_kind: 'veth' } },
    },
  ])
  const ports = host.json<Json[]>('bridge', ['-j', 'link'])
  expect(ports).toMatchObject([{ ifname: 'veth0', master: 'br0', state: 'forwarding' }])
  // Asked for by itself, it carries at once: of all of them, the kernel tells it up to a second late.
  inside('link', 'show', 'ceth0')
  expect(inside('link').map(link => [link.ifname, link.mtu, link.operstate, link.address])).toEqual([
    ['lo', 65536, 'UNKNOWN', '00:00:00:00:00:00'],
    ['ceth0', 1400, 'UP', '02:65:c0:a8:00:02'],
  ])

  const addresses = (list: Json[]) =>
    list.flatMap(link => (link.addr_info as Json[]).map(a => `${a.local}/${a.prefixlen} ${a.scope}`))
  expect(addresses(outside('addr', 'show', 'br0'))).toEqual([
    '192.168.0.1/16 global',
    'fd00::1/64 global',
    'fe80::1/64 link',
  ])
  expect(addresses(inside('addr', 'show', 'ceth0'))).toEqual(['192.168.0.2/16 global', 'fd00::2/64 global'])
  const routes = (list: Json[]) => list.map(r => [r.dst, r.gateway, r.dev, r.protocol])
  expect(routes(inside('-4', 'route'))).toEqual([
    ['default', '192.168.0.1', 'ceth0', '198'],
    ['192.168.0.0/16', undefined, 'ceth0', 'kernel'],
  ])
  expect(routes(inside('-6', 'route'))).toEqual([
    ['fd00::/64', undefined, 'ceth0', 'kernel'],
    ['default', 'fd00::1', 'ceth0', '198'],
  ])
  expect(routes(outside('route', 'show', 'dev', 'br0'))).toEqual([['192.168.0.0/16', undefined, undefined, 'kernel']])
})

/** The code of docs/firewall.md in one language. */
function documented(language: string): string {
  const doc = readFileSync(join(import.meta.dirname, '../../docs/firewall.md'), 'utf8')
  const [, behind = ''] = doc.split(`\n\`\`\`${language}\n`)
  return behind.slice(0, behind.indexOf('```'))
}

test('nftables: nft lists our tables as documented, and loads what it lists', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network({ ...dual, firewall: 'nftables' })
  const namespace = await network.create(named)
  const list = () => library.host.tool('nft', ['-s', 'list', 'ruleset'])
  const shown = documented('nft').replaceAll('/run/egressd', library.stateDir)
  expect(list()).toBe(shown)
  const { nftables } = library.host.json<{ nftables: Json[] }>('nft', ['-j', 'list', 'ruleset'])
  expect(nftables.filter(({ table }) => table)).toMatchObject([
    { table: { family: 'inet', name: 'egressd' } },
    { table: { family: 'bridge', name: 'egressd' } },
  ])
  expect(library.host.tool('iptables-legacy-save', [])).toBe('')

  library.host.tool('nft', ['-f', '-'], { input: `flush ruleset\n${list()}` })
  expect(list()).toBe(shown)
  for (const address of ['192.168.0.1', 'fd00::1', '8.8.8.8'])
    expect(await namespace.ping(address, { timeoutMs: 5000 })).toMatchObject([{ result: 'reply' }])
})

test('xtables: iptables lists our rules as documented', async () => {
  await using library = await createLibrary()
  await library.egress.network({ ...dual, firewall: 'xtables' })
  const list = (tool: string, table: string) =>
    library.host
      .tool(tool, ['-t', table, '-S'])
      .split('\n')
      .filter(line => line.startsWith('-A'))
      .map(line => `${line.replaceAll('"', '')}\n`)
  expect([...list('iptables-legacy', 'filter'), ...list('iptables-legacy', 'nat')].join('')).toBe(
    documented('iptables'),
  )
  expect(list('iptables-legacy', 'nat')).toEqual([
    '-A POSTROUTING -s 192.168.0.0/16 ! -o br0 -m comment --comment egressd:br0 -j MASQUERADE\n',
  ])
  // IPv6 differs in its addresses, in the number of echo, and has neighbour discovery.
  const six = [...list('ip6tables-legacy', 'filter'), ...list('ip6tables-legacy', 'nat')].filter(
    line => !/icmpv6-type 13[56] /.test(line),
  )
  const asFour = (line: string) =>
    line
      .replace('fd00:ec2::254/128', '169.254.0.0/16')
      .replace('fd00::/64', '192.168.0.0/16')
      .replace('fd00::1/128', '192.168.0.1/32')
      .replace('ipv6-icmp -m icmp6 --icmpv6-type 128', 'icmp -m icmp --icmp-type 8')
  expect(six.map(asFour).join('')).toBe(documented('iptables'))
  // Who may send is held by nf_tables: nothing else is.
  expect(library.host.tool('nft', ['list', 'tables'])).toBe('table bridge egressd\n')
})

test('ip netns sees the pin, and loses it', async () => {
  const name = `test-${process.pid}`
  await using library = await createLibrary({ netnsDir: '/run/netns' })
  const network = await library.egress.network(dual)
  const namespace = await network.create({ name })
  const listed = () => spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout
  expect(listed()).toMatch(new RegExp(`^${name}( |$)`, 'm'))
  const inside = spawnSync('ip', ['netns', 'exec', name, 'ip', '-br', 'addr', 'show', 'eth0'], { encoding: 'utf8' })
  expect(inside.stdout).toContain(namespace.addresses[0])
  await namespace.destroy()
  expect(listed()).not.toMatch(new RegExp(`^${name}`, 'm'))
})
