// The reads that show everything, held against the tools that show it too.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import type { DumpKind } from '../../src/kernel/ops-inspect.js'
import { createHost, netnsPath, type TestHost, value, values } from '../helpers/host.js'
import { pair } from '../helpers/pair.js'

/** Messages in a dump. */
async function count(host: TestHost, kind: DumpKind): Promise<number> {
  const [dump] = await host.kernel.run([{ op: 'netlink.dump', kind }])
  const bytes = Buffer.from(value(dump))
  let messages = 0
  for (let at = 0; at < bytes.length; at += (bytes.readUInt32LE(at) + 3) & ~3) messages++
  return messages
}

test('sysctl.list lists what sysctl -a lists, as it stands', async () => {
  await using host = await createHost()
  values(await host.kernel.run(pair))
  host.tool('sysctl', ['-qw', 'net.ipv4.tcp_syncookies=0'])
  const [listed] = await host.kernel.run([{ op: 'sysctl.list', under: 'net' }])
  const ours = value(listed).trimEnd().split('\n')
  // Only those that can be read, and not under their old names; sysctl(8) has dots for slashes, and slashes for dots.
  const words = (line: string) => line.replace(/\s+/g, ' ').replace(/ ?= ?/, '=')
  const theirs = host
    .tool('sysctl', ['-a', '--pattern', '^net'])
    .trimEnd()
    .split('\n')
    .map(line => words(line.replace(/^[^ ]+/, key => key.replace(/[./]/g, mark => (mark === '.' ? '/' : '.')))))
  const shown = ours.filter(line => line.includes('=') && !/(base_reachable|retrans)_time=/.test(line))
  expect(shown.map(words).sort()).toEqual(theirs.sort())
  expect(ours).toContain('net/ipv4/tcp_syncookies=0')
  expect(ours).toContain('net/ipv6/conf/a/stable_secret')
  expect(ours).toEqual([...ours].sort())
  const [part, none] = await host.kernel.run([
    { op: 'sysctl.list', under: 'net/unix' },
    { op: 'sysctl.list', under: 'net/none' },
  ])
  expect(value(part)).toMatch(/^net\/unix\/max_dgram_qlen=\d+\n$/)
  expect(none).toMatchObject({ ok: false, fault: { errno: 'ENOENT', message: '/proc/sys/net/none' } })
})

/** The pair, with all that the kernel does when it finds the carrier, which is later. Asked for by itself, a link carries at once. */
const carrying = [...pair, { op: 'link.get', index: 10 }, { op: 'link.get', index: 11 }] as const

test('procnet.read reads whole files of the namespace', async () => {
  await using host = await createHost()
  values(await host.kernel.run(carrying))
  const address = (i: number) => ({ op: 'address.add' as const, index: 10, address: `10.${i}.0.1`, prefix: 24 })
  for (const verdict of await host.kernel.run(Array.from({ length: 100 }, (_, i) => address(i)))) value(verdict)
  const [read] = await host.kernel.run([{ op: 'procnet.read', keys: ['dev_mcast', 'none', 'fib_trie', 'snmp6'] }])
  const [mcast, none, ...rest] = value(read)
  expect(mcast).toBe(host.tool('cat', ['/proc/self/net/dev_mcast']))
  expect(none).toBeNull()
  expect(rest).toEqual(['fib_trie', 'snmp6'].map(file => host.tool('cat', [`/proc/self/net/${file}`])))
  expect(rest[0]?.length).toBeGreaterThan(16_384)
})

test('a path that leads out is refused', async () => {
  await using host = await createHost()
  for (const op of [
    { op: 'procnet.read', keys: ['dev', '../stat'] },
    { op: 'sysctl.list', under: '../..' },
  ] as const)
    await expect(host.kernel.run([op])).rejects.toMatchObject({ code: 'EGRESSD_INVALID_OPERATION' })
  await expect(host.kernel.run([{ op: 'netlink.dump', kind: 'x' as DumpKind }])).rejects.toThrow(
    /no kind is called "x"/,
  )
})

