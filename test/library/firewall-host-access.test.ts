import { execFile as execFileWithCallback } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { uplink } from '../../src/demo/topology.js'
import type { NetworkOptions } from '../../src/engine/options.js'
import type { Namespace } from '../../src/namespace.js'
import { netnsPath } from '../helpers/host.js'
import { backends, createLibrary, type Library } from '../helpers/library.js'

const execFile = promisify(execFileWithCallback)
const modes = ['bridge', 'routed'] as const
const cases = backends.flatMap(firewall => modes.map(mode => [firewall, mode] as const))
const networkOf = (n: number, more: Partial<NetworkOptions>): NetworkOptions => ({
  name: `net${n}`,
  subnets: [`10.${n}.0.0/16`, `fd00:${n}::/64`],
  ...more,
})

/** Of `targets` (`tcp:ADDRESS:PORT`, `udp:…`) those are answered, and no others. */
async function expectReached({ host }: Library, from: Namespace | null, targets: string[], those: string[]) {
  const netns = netnsPath(from ? from.ref : { fd: host.kernel.hostFd })
  const asked = targets.map(target => (those.includes(target) ? `+${target}` : target))
  const command = [`--net=${netns}`, 'python3', resolve('test/helpers/reach.py'), '1.6', ...asked]
  const words = (await execFile('nsenter', command)).stdout.trim().split(' ')
  expect(targets.filter((_, i) => words[i] === 'reached')).toEqual(those)
}

/** Of `addresses` those answer, and no others. */
async function expectPinged(from: Namespace, addresses: string[], those: string[]) {
  // Right after it was made, a namespace may lose a packet; what shall answer has longer.
  const all = await Promise.all(
    addresses.map(async address => {
      for (let left = those.includes(address) ? 20 : 4; left > 0; left--) {
        const [echo] = await from.ping(address, { timeoutMs: 700 })
        if (echo?.result === 'reply') return true
      }
      return false
    }),
  )
  expect(addresses.filter((_, i) => all[i])).toEqual(those)
}

/** The gateway's addresses, then others that are the host's. */
const gateway = ['10.1.0.1', 'fd00:1::1']
const others = ['10.2.0.1', 'fd00:2::1', '203.0.113.2']
const world = [uplink[4].public, uplink[6].public]
const services = (address: string) => [`tcp:${address}:53`, `udp:${address}:53`]
const more = (address: string) => [`tcp:${address}:54`, `udp:${address}:54`, `tcp:${address}:22`]

// Most of it is waiting for what does not come: side by side, each on a host of its own.
describe.concurrent.each(cases)('%s, %s', (firewall, mode) => {
  const everything = [...gateway, ...others].flatMap(address => [...services(address), ...more(address)])
  const lay = async (hostAccess: NonNullable<NetworkOptions['hostAccess']>) => {
    const library = await createLibrary()
    await library.egress.network(networkOf(2, { mode, firewall }))
    const network = await library.egress.network(networkOf(1, { mode, firewall, hostAccess }))
    return { library, namespace: await network.create({ name: 'ns0' }) }
  }

  test('gateway: echo and DNS of the gateway, and nothing else of the host', async () => {
    const { library, namespace } = await lay('gateway')
    await using _ = library
    await expectReached(library, namespace, everything, gateway.flatMap(services))
    await expectPinged(namespace, [...gateway, ...others], gateway)
    await expectPinged(namespace, world, world)
  })

  test('none: nothing of it, and yet the world', async () => {
    const { library, namespace } = await lay('none')
    await using _ = library
    await expectReached(library, namespace, everything, [])
    await expectPinged(namespace, [...gateway, ...others], [])
    await expectPinged(namespace, world, world)
    // What the host begins is answered.
    expect(namespace.addresses).toHaveLength(2)
    const own = namespace.addresses.map(address => `tcp:${address}:9`)
    await expectReached(library, null, own, own)
    for (const address of namespace.addresses) library.host.tool('ping', ['-c1', '-W20', address])
  })

  test('all: all of it', async () => {
    const { library, namespace } = await lay('all')
    await using _ = library
    await expectReached(library, namespace, everything, everything)
    await expectPinged(namespace, [...gateway, ...others], [...gateway, ...others])
  })

  test('metadata: only with all, whether another machine answers or the host', async () => {
    const metadata = ['169.254.169.254', 'fd00:ec2::254']
    for (const hostAccess of ['gateway', 'all'] as const) {
      const { library, namespace } = await lay(hostAccess)
      await using _ = library
      const { host, internet } = library
      const targets = metadata.map(address => `tcp:${address}:80`)
      for (const address of metadata) {
        host.tool('ip', ['addr', 'add', address, 'dev', 'lo'], { netns: { fd: internet } })
        const via = uplink[address.includes(':') ? 6 : 4].internet
        host.tool('ip', ['route', 'add', address, 'via', via])
      }
      // The host itself has it always.
      await expectReached(library, null, targets, targets)
      await expectReached(library, namespace, targets, hostAccess === 'all' ? targets : [])
      for (const address of metadata) {
        host.tool('ip', ['route', 'del', address])
        host.tool('ip', ['addr', 'add', address, 'dev', 'lo'])
      }
      await expectReached(library, namespace, targets, hostAccess === 'all' ? targets : [])
    }
  })
})
