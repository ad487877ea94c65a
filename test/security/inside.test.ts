// Who has CAP_NET_ADMIN in a namespace may change all of it: it sends as itself even so, the others stand, and what it took is put back.
import { expect, test, vi } from 'vitest'
import { uplink } from '../../src/demo/topology.js'
import type { Namespace } from '../../src/namespace.js'
import { backends, createLibrary, type Library, patient } from '../helpers/library.js'

// Much of it is waiting for what does not come.
vi.setConfig({ testTimeout: 120_000 })

const modes = ['bridge', 'routed'] as const
const subnets = ['10.1.0.0/16', 'fd00:1::/64']
const networkOf = (mode: (typeof modes)[number], firewall: (typeof backends)[number]) => ({
  name: 'net1',
  mode,
  firewall,
  subnets,
})
const names = ['a', 'b'] as const
const namespaceOf = (name: 'a' | 'b', n: number) => ({
  name,
  hostInterface: `h-${name}`,
  addresses: [`10.1.0.${n}`, `fd00:1::${n}`],
})

async function lay(library: Library, mode: (typeof modes)[number], firewall: (typeof backends)[number]) {
  const network = await library.egress.network(networkOf(mode, firewall))
  const [a, b] = [await network.create(namespaceOf('a', 2)), await network.create(namespaceOf('b', 3))]
  // Asked for by name, each link carries at once: what is sent before the kernel has noticed is lost.
  const noticed = 'for each in $(ip -o link | cut -d: -f2 | cut -d@ -f1); do ip link show dev $each >/dev/null; done'
  const within = (script: string) => library.host.tool('sh', ['-ec', `${script}; ${noticed}`], { netns: a.ref })
  /** What of these is answered. NB: in turn, for they may share a name. */
  const answeredIn = async (timeoutMs: number, from: Namespace, addresses: string[]) => {
    const found = await Promise.all(addresses.map(address => from.ping(address, { timeoutMs }).catch(() => [])))
    return addresses.filter((_, i) => found[i]?.some(({ result }) => result === 'reply'))
  }
  /** What must be answered is waited for; what must not be, for as long as an answer takes. */
  const reached = (from: Namespace, ...addresses: string[]) => answeredIn(patient.timeoutMs, from, addresses)
  const reaches = (from: Namespace, ...addresses: string[]) => answeredIn(700, from, addresses)
  const spec = {
    networks: [networkOf(mode, firewall)],
    namespaces: names.map((name, i) => ({ ...namespaceOf(name, i + 2), network: 'net1' })),
  }
  const repair = async () => {
    await library.egress.apply(spec)
    expect(await library.egress.check(spec)).toEqual({ inSync: true, changes: [] })
  }
  return { network, a, b, within, reached, reaches, repair }
}

/** Each makes the namespace something else; with that it reaches nobody. */
const disguises: [what: string, script: string][] = [
  [
    'another address',
    'ip addr flush dev eth0 scope global; ip addr add 10.1.0.9/16 dev eth0; ip addr add fd00:1::9/64 dev eth0 nodad; ip route replace default via 10.1.0.1; ip -6 route replace default via fd00:1::1',
  ],
  [
    'the address of another',
    'ip addr flush dev eth0 scope global; ip addr add 10.1.0.7/16 dev eth0; ip addr add fd00:1::7/64 dev eth0 nodad; ip route replace default via 10.1.0.1; ip -6 route replace default via fd00:1::1',
  ],
  ['another MAC', 'ip link set eth0 address 02:65:0a:01:00:07'],
  [
    'a macvlan beside',
    'ip link add mv0 link eth0 type macvlan mode bridge; ip addr flush dev eth0 scope global; ip addr add 10.1.0.2/16 dev mv0; ip addr add fd00:1::2/64 dev mv0 nodad; ip link set mv0 up; ip route replace default via 10.1.0.1 dev mv0; ip -6 route replace default via fd00:1::1 dev mv0',
  ],
  [
    'a bridge of its own, with another behind',
    'ip link add own type bridge; ip link set own up; ip link set eth0 master own; ip addr flush dev eth0 scope global; ip link add in0 type veth peer name in1; ip link set in0 master own up; ip link set in1 up; ip addr add 10.1.0.2/16 dev in1; ip addr add fd00:1::2/64 dev in1 nodad; ip route replace default via 10.1.0.1 dev in1; ip -6 route replace default via fd00:1::1 dev in1',
  ],
]

const all = ['10.1.0.1', 'fd00:1::1', '10.1.0.3', 'fd00:1::3', uplink[4].public, uplink[6].public]
const kinds = backends.flatMap(firewall => modes.map(mode => [firewall, mode] as const))
const each = kinds.flatMap(([firewall, mode]) => disguises.map(([what, script]) => ({ firewall, mode, what, script })))

// Most of it is waiting for what does not come: side by side, each on a host of its own.
test.concurrent.each(each)('$firewall, $mode: with $what it reaches nobody', async ({ firewall, mode, script }) => {
  await using library = await createLibrary()
  const { a, b, within, reached, reaches } = await lay(library, mode, firewall)
  within(script)
  expect(await reaches(a, ...all)).toEqual([])
  expect(await reached(b, '10.1.0.1', 'fd00:1::1', uplink[4].public)).toHaveLength(3)
})

test.concurrent.each(disguises)('with %s it would, if nobody held it to its own', async (_what, script) => {
  await using library = await createLibrary()
  const { a, within, reached } = await lay(library, 'bridge', 'nftables')
  library.host.tool('nft', ['delete', 'table', 'bridge', 'egressd'])
  within(script)
  expect(await reached(a, '10.1.0.3', 'fd00:1::3')).toEqual(['10.1.0.3', 'fd00:1::3'])
})

test.each(modes)('%s: what it takes away, renames or carries off is its own loss, and put back', async mode => {
  await using library = await createLibrary()
  const { a, b, within, reached, repair } = await lay(library, mode, 'nftables')
  for (const script of [
    'ip link set eth0 down; ip link set eth0 name mine0; ip link set mine0 up',
    'ip link set eth0 mtu 1280; ip addr flush dev eth0; ip route flush table main',
    'ip link del eth0',
    // Into a namespace of its making: still behind the same end on the host.
    'unshare --net sleep 60 & while [ "$(readlink /proc/$!/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do :; done; ip link set eth0 netns $!; kill $!',
    'ip link set eth0 alias "egressd:net1/b"; ip link add veth9 type veth peer name veth8; ip link set veth9 alias "egressd:net1/b"; ip link set veth8 alias egressd:net1',
  ]) {
    within(script)
    expect(await reached(b, '10.1.0.1', 'fd00:1::1', uplink[4].public)).toHaveLength(3)
    await repair()
    const again = library.egress.namespaces.find(({ name }) => name === 'a') as typeof a
    expect(await reached(again, '10.1.0.1', 'fd00:1::1', '10.1.0.3', uplink[4].public)).toHaveLength(4)
    within('for link in $(ls /sys/class/net | grep ^veth); do ip link del $link 2>/dev/null || :; done')
  }
})
