// What one namespace can use up, and what the others keep.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test, vi } from 'vitest'
import { uplink } from '../../src/demo/topology.js'
import type { Namespace } from '../../src/namespace.js'
import type { WatchEvent } from '../../src/watch/types.js'
import { etherTypes, frame, ipv4Packet, udp } from '../helpers/frames.js'
import { netnsPath } from '../helpers/host.js'
import { createLibrary, dual, type Library, patient } from '../helpers/library.js'

// Much of it is waiting for what does not come.
vi.setConfig({ testTimeout: 120_000 })

const answer = resolve('test/helpers/answer.py')
const far = uplink[4].public

/** Two namespaces of a network, a third that is masqueraded by an address of its own, and a server that answers on the internet. */
async function lay(library: Library) {
  const { host, egress } = library
  const network = await egress.network(dual)
  const own = '203.0.113.77'
  host.tool('ip', ['addr', 'add', `${own}/32`, 'dev', uplink.name])
  const apart = await egress.network({ name: 'br1', subnets: ['10.1.0.0/16'], masquerade: { to: [own] } })
  const [a, b, c] = [await network.create(), await network.create(), await apart.create()]
  const command = [`--net=${netnsPath({ fd: library.internet })}`, 'python3', answer, far, '53', '54']
  const server = spawn('nsenter', command, { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(server.stdout, 'data')
  const ask = (from: Namespace, port: number, ...source: string[]) =>
    host.tool('python3', [answer, 'ask', far, String(port), '30', ...source], { netns: from.ref }).trim()
  const mac = (name: string, netns = {}) =>
    host.json<{ address: string }[]>('ip', ['-j', 'link', 'show', name], netns)[0]?.address ?? ''
  /** One flow from each port of A to port 53 of the server. */
  const flood = () => {
    const datagram = ipv4Packet(a.addresses[0] ?? '', far, 17, udp(1, 1, null, 53))
    const bytes = frame(mac('br0'), mac('eth0', { netns: a.ref }), etherTypes.ip, datagram).toString('hex')
    host.tool('python3', [resolve('test/helpers/flood.py'), 'eth0', bytes, '1024', '65535'], { netns: a.ref })
  }
  // None is forgotten before all are there, however long that takes.
  host.tool('sysctl', ['-qw', 'net.netfilter.nf_conntrack_udp_timeout=600'])
  const tracked = () => Number(host.tool('conntrack', ['-C']))
  const end = async () => {
    server.stdin.end()
    await once(server, 'exit')
  }
  return { b, c, ask, flood, tracked, [Symbol.asyncDispose]: end }
}

test('one that takes all ports towards a destination: what others have there goes on, and elsewhere, or by another address, all goes', async () => {
  await using library = await createLibrary()
  await using world = await lay(library)
  const { b, c, ask, flood, tracked } = world
  expect(ask(b, 53, '1000')).toBe('answered')
  flood()
  expect(tracked()).toBeGreaterThan(60_000)
  // The flow that it had, by the same port.
  expect(ask(b, 53, '1000')).toBe('answered')
  expect(ask(b, 54)).toBe('answered')
  expect(ask(c, 53)).toBe('answered')
})

test('with the limit of SECURITY.md it takes no more than its share', async () => {
  await using library = await createLibrary()
  await using world = await lay(library)
  const { b, ask, flood, tracked } = world
  const [, rules = ''] = /```nft\n([\s\S]*?)```/.exec(readFileSync(resolve('SECURITY.md'), 'utf8')) ?? []
  library.host.tool('nft', ['-f', '-'], { input: rules })
  flood()
  expect(tracked()).toBeLessThan(2_500)
  expect(ask(b, 53)).toBe('answered')
})

test('one that changes itself without end: others are made, watched and put right meanwhile', async () => {
  await using library = await createLibrary()
  const { host, egress } = library
  const network = await egress.network(dual)
  const [a] = [await network.create({ name: 'a' }), await network.create({ name: 'b', hostInterface: 'h-b' })]
  const events: WatchEvent[] = []
  await using watch = egress.watch({ onEvent: event => events.push(event) })
  await watch.ready
  const script = `i=0; while :; do i=$((i+1)); ip -batch - <<E
$(for n in 1 2 3 4 5 6 7 8 9; do echo "addr add 10.99.$n.1/24 dev eth0"; echo "addr del 10.99.$n.1/24 dev eth0"; done)
link set eth0 down
link set eth0 alias egressd:br0/b
link set eth0 up
E
done 2>/dev/null`
  const busy = spawn('nsenter', [`--net=${netnsPath(a.ref)}`, 'sh', '-c', script], { stdio: 'ignore' })
  try {
    await expect.poll(() => watch.stats().heard, { timeout: 40_000 }).toBeGreaterThan(200)
    const made = await Promise.all(Array.from({ length: 10 }, () => network.create()))
    expect((await made[0]?.ping(far, patient))?.[0]?.result).toBe('reply')
    host.tool('ip', ['link', 'set', 'h-b', 'down'])
    const isUp = () => host.json<{ flags: string[] }[]>('ip', ['-j', 'link', 'show', 'h-b'])[0]?.flags.includes('UP')
    await expect.poll(isUp, { timeout: 40_000 }).toBe(true)
    await Promise.all(made.map(namespace => namespace.destroy({ wait: 'gone' })))
  } finally {
    busy.kill('SIGKILL')
    await once(busy, 'exit')
  }
})
