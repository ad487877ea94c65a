import { networkLines, type Topology } from './topology.js'

// Names have no character that ends a quoted label (spec/names.ts); the identifiers are ours.

/** A flowchart, as GitHub and GitLab draw it in a page. */
export function mermaid({ networks }: Topology): string[] {
  return [
    'flowchart LR',
    '  host(["host"])',
    ...networks.flatMap((network, i) => [
      `  host --- n${i}["${[`<b>${network.name}</b>`, ...networkLines(network)].join('<br/>')}"]`,
      ...network.namespaces.map(({ name, interface: inside, hostInterface, addresses }, j) => {
        const label = [`<b>${name}</b>`, ...addresses].join('<br/>')
        return `  n${i} ---|"${hostInterface} to ${inside}"| n${i}s${j}("${label}")`
      }),
      ...(network.more > 0 ? [`  n${i} -.- n${i}more["and ${network.more} more"]`] : []),
    ]),
  ]
}
