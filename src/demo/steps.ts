import type { Op } from '../kernel/ops.js'
import { uplink } from './topology.js'

/** The names and addresses of the reference job. */
export const names = { network: 'br0', namespace: 'ns0', interface: 'ceth0', hostInterface: 'veth0' } as const
export const plan = {
  4: { subnet: '192.168.0.0/16', prefix: 16, gateway: '192.168.0.1', address: '192.168.0.2' },
  6: { subnet: 'fd00:192:168::/64', prefix: 64, gateway: 'fd00:192:168::1', address: 'fd00:192:168::2' },
} as const

export type Family = 4 | 6
export type StepNumber = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8

export interface Step {
  title: string
  /** What a person would have typed. */
  commands: string[]
}

/** The eight steps, as a person reads and types them. */
export function stepsFor(families: readonly Family[], backend: 'nftables' | 'xtables'): Record<StepNumber, Step> {
  const { network: br0, namespace: ns0, interface: ceth0, hostInterface: veth0 } = names
  const each = (command: (family: Family, inet6: string) => string) =>
    families.map(family => command(family, family === 6 ? ' -6' : ''))
  const iptables = (family: Family) => (family === 6 ? 'ip6tables' : 'iptables')
  const nodad = (family: Family) => (family === 6 ? ' nodad' : '')
  const admit = families.flatMap(family => [
    `${iptables(family)} -I FORWARD -i ${br0} -j ACCEPT`,
    `${iptables(family)} -I FORWARD -o ${br0} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
  ])
  return {
    1: {
      title: `Make a namespace ${ns0} and a bridge ${br0}`,
      commands: [`ip netns add ${ns0}`, `ip link add ${br0} type bridge`],
    },
    2: {
      title: 'Give the bridge its address and set it up',
      commands: [
        ...each(family => `ip addr add ${plan[family].gateway}/${plan[family].prefix} dev ${br0}${nodad(family)}`),
        `ip link set ${br0} up`,
      ],
    },
    3: {
      title: `Lay a veth cable: ${veth0} on the bridge, ${ceth0} inside ${ns0}`,
      commands: [
        `ip link add ${veth0} type veth peer name ${ceth0} netns ${ns0}`,
        `ip link set ${veth0} master ${br0} up`,
      ],
    },
    4: {
      title: `Give ${ceth0} its address inside ${ns0}, and set it and lo up`,
      commands: [
        `ip -n ${ns0} link set lo up`,
        `ip -n ${ns0} link set ${ceth0} up`,
        ...each(
          family => `ip -n ${ns0} addr add ${plan[family].address}/${plan[family].prefix} dev ${ceth0}${nodad(family)}`,
        ),
      ],
    },
    5: {
      title: 'Route by default via the bridge',
      commands: each((family, inet6) => `ip -n ${ns0}${inet6} route add default via ${plan[family].gateway}`),
    },
    6: {
      title: `${ns0} pings the host`,
      commands: each(family => `ip netns exec ${ns0} ping ${plan[family].gateway}`),
    },
    7: {
      title: 'Masquerade what leaves, and forward it',
      commands: [
        ...each(family => `${iptables(family)} -t nat -A POSTROUTING -s ${plan[family].subnet} -j MASQUERADE`),
        ...(backend === 'xtables' ? admit : []),
        ...each(family => `sysctl -w net.${family === 6 ? 'ipv6.conf.all.forwarding' : 'ipv4.ip_forward'}=1`),
      ],
    },
    8: {
      title: `${ns0} pings the internet`,
      commands: each(family => `ip netns exec ${ns0} ping ${uplink[family].public}`),
    },
  }
}

/** The step that a request of the library belongs to; null for one that only looks. */
export function stepOf(op: Op): StepNumber | null {
  const inside = (op.in ?? 0) !== 0
  switch (op.op) {
    case 'netns.create':
      return 1
    case 'link.add':
      return op.kind === 'bridge' ? 1 : 3
    case 'link.set':
      if (inside) return 4
      if (op.name === names.network) return op.up ? 2 : 1
      return 3
    case 'address.add':
      return inside ? 4 : 2
    case 'route.add':
      return 5
    case 'nft.list':
    case 'nft.commit':
    case 'xt.list':
    case 'xt.edit':
    case 'sysctl.set':
      return 7
    default:
      return null
  }
}
