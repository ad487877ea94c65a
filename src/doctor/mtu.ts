import { minIpv6Mtu } from '../spec/network.js'
import { Findings, type Judgement } from './check.js'
import { families, type View, waysOut } from './view.js'

export interface Mtus {
  ways: { family: 4 | 6; link: string; kind: string | null; mtu: number }[]
  networks: { name: string; mtu: number; ipv6: boolean; bridge: { name: string; mtu: number } | null }[]
}

/** Kinds that put a header of their own in front. */
const tunnels =
  /^(wireguard|tun|vxlan|geneve|gre|gretap|ip6gre|ip6gretap|erspan|ipip|ip6tnl|sit|vti|vti6|xfrm|ppp|bareudp)$/

export function readMtus(view: View): Mtus {
  return {
    ways: families.flatMap(family =>
      waysOut(view, family).map(({ route, link }) => ({
        family,
        link: link.name,
        kind: link.kind,
        mtu: route.mtu ?? link.mtu,
      })),
    ),
    networks: view.records.networks.map(({ spec, mtu }) => {
      const link = view.links.find(({ name }) => name === spec.bridge)
      return {
        name: spec.name,
        mtu,
        ipv6: spec.subnets.some(({ family }) => family === 6),
        bridge: link ? { name: link.name, mtu: link.mtu } : null,
      }
    }),
  }
}

export function judgeMtus({ ways, networks }: Mtus): Judgement {
  const found = new Findings()
  for (const { family, link, kind, mtu } of ways) {
    const tunnel = kind !== null && tunnels.test(kind)
    found.saw(
      `IPv${family} leaves by ${link}, MTU ${mtu}${kind === 'veth' ? ', a veth: this host is itself a namespace' : tunnel ? `, a tunnel (${kind})` : ''}`,
    )
  }
  const narrowest = ways.reduce<Mtus['ways'][number] | null>(
    (least, way) => (least && least.mtu <= way.mtu ? least : way),
    null,
  )
  if (!narrowest) return found.saw('nothing leaves this host: no MTU to compare with').judgement()
  const { link, mtu: least } = narrowest
  for (const { name, mtu, ipv6, bridge } of networks) {
    if (ipv6 && Math.min(least, mtu) < minIpv6Mtu)
      found.stop(
        `${least < minIpv6Mtu ? `${link} has MTU ${least}` : `network ${name} has MTU ${mtu}`}, and network ${name} has IPv6, which needs ${minIpv6Mtu}`,
        `ip link set ${link} mtu ${minIpv6Mtu}   # or more`,
        `no IPv6 subnet for network ${name}`,
      )
    else if (mtu > least)
      found.warning(
        `network ${name} has MTU ${mtu}, more than ${link}: large packets are fragmented, or refused where they may not be, and what loses ICMP hangs`,
        `mtu: ${least}   # for network ${name}; "auto" takes that of the way out when it is made`,
      )
    else found.saw(`network ${name} has MTU ${mtu}`)
    if (bridge && bridge.mtu < mtu)
      found.warning(
        `${bridge.name} has MTU ${bridge.mtu}, less than network ${name}`,
        `ip link set ${bridge.name} mtu ${mtu}`,
      )
  }
  if (networks.length === 0 && least < minIpv6Mtu)
    found.warning(
      `MTU ${least} of ${link} is less than IPv6 needs, ${minIpv6Mtu}`,
      `ip link set ${link} mtu ${minIpv6Mtu}   # or more`,
    )
  return found.judgement()
}
