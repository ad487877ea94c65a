import { networkLines, type Topology } from './topology.js'

const label = (...lines: readonly string[]) => `"${lines.join('\\n').replaceAll('"', '\\"')}"`

/** For graphviz. */
export function dot({ networks }: Topology): string[] {
  return [
    'graph egressd {',
    '  rankdir=LR; node [shape=box, fontname="monospace", fontsize=11]; edge [fontname="monospace", fontsize=9];',
    '  host [shape=oval];',
    ...networks.flatMap((network, i) => [
      `  n${i} [label=${label(network.name, ...networkLines(network))}];`,
      `  host -- n${i};`,
      ...network.namespaces.flatMap(({ name, interface: inside, hostInterface, addresses }, j) => [
        `  n${i}s${j} [style=rounded, label=${label(name, ...addresses)}];`,
        `  n${i} -- n${i}s${j} [label=${label(`${hostInterface} to ${inside}`)}];`,
      ]),
      ...(network.more > 0
        ? [`  n${i}more [shape=plaintext, label=${label(`and ${network.more} more`)}];`, `  n${i} -- n${i}more;`]
        : []),
    ]),
    '}',
  ]
}
