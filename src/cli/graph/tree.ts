import { networkLines, type Topology } from './topology.js'

interface Node {
  text: string
  below: Node[]
}

/** For people: networks below the host, namespaces below networks. */
export function tree({ networks }: Topology): string[] {
  const root: Node = {
    text: 'host',
    below: networks.map(network => ({
      text: `${network.name}: ${networkLines(network).join(', ')}`,
      below: [
        ...network.namespaces.map(({ name, interface: inside, hostInterface, addresses }) => ({
          text: `${name}  ${addresses.join(' ')}  (${inside} to ${hostInterface})`,
          below: [],
        })),
        ...(network.more > 0 ? [{ text: `… and ${network.more} more`, below: [] }] : []),
      ],
    })),
  }
  return [root.text, ...branches(root.below, '')]
}

function branches(nodes: readonly Node[], before: string): string[] {
  return nodes.flatMap(({ text, below }, i) => {
    const last = i === nodes.length - 1
    return [`${before}${last ? '└─ ' : '├─ '}${text}`, ...branches(below, `${before}${last ? '   ' : '│  '}`)]
  })
}
