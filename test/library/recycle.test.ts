// Each way to spoil a namespace that we know of: it is put back, or found to differ. One that nobody touched is as fresh.
import { once } from 'node:events'
import { expect, test } from 'vitest'
import type { NetworkOptions } from '../../src/engine/options.js'
import { createRecycling, socketsInside } from '../helpers/recycle.js'

const dual: NetworkOptions = { name: 'br0', subnets: ['192.168.0.0/16', 'fd00::/64'] }
const networks: [string, NetworkOptions][] = [
  ['bridge', dual],
  ['bridge of IPv4', { name: 'br0', subnets: ['192.168.0.0/16'] }],
  ['routed', { ...dual, mode: 'routed' }],
]

test.each(networks)('%s: untouched, it is as fresh; used for traffic too', async (_, options) => {
  await using world = await createRecycling(options)
  const namespace = await world.network.create()
  expect(await world.reset(namespace)).toEqual([])
  const [echo] = await namespace.ping('192.168.0.1')
  expect(echo).toMatchObject({ result: 'reply' })
  if (options.subnets.length > 1) await namespace.ping('fd00::1')
  await world.left(namespace)
  expect(await world.reset(namespace)).toEqual([])
  // One that a process was in, which has ended.
  const child = await namespace.spawn('true', [])
  if (child.exitCode === null) await once(child, 'exit')
  await world.left(namespace)
  expect(await world.reset(namespace)).toEqual([])
})

test.each([
  ['an address', ['ip addr add 10.9.9.9/24 dev eth0']],
  ['an address of IPv6', ['ip addr add fd09::9/64 dev eth0 nodad']],
  ['a route', ['ip route add 10.8.0.0/16 via 192.168.0.1']],
  ['a route of another table', ['ip route add 10.8.0.0/16 via 192.168.0.1 table 77 metric 5']],
  ['a route of IPv6', ['ip -6 route add fd08::/64 via fd00::1']],
  ['a route to nowhere', ['ip route add blackhole 10.7.0.0/16', 'ip -6 route add unreachable fd07::/64']],
  [
    'neighbours',
    [
      'ip neigh add 192.168.9.9 lladdr 02:00:00:00:00:09 dev eth0',
      'ip neigh add fd00::9 lladdr 02:00:00:00:00:09 dev eth0',
    ],
  ],
  [
    'rules',
    [
      'nft add table inet evil',
      'nft add chain inet evil out {@type@filter@hook@output@priority@0;@}',
      'nft add rule inet evil out drop',
    ],
  ],
  [
    'all of them',
    ['ip addr add 10.9.9.9/24 dev eth0', 'ip route add 10.8.0.0/16 via 10.9.9.1', 'nft add table ip evil'],
  ],
])('%s: put back', async (_, commands) => {
  await using world = await createRecycling(dual)
  const namespace = await world.network.create()
  for (const command of commands) world.tool(namespace, ...command.split(' ').map(word => word.replaceAll('@', ' ')))
  await world.left(namespace)
  expect(await world.reset(namespace)).toEqual([])
  expect(
    world.tool(namespace, 'ip', 'addr') + world.tool(namespace, 'ip', 'route', 'show', 'table', 'all'),
  ).not.toMatch(/10\.[789]\./)
  expect(world.tool(namespace, 'nft', 'list', 'ruleset')).toBe('')
})

