import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { PingOptions } from '../../src/kernel/kernel.js'
import { type Chain, createChain } from '../helpers/chain.js'
import { netnsPath } from '../helpers/host.js'

let chain: Chain
beforeAll(async () => {
  chain = await createChain()
})
afterAll(() => chain[Symbol.asyncDispose]())

// Whatever a busy machine takes: where an answer is expected, it decides.
const ping = (options: PingOptions) =>
  chain.host.kernel.ping({ timeoutMs: 20_000, ...options }, { fd: chain.client.fd })
const results = async (options: PingOptions) => (await ping(options)).map(echo => echo.result)

test.each(['v4', 'v6'] as const)('%s: a router away', async family => {
  const target = chain.server[family]
  const echoes = await ping({ target, count: 3, intervalMs: 10 })
  const milliseconds = expect.any(Number)
  expect(echoes).toEqual(
    [1, 2, 3].map(sequence => ({ sequence, from: target, result: 'reply', milliseconds, ttl: 63, errno: null })),
  )
  for (const echo of echoes) expect(echo.milliseconds).toBeGreaterThan(0)
})

test('a link-local target takes its interface, by name or number', async () => {
  const { ifindex } = JSON.parse(chain.client.tool('ip', '-j', 'link', 'show', 'eth0'))[0]
  for (const zone of ['eth0', ifindex]) expect(await results({ target: `fe80::1%${zone}` })).toEqual(['reply'])
  const fault = { op: 'ping', call: 'zone', errno: 'ENODEV' }
  await expect(ping({ target: 'fe80::1%eth7' })).rejects.toMatchObject({ code: 'EGRESSD_KERNEL', fault })
})

test.each([
  ['10.2.0.2', '10.1.0.1'],
  ['fd02::2', 'fd01::1'],
])('the router on the way to %s reports a TTL that ran out', async (target, from) => {
  const [echo] = await ping({ target, ttl: 1 })
  expect(echo).toEqual({ sequence: 1, from, result: 'ttl-exceeded', milliseconds: null, ttl: 64, errno: null })
})

test.each(['10.2.0.77', 'fd02::77'])('nobody at %s: a time-out for each echo', async target => {
  const echoes = await ping({ target, timeoutMs: 60, count: 2, intervalMs: 10 })
  const silence = { from: null, result: 'timeout', milliseconds: null, ttl: null, errno: null }
  expect(echoes).toEqual([1, 2].map(sequence => ({ sequence, ...silence })))
})

test.each([
  ['10.1.0.77', '10.1.0.2'],
  ['10.2.0.77', '10.1.0.1'],
  ['fd01::77', 'fd01::2'],
  ['fd02::77', 'fd01::1'],
])('nobody at %s, and time enough for the neighbour table to give up', async (target, from) => {
  for (const [tool, link] of [
    [chain.client.tool, 'eth0'],
    [(command: string, ...args: string[]) => chain.host.tool(command, args), 'r2'],
  ] as const)
    for (const family of ['ipv4', 'ipv6'])
      tool(
        'sysctl',
        '-qw',
        `net.${family}.neigh.${link}.retrans_time_ms=20`,
        `net.${family}.neigh.${link}.mcast_solicit=1`,
      )
  const [echo] = await ping({ target })
  expect(echo).toMatchObject({ result: 'host-unreachable', from })
})

