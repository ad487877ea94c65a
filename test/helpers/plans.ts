// Namespaces for what is pure: as they are wanted, and as they stand.
import type { Neighbour, Route } from '../../src/kernel/ops-route.js'
import { desireNamespace, desireNetwork } from '../../src/plan/desired.js'
import { type ActualNamespace, planNamespace } from '../../src/plan/namespace.js'
import type { Plan } from '../../src/plan/plan.js'
import { parseNamespace } from '../../src/spec/namespace.js'
import { parseNetwork } from '../../src/spec/network.js'

const dual = ['192.168.0.0/16', 'fd00::/64']

/** A network, and `ns0` of it that has 192.168.0.2 and, where it has IPv6, fd00::2. */
export function wanted(network: object = {}, namespace: object = {}, pin: string | null = '/run/netns/ns0') {
  const spec = parseNetwork({ name: 'br0', subnets: dual, ...network })
  const desiredNetwork = desireNetwork(spec, 1500)
  const addresses = ([4, 6] as const)
    .slice(0, spec.subnets.length)
    .map(family => ({ family, address: family === 4 ? '192.168.0.2' : 'fd00::2' }))
  const given = parseNamespace({ hostInterface: 'veth0', ...namespace }, spec)
  return {
    network: desiredNetwork,
    desired: desireNamespace(given, desiredNetwork, { name: 'ns0', pin, addresses, mtu: 1500 }),
  }
}

export const mac = '02:65:c0:a8:00:02'
export const hostMac = '12:65:c0:a8:00:02'
export const alias = 'egressd:br0/ns0'
export const inside = { in: 1, join: true }
export const ops = (plan: Plan) => plan.map(({ op }) => op)

/** What comes of it inside of a new one with both families. */
export const innerOps = [
  { op: 'link.set', in: 1, join: false, index: 1, up: true, alias },
  { op: 'link.set', ...inside, index: 2, addrGenMode: 'none', alias },
  { op: 'link.set', ...inside, index: 2, up: true },
  { op: 'address.add', ...inside, index: 2, address: '192.168.0.2', prefix: 16, noDad: false },
  { op: 'address.add', ...inside, index: 2, address: 'fd00::2', prefix: 64, noDad: true },
  { op: 'route.add', ...inside, family: 4, gateway: '192.168.0.1', index: 2, protocol: 198 },
  { op: 'route.add', ...inside, family: 6, gateway: 'fd00::1', index: 2, protocol: 198 },
]
export const route = (one: Partial<Route>): Route => ({
  ...{ family: 4, destination: null, prefix: 0, gateway: '192.168.0.1', index: 2, source: null, metric: null },
  ...{ table: 254, protocol: 198, scope: 0, type: 1, onLink: false, mtu: null, nextHops: [], ...one },
})
export const neighbour = (one: Partial<Neighbour>): Neighbour => ({
  ...{ family: 4, index: 2, address: '192.168.0.1', mac: hostMac, state: 0x80, flags: 0, ...one },
})
const netns = { path: '/run/netns/ns0' }
export const open = { op: 'netns.open', as: 1, from: netns }

export type Bent = { lo?: object; link?: object | null; inside?: object; end?: object; outside?: object }

/** All of one that stands, but for what is said. */
export function standing({ mode = 'bridge', ...bent }: Bent & { mode?: 'bridge' | 'routed' } = {}): ActualNamespace {
  const routed = mode === 'routed'
  const address = (address: string, prefix: number) => ({
    index: 2,
    address,
    prefix: routed ? (prefix === 16 ? 32 : 128) : prefix,
  })
  const link = { index: 2, name: 'eth0', mac, mtu: 1500, alias, addrGenMode: 'none', up: true }
  const end = { index: 9, name: 'veth0', mac: hostMac, mtu: 1500, alias, addrGenMode: 'none', up: true }
  return {
    inside: {
      netns,
      lo: { index: 1, name: 'lo', up: true, alias, ...bent.lo },
      link: bent.link === null ? null : { ...link, ...bent.link },
      addresses: [address('192.168.0.2', 16), address('fd00::2', 64)],
      routes: [route({}), route({ family: 6, gateway: 'fd00::1' })],
      neighbours: routed ? [neighbour({}), neighbour({ family: 6, address: 'fd00::1' })] : [],
      sysctls: {},
      ...bent.inside,
    },
    outside: {
      link: { ...end, master: routed ? null : 7, port: routed ? null : { isolated: false }, ...bent.end },
      routes: routed
        ? [
            route({ destination: '192.168.0.2', prefix: 32, gateway: null, source: '192.168.0.1', index: 9 }),
            route({ family: 6, destination: 'fd00::2', prefix: 128, gateway: null, source: 'fd00::1', index: 9 }),
          ]
        : [],
      neighbours: routed
        ? [neighbour({ address: '192.168.0.2', mac, index: 9 }), neighbour({ address: 'fd00::2', mac, index: 9 })]
        : [neighbour({ family: 7, address: null, mac, index: 9, state: 2, flags: 0x10 })],
      ...(routed && { reversePath: 1 }),
      ...bent.outside,
    },
  } as unknown as ActualNamespace
}

export const repair = (
  bent: Parameters<typeof standing>[0],
  network: object = {},
  namespace: object = {},
  stale?: [],
) => {
  const { desired, network: its } = wanted({ ...(bent?.mode && { mode: bent.mode }), ...network }, namespace)
  return planNamespace(desired, its, 7, standing(bent), stale)
}
/** What is done inside, which is opened first. */
export const within = (does: string, op: object, undo?: object) => [
  { does: 'open namespace ns0', op: open },
  { does: `${does} inside ns0`, op: { ...op, in: 1, join: false }, ...(undo && { undo: [open, { ...undo, in: 1 }] }) },
]