test('link.features tells links of different kinds apart, and those that are not there', async () => {
  await using host = await createHost()
  values(await host.kernel.run(pair))
  const [a, b, lo] = values(
    await host.kernel.run([
      { op: 'link.features', name: 'a' },
      { op: 'link.features', name: 'b' },
      { op: 'link.features', name: 'lo' },
    ]),
  )
  expect(a).toMatch(/^([0-9a-f]{32})+$/)
  expect(b).toBe(a)
  expect(lo).not.toBe(a)
  for (const name of ['none', 'a name that is too long for one'])
    expect(await host.kernel.run([{ op: 'link.features', name }])).toMatchObject([
      { ok: false, fault: { errno: 'ENODEV' } },
    ])
})

test('netns.processes finds those that are in it, another user’s threads too', async () => {
  await using host = await createHost()
  const empty = await host.kernel.run([{ op: 'netns.processes' }])
  expect(value(empty[0])).toEqual([])
  const script = [
    'import ctypes, sys, threading, time',
    'libc = ctypes.CDLL(None)',
    'netns = open(sys.argv[1])',
    'def enter():',
    '    libc.setns(netns.fileno(), 0x40000000)',
    '    print(threading.get_native_id(), flush=True)',
    '    time.sleep(100)',
    'threading.Thread(target=enter, daemon=True).start()',
    'time.sleep(100)',
  ].join('\n')
  // One of its threads only; the process as such is somewhere else.
  const path = netnsPath({ fd: host.kernel.hostFd })
  const child = spawn('python3', ['-c', script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [thread] = await once(child.stdout, 'data')
  const [inside] = await host.kernel.run([{ op: 'netns.processes' }])
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(value(inside)).toEqual([{ pid: child.pid, thread: Number(thread), command: 'python3' }])
})

test('netlink.dump has as many messages as the tools show objects', async () => {
  await using host = await createHost()
  values(await host.kernel.run(carrying))
  for (const command of [
    'link set lo up',
    'addr add 10.0.0.1/24 dev a',
    'route add 10.8.0.0/16 dev a table 77',
    'nexthop add id 7 blackhole',
    'rule add to 10.7.0.0/16 table 7',
    'neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev a',
    'neigh add proxy 10.0.0.8 dev a',
    'addrlabel add prefix fd07::/64 label 7',
    'xfrm policy add src 10.7.0.0/16 dst 10.8.0.0/16 dir out',
  ])
    host.tool('ip', command.split(' '))
  host.tool('tc', ['qdisc', 'add', 'dev', 'a', 'clsact'])
  const lines = (command: string, ...args: string[]) =>
    host
      .tool(command, args)
      .split('\n')
      .filter(line => /^\S/.test(line)).length
  const both = (...args: string[]) => lines('ip', '-4', ...args) + lines('ip', '-6', ...args)
  const addresses = host.json<{ addr_info: object[] }[]>('ip', ['-j', 'addr'])
  const expected: Record<DumpKind, number> = {
    link: lines('ip', '-o', 'link'),
    address: addresses.reduce((sum, { addr_info }) => sum + addr_info.length, 0),
    route: both('-o', 'route', 'show', 'table', 'all'),
    nexthop: lines('ip', 'nexthop'),
    rule: both('rule') + both('mrule'),
    neighbour: lines('ip', 'neigh', 'show', 'nud', 'all'),
    proxy: lines('ip', 'neigh', 'show', 'proxy'),
    forwarding: lines('bridge', 'fdb'),
    label: lines('ip', 'addrlabel'),
    'setting-ipv4': lines('ip', '-4', 'netconf'),
    'setting-ipv6': lines('ip', '-6', 'netconf'),
    discipline: lines('tc', 'qdisc', 'show', 'invisible'),
    // No kernel of ours has a type to make one with.
    'xfrm-state': 0,
    'xfrm-policy': lines('ip', 'xfrm', 'policy'),
  }
  for (const [kind, number] of Object.entries(expected)) {
    if (kind !== 'xfrm-state') expect(number, kind).toBeGreaterThan(0)
    expect(`${kind} ${await count(host, kind as DumpKind)}`).toBe(`${kind} ${number}`)
  }
})