test.each([
  ['10.2.0.2', 'icmp', 'net-unreachable', 'network-unreachable'],
  ['10.2.0.2', 'icmp', 'host-unreachable', 'host-unreachable'],
  ['10.2.0.2', 'icmp', 'prot-unreachable', 'protocol-unreachable'],
  ['10.2.0.2', 'icmp', 'port-unreachable', 'port-unreachable'],
  ['10.2.0.2', 'icmp', 'net-prohibited', 'network-prohibited'],
  ['10.2.0.2', 'icmp', 'host-prohibited', 'host-prohibited'],
  ['10.2.0.2', 'icmp', 'admin-prohibited', 'admin-prohibited'],
  ['fd02::2', 'icmpv6', 'no-route', 'network-unreachable'],
  ['fd02::2', 'icmpv6', 'admin-prohibited', 'admin-prohibited'],
  ['fd02::2', 'icmpv6', 'addr-unreachable', 'host-unreachable'],
  ['fd02::2', 'icmpv6', 'port-unreachable', 'port-unreachable'],
  ['fd02::2', 'icmpv6', 'policy-fail', 'policy-failed'],
  ['fd02::2', 'icmpv6', 'reject-route', 'route-rejected'],
])('%s rejected with %s %s is %s', async (target, protocol, type, result) => {
  const rule = `${protocol} type echo-request reject with ${protocol} type ${type}`
  const chainOfRules = 'chain c { type filter hook forward priority 0; '
  chain.host.tool('nft', [`table inet t { ${chainOfRules} ${rule}; }; }`])
  try {
    const [echo] = await ping({ target })
    const from = target.startsWith('fd') ? 'fd01::1' : '10.1.0.1'
    expect(echo).toEqual({ sequence: 1, from, result, milliseconds: null, ttl: 64, errno: null })
  } finally {
    chain.host.tool('nft', ['delete table inet t'])
  }
})

test('a rule that drops: on the way a time-out, in the namespace itself a refusal to send', async () => {
  const table = (hook: string) => `table inet t { chain c { type filter hook ${hook} priority 0; policy drop; }; }`
  chain.host.tool('nft', [table('forward')])
  expect(await results({ target: '10.2.0.2', timeoutMs: 50 })).toEqual(['timeout'])
  chain.host.tool('nft', ['delete table inet t'])
  chain.client.tool('nft', table('output'))
  const echoes = await ping({ target: '10.2.0.2', count: 2, intervalMs: 5 })
  chain.client.tool('nft', 'delete table inet t')
  const refused = { from: null, result: 'send-failed', milliseconds: null, ttl: null, errno: 'EPERM' }
  expect(echoes).toEqual([1, 2].map(sequence => ({ sequence, ...refused })))
})

test('routes that lead nowhere', async () => {
  const routes = ['unreachable 10.66.0.1', 'prohibit 10.66.0.2', 'unreachable fd66::1', 'prohibit fd66::2']
  for (const route of routes) chain.client.tool('ip', 'route', 'add', ...route.split(' '))
  const outcome = async (target: string, in_ = chain.client.fd) => {
    const [echo] = await chain.host.kernel.ping({ target }, { fd: in_ })
    return [echo?.result, echo?.errno]
  }
  expect(await outcome('10.66.0.1')).toEqual(['send-failed', 'EHOSTUNREACH'])
  expect(await outcome('10.66.0.2')).toEqual(['send-failed', 'EACCES'])
  expect(await outcome('fd66::1')).toEqual(['send-failed', 'EHOSTUNREACH'])
  expect(await outcome('fd66::2')).toEqual(['send-failed', 'EACCES'])
  // The router itself has no default route.
  for (const target of ['8.8.8.8', '2001:4860:4860::8888']) {
    expect(await outcome(target, chain.host.kernel.hostFd)).toEqual(['send-failed', 'ENETUNREACH'])
    expect(await results({ target })).toEqual(['network-unreachable'])
  }
})

test.each([
  ['v4', 'IpExtInOctets', 20],
  ['v6', 'Ip6InOctets', 40],
] as const)('%s: payloads from nothing to 65,507 bytes, in fragments', async (family, counter, header) => {
  const octets = () => Number(chain.server.tool('nstat', '-asz', counter).match(/(\d+) +[\d.]+$/m)?.[1])
  for (const size of [0, 1, 15, 16, 1000, 1473, 9000, 65_507]) {
    const before = octets()
    const [echo] = await ping({ target: chain.server[family], size })
    expect([size, echo?.result]).toEqual([size, 'reply'])
    // What the other end received; neighbour discovery and the headers of fragments come on top.
    const received = octets() - before - header - 8
    expect(received).toBeGreaterThanOrEqual(size)
    expect(received).toBeLessThan(size * 1.05 + 400)
  }
})