test.each([
  ['link', 'ip link add evil type bridge'],
  ['link', 'ip link set eth0 mtu 1400'],
  ['link', 'ip link set eth0 promisc on'],
  ['link', 'ip link set eth0 txqueuelen 77'],
  ['link', 'ip link set lo down'],
  ['link', 'ip link property add dev eth0 altname evil'],
  ['link', 'ip link set eth0 gso_max_size 4096'],
  ['address', 'ip addr del 192.168.0.3/16 dev eth0'],
  ['address', 'ip addr change 192.168.0.3/16 dev eth0 valid_lft 77 preferred_lft 77'],
  ['address', 'ip addrlabel add prefix fd07::/64 label 7'],
  ['route', 'ip route del default'],
  ['route', 'ip route change default via 192.168.0.1 mtu 1300'],
  ['route', 'ip nexthop add id 7 blackhole'],
  ['rule', 'ip rule add to 10.7.0.0/16 table 7'],
  ['rule', 'ip -6 rule del pref 32766'],
  ['neighbour', 'ip neigh add proxy 192.168.9.9 dev eth0'],
  ['forwarding', 'bridge fdb add 02:00:00:00:00:07 dev eth0 self'],
  ['discipline', 'tc qdisc add dev eth0 clsact'],
  ['multicast', 'ip maddr add 01:00:5e:00:00:07 dev eth0'],
  ['sysctl', 'sysctl -qw net.ipv4.ip_forward=1'],
  ['sysctl', 'sysctl -qw net.ipv4.tcp_syncookies=0'],
  ['sysctl', 'sysctl -qw net.ipv4.conf.default.rp_filter=2'],
  ['sysctl', 'sysctl -qw net.ipv4.neigh.eth0.gc_stale_time=7'],
  ['sysctl', 'sysctl -qw net.core.somaxconn=7'],
  ['sysctl', 'sysctl -qw net.ipv6.conf.lo.stable_secret=fd00::7'],
  ['xtables', 'iptables-legacy -A OUTPUT -j DROP'],
  ['xfrm', 'ip xfrm policy add src 10.7.0.0/16 dst 10.8.0.0/16 dir out'],
])('%s: found, after "%s"', async (aspect, command) => {
  await using world = await createRecycling(dual)
  const namespace = await world.network.create({ addresses: ['192.168.0.3'] })
  world.tool(namespace, ...command.split(' '))
  await world.left(namespace)
  const differences = await world.reset(namespace)
  expect(differences.map(one => one.aspect)).toContain(aspect)
})

test('what its link offloads: found', async () => {
  await using world = await createRecycling(dual)
  const namespace = await world.network.create()
  // ethtool -K eth0 tx off, as ETHTOOL_STXCSUM.
  const script = [
    'import ctypes, fcntl, socket, struct',
    'value = ctypes.create_string_buffer(struct.pack("II", 0x17, 0))',
    'request = struct.pack("16sP", b"eth0", ctypes.addressof(value)) + bytes(16)',
    'fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8946, request)',
  ].join('\n')
  world.tool(namespace, 'python3', '-c', script)
  await world.left(namespace)
  const differences = await world.reset(namespace)
  expect(differences).toHaveLength(2)
  for (const { aspect, what } of differences) {
    expect(aspect).toBe('link')
    expect(what).toMatch(/^features of eth0: [0-9a-f]{32,}$/)
  }
})

test('connections that are tracked: found', async () => {
  await using world = await createRecycling(dual)
  const namespace = await world.network.create()
  const tuple = ['-s', '10.7.0.1', '-d', '10.7.0.2', '-p', 'tcp', '--sport', '7', '--dport', '8', '--state', 'NONE']
  world.tool(namespace, 'conntrack', '-I', ...tuple, '-t', '100')
  await world.left(namespace)
  expect(await world.reset(namespace)).toEqual([
    { aspect: 'conntrack', change: 'extra', what: '1 connections are tracked' },
  ])
})

test('a process inside: found', async () => {
  await using world = await createRecycling(dual)
  const namespace = await world.network.create()
  const child = await namespace.spawn('sleep', ['100'])
  expect(await world.reset(namespace)).toEqual([
    { aspect: 'process', change: 'extra', what: `process ${child.pid} (sleep)` },
  ])
  child.kill('SIGKILL')
  await once(child, 'exit')
  await world.left(namespace)
  expect(await world.reset(namespace)).toEqual([])
})

test.each([
  ['tcp', 'a socket of tcp'],
  ['tcp6', 'a socket of tcp6'],
  // Before it is bound, no list has it.
  ['udp', '1 of another kind'],
  ['udp-bound', 'a socket of udp'],
  ['raw', 'a socket of raw'],
  ['raw6', 'a socket of raw6'],
  ['packet', 'a socket of packet'],
  ['netlink', 'a socket of netlink'],
  ['unix', 'a socket of unix: @egressd-test'],
])('a socket that is held from outside, %s: found, and gone when it is closed', async (kind, what) => {
  await using world = await createRecycling(dual)
  const namespace = await world.network.create()
  {
    await using _held = await socketsInside(namespace, kind)
    // The oracle agrees that there is one (ss knows no unbound ones).
    if (!['udp', 'netlink'].includes(kind)) expect(world.tool(namespace, 'ss', '-Hax0tuwl')).not.toBe('')
    expect(await world.reset(namespace)).toEqual([{ aspect: 'socket', change: 'extra', what }])
  }
  await world.left(namespace)
  expect(await world.reset(namespace)).toEqual([])
})
