import { networkLines, type Topology, type TopologyNamespace, type TopologyNetwork } from './topology.js'

// Three columns: the host, networks, namespaces. A parent stands in the middle of its children; lines are level, upright, level.

/** Of a monospaced font at this size; a little more than a glyph needs, for fonts that are wide. */
const font = { size: 12, glyph: 7.6, line: 16 }
/** What is written on the lines: as large as the style says, and where it stands. */
const note = { glyph: 6.4, left: 32, right: 12, up: 4 }
const pad = { x: 10, y: 8 }
const gap = { column: 70, row: 10, network: 24, edge: 16 }

interface Box {
  kind: 'host' | 'network' | 'namespace' | 'more'
  lines: string[]
  /** Beside the line that leads to it. */
  wire?: string
  width: number
  height: number
  below: Box[]
  x: number
  y: number
}

/** A picture that needs nothing else; it is dark where the reader's page is. */
export function svg({ networks }: Topology): string[] {
  const host = box('host', ['host'], networks.map(networkBox))
  const columns = [[host], host.below, host.below.flatMap(({ below }) => below)]
  let x = gap.edge
  for (const [i, column] of columns.entries()) {
    const width = Math.max(0, ...column.map(each => each.width))
    const wires = Math.max(0, ...(columns[i + 1] ?? []).map(({ wire = '' }) => wire.length * note.glyph))
    for (const each of column) Object.assign(each, { x, width })
    x += width + (columns[i + 1]?.length ? Math.max(gap.column, wires + note.left + note.right) : 0)
  }
  const bottom = place(host, gap.edge)
  const [width, height] = [Math.ceil(x + gap.edge), Math.ceil(bottom + gap.edge)]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    '<title>Networks and namespaces of egressd</title>',
    style,
    `<rect class="page" width="${width}" height="${height}"/>`,
    ...wiresOf(host),
    ...boxesOf(host),
    '</svg>',
  ]
}

const style = `<style>
.page { fill: #fff } .wire { fill: none; stroke: #8a94a6 } text { fill: #1c2430; font: ${font.size}px "DejaVu Sans Mono", Menlo, Consolas, monospace }
.name { font-weight: bold } .note { fill: #5b6577; font-size: 10px } rect.host { fill: #e8ebf0; stroke: #5b6577 } rect.network { fill: #dcebff; stroke: #2b6cb0 }
rect.namespace { fill: #e3f6e8; stroke: #2f855a } rect.more { fill: none; stroke: #8a94a6; stroke-dasharray: 4 3 }
@media (prefers-color-scheme: dark) {
.page { fill: #14181f } text { fill: #e6eaf0 } .note { fill: #9aa5b8 } rect.host { fill: #2a313d } rect.network { fill: #1c3352 } rect.namespace { fill: #1b3a29 }
}
</style>`

function networkBox(network: TopologyNetwork): Box {
  const more = network.more > 0 ? [box('more', [`and ${network.more} more`], [])] : []
  return box('network', [network.name, ...networkLines(network)], [...network.namespaces.map(namespaceBox), ...more])
}

const namespaceBox = ({ name, interface: inside, hostInterface, addresses }: TopologyNamespace): Box => ({
  ...box('namespace', [name, ...addresses], []),
  wire: `${hostInterface} – ${inside}`,
})

function box(kind: Box['kind'], lines: string[], below: Box[]): Box {
  const width = Math.max(...lines.map(line => line.length)) * font.glyph + 2 * pad.x
  return { kind, lines, below, width, height: lines.length * font.line + 2 * pad.y, x: 0, y: 0 }
}

/** Below `top`; returns where it ends, children and all. */
function place(parent: Box, top: number): number {
  let at = top
  for (const child of parent.below) at = place(child, at) + (child.kind === 'network' ? gap.network : gap.row)
  const end = parent.below.length === 0 ? top : at - (parent.kind === 'host' ? gap.network : gap.row)
  const height = Math.max(parent.height, end - top)
  parent.y = top + (height - parent.height) / 2
  // Children of a tall parent stand in its middle, not the other way round.
  if (end - top < parent.height) shift(parent.below, (parent.height - (end - top)) / 2)
  return top + height
}

function shift(boxes: readonly Box[], by: number): void {
  for (const each of boxes) {
    each.y += by
    shift(each.below, by)
  }
}

function wiresOf(parent: Box): string[] {
  const [from, level] = [parent.x + parent.width, parent.y + parent.height / 2]
  return parent.below.flatMap(child => {
    const middle = child.y + child.height / 2
    const path = `<path class="wire" d="M${n(from)} ${n(level)}H${n(from + 24)}V${n(middle)}H${n(child.x)}"/>`
    const wire = child.wire
      ? [`<text class="note" x="${n(from + note.left)}" y="${n(middle - note.up)}">${escaped(child.wire)}</text>`]
      : []
    return [path, ...wire, ...wiresOf(child)]
  })
}

function boxesOf(parent: Box): string[] {
  const { kind, x, y, width, height, lines, below } = parent
  const round = kind === 'namespace' ? 10 : kind === 'host' ? 17 : 3
  return [
    `<rect class="${kind}" x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="${round}"/>`,
    ...lines.map((line, i) => {
      const baseline = y + pad.y + font.line * i + font.size
      return `<text${i === 0 ? ' class="name"' : ''} x="${n(x + pad.x)}" y="${n(baseline)}">${escaped(line)}</text>`
    }),
    ...below.flatMap(boxesOf),
  ]
}

const n = (value: number): string => String(Math.round(value * 10) / 10)

const escaped = (text: string): string =>
  text.replace(/[&<>]/g, mark => (mark === '&' ? '&amp;' : mark === '<' ? '&lt;' : '&gt;'))