test.each([
  ['10.2.0.2', '10.1.0.1', '10.2.0.0/24 dev r2 src 10.2.0.1'],
  ['fd02::2', 'fd01::1', 'fd02::/64 dev r2 metric 256'],
])('%s: a path too narrow is reported, then honoured', async (target, from, route) => {
  const narrow = (mtu: number) => chain.host.tool('ip', ['route', 'replace', ...route.split(' '), 'mtu', `${mtu}`])
  narrow(1400)
  try {
    const [first] = await ping({ target, size: 1420 })
    expect([first?.result, first?.from]).toEqual(['packet-too-big', from])
    // The kernel hands the report over before it has read it itself.
    await vi.waitFor(() => expect(chain.client.tool('ip', 'route', 'get', target)).toContain('mtu 1400'), {
      timeout: 20_000,
    })
    expect(await results({ target, size: 1420 })).toEqual(['reply'])
  } finally {
    narrow(1500)
    for (const family of ['-4', '-6']) chain.client.tool('ip', family, 'route', 'flush', 'cache')
  }
})

test('answers that are not to this echo are ignored', async () => {
  chain.server.tool('sysctl', '-qw', 'net.ipv4.icmp_echo_ignore_all=1')
  const script = join(import.meta.dirname, '../helpers/icmp-liar.py')
  const liar = spawn('nsenter', [`--net=${netnsPath({ fd: chain.server.fd })}`, 'python3', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    await once(liar.stdout, 'data')
    const [echo] = await ping({ target: '10.2.0.2' })
    expect(echo).toMatchObject({ result: 'reply', from: '10.2.0.2', ttl: 98 })
    expect(echo?.milliseconds).toBeGreaterThanOrEqual(30)
  } finally {
    liar.kill()
    await once(liar, 'exit')
    chain.server.tool('sysctl', '-qw', 'net.ipv4.icmp_echo_ignore_all=0')
  }
})

test('round-trip times beside those of iputils', async () => {
  const times = async (target: string) => {
    const echoes = await ping({ target, count: 21, intervalMs: 20 })
    return echoes.map(echo => echo.milliseconds as number).sort((a, b) => a - b)[10] as number
  }
  const iputils = (target: string) => {
    const out = chain.client.tool('ping', '-c21', '-i0.02', target)
    const all = [...out.matchAll(/time=([\d.]+)/g)].map(match => Number(match[1]))
    return all.sort((a, b) => a - b)[10] as number
  }
  for (const target of ['10.2.0.2', 'fd02::2']) {
    const theirs = iputils(target)
    const ours = await times(target)
    console.log(
      `median of 21 to ${target}: ours ${ours.toFixed(3)} ms, iputils ${theirs} ms: ${(ours / theirs).toFixed(2)}`,
    )
  }
})

test('options of a wrong form reject, each naming its field', async () => {
  const target = '10.2.0.2'
  for (const [options, field] of [
    [{ target: 'localhost' }, 'target'],
    [{ target: '10.2.0.2%eth0' }, 'target'],
    [{ target: 'fe80::1%' }, 'target'],
    [{ target, count: 0 }, 'count'],
    [{ target, count: 1.5 }, 'count'],
    [{ target, intervalMs: -1 }, 'intervalMs'],
    [{ target, timeoutMs: 0 }, 'timeoutMs'],
    [{ target, ttl: 256 }, 'ttl'],
    [{ target, size: 65_508 }, 'size'],
  ] as const) {
    const message = expect.stringMatching(new RegExp(`^options\\.${field}: `))
    await expect(ping(options)).rejects.toMatchObject({ code: 'EGRESSD_INVALID_OPERATION', message })
  }
  expect(await results({ target })).toEqual(['reply'])
})
