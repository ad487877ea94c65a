import { spawnSync } from 'node:child_process'
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

test('nftables: nft lists our table, as we mean it', async () => {
  await using library = await createLibrary()
  await library.egress.network({ ...dual, firewall: 'nftables' })
  expect(library.host.tool('nft', ['list', 'ruleset'])).toBe(`table inet egressd {
	set bridges {
		type ifname
		elements = { "br0" }
	}

	set masquerade4 {
		type ipv4_addr
		flags interval
		elements = { 192.168.0.0/16 }
	}

	set masquerade6 {
		type ipv6_addr
		flags interval
		elements = { fd00::/64 }
	}

	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		oifname != @bridges ip saddr @masquerade4 masquerade
		oifname != @bridges ip6 saddr @masquerade6 masquerade
	}

	chain forward {
		type filter hook forward priority filter; policy accept;
		meta nfproto ipv4 iifname != @bridges oifname != @bridges counter packets 0 bytes 0 drop
		meta nfproto ipv6 iifname != @bridges oifname != @bridges counter packets 0 bytes 0 drop
	}
}
`)
  const { nftables } = library.host.json<{ nftables: Json[] }>('nft', ['-j', 'list', 'ruleset'])
  const kinds = nftables.flatMap(entry => Object.keys(entry)).sort()
  expect(kinds.join(' ')).toBe('chain chain metainfo rule rule rule rule set set set table')
  expect(library.host.tool('iptables-legacy-save', [])).toBe('')
})

test('xtables: iptables lists our rules in its own syntax', async () => {
  await using library = await createLibrary()
  await library.egress.network({ ...dual, firewall: 'xtables' })
  const list = (tool: string, table: string) =>
    library.host
      .tool(tool, ['-t', table, '-S'])
      .split('\n')
      .filter(line => line.startsWith('-A'))
  const forward = [
    '-A FORWARD -o br0 -m comment --comment "egressd:br0" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A FORWARD -i br0 -m comment --comment "egressd:br0" -j ACCEPT',
    '-A FORWARD -m comment --comment "egressd:guard" -j DROP',
  ]
  const plain = (lines: string[]) => lines.map(line => line.replaceAll('"', ''))
  for (const [tool, subnet] of [
    ['iptables-legacy', '192.168.0.0/16'],
    ['ip6tables-legacy', 'fd00::/64'],
  ] as const) {
    expect(plain(list(tool, 'nat'))).toEqual([
      `-A POSTROUTING -s ${subnet} ! -o br0 -m comment --comment egressd:br0 -j MASQUERADE`,
    ])
    expect(plain(list(tool, 'filter')).sort()).toEqual(plain(forward).sort())
  }
  expect(library.host.tool('nft', ['list', 'ruleset'])).not.toContain('egressd')
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
