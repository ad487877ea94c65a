import { formatSubnet, overlaps, parseSubnet, type Subnet } from '../spec/cidr.js'
import { Findings, type Judgement, some } from './check.js'
import type { View } from './view.js'

export interface Overlaps {
  networks: { name: string; bridge: string; subnets: string[] }[]
  /** Unicast and blackhole routes of the host, without defaults; `link` null: by none. */
  routes: { destination: string; link: string | null; alias: string | null }[]
}

const local = 255

export function readOverlaps({ links, routes, records }: View): Overlaps {
  return {
    networks: records.networks.map(({ spec: { name, bridge, subnets } }) => ({
      name,
      bridge,
      subnets: subnets.map(({ subnet }) => subnet),
    })),
    routes: routes.flatMap(({ destination, prefix, index, table }) => {
      // Link-local and multicast subnets of IPv6 are on every link, and no network can be in them.
      if (destination === null || table === local || /^f(e80|f00):/i.test(destination)) return []
      const link = links.find(one => one.index === index)
      return [{ destination: `${destination}/${prefix}`, link: link?.name ?? null, alias: link?.alias ?? null }]
    }),
  }
}

export function judgeOverlaps({ networks, routes }: Overlaps): Judgement {
  const found = new Findings()
  const others = routes.filter(({ alias }) => !alias?.startsWith('egressd:'))
  if (networks.length === 0) {
    const taken = others.map(({ destination }) => destination)
    return found
      .saw(
        `no network is recorded; the host has ${taken.length > 0 ? `routes to ${some(taken)}` : 'no routes but default ones'}`,
      )
      .judgement()
  }
  for (const { name, subnets } of networks)
    for (const text of subnets) {
      const subnet = parseSubnet(text)
      if (!subnet) continue
      const hits = others.flatMap(route => {
        const there = parseSubnet(route.destination)
        return there && overlaps(subnet, there) ? [{ route, there }] : []
      })
      if (hits.length === 0) found.saw(`${text} of network ${name} overlaps no route of the host`)
      for (const { route, there } of hits) judgeOne(found, name, subnet, there, route.link)
    }
  return found.judgement()
}

function judgeOne(found: Findings, name: string, subnet: Subnet, there: Subnet, link: string | null): void {
  const text = formatSubnet(there)
  const by = link ? ` dev ${link}` : ''
  const version = subnet.family === 6 ? 'ip -6' : 'ip'
  const what = `${formatSubnet(subnet)} of network ${name} overlaps the route to ${text}${by}`
  const fix = [`${version} route del ${text}${by}`, `another subnet for network ${name}`]
  // The longest prefix wins.
  if (there.prefix >= subnet.prefix)
    found.stop(`${what}: answers to namespaces with such addresses leave that way`, ...fix)
  else
    found.warning(
      `${what}: namespaces cannot reach the rest of it where it is wider than the bridge's, and egressd would not make this network again`,
      ...fix,
    )
}
