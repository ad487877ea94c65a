// `egressd graph`: each format, and the geometry of the picture.
import { expect, test, vi } from 'vitest'
import { dot } from '../../src/cli/graph/dot.js'
import { mermaid } from '../../src/cli/graph/mermaid.js'
import { svg } from '../../src/cli/graph/svg.js'
import type { Topology } from '../../src/cli/graph/topology.js'
import { tree } from '../../src/cli/graph/tree.js'
import { freshWorld } from '../helpers/cli.js'

// Many processes, one after another.
vi.setConfig({ testTimeout: 120_000 })

const namespace = (name: string, addresses: string[]) => ({
  name,
  interface: 'eth0',
  hostInterface: `host-${name}`.slice(0, 15),
  addresses,
})
const network = { mode: 'bridge' as const, gateways: ['10.64.0.1'], masquerade: true, more: 0 }
const topology: Topology = {
  networks: [
    {
      ...network,
      name: 'br0',
      bridge: 'br0',
      subnets: ['10.64.0.0/16', 'fd00:64::/64'],
      gateways: ['10.64.0.1', 'fd00:64::1'],
      namespaces: [
        namespace('a', ['10.64.0.2', 'fd00:64::2']),
        namespace('a-long-name-of-forty-characters-or-nearly', ['10.64.0.3', 'fd00:64:0:0:1234:5678:9abc:def0']),
        namespace('c', ['10.64.0.4', 'fd00:64::4']),
      ],
      more: 7,
    },
    { ...network, name: 'empty', bridge: 'empty', subnets: ['10.66.0.0/16'], namespaces: [] },
    {
      ...network,
      name: 'rt0',
      mode: 'routed',
      bridge: 'rt0',
      subnets: ['10.65.0.0/16'],
      masquerade: false,
      namespaces: [namespace('x', ['10.65.0.2'])],
    },
  ],
}

test('as text', () => {
  expect(tree(topology)).toEqual([
    'host',
    '├─ br0: bridge br0, 10.64.0.0/16 by 10.64.0.1, fd00:64::/64 by fd00:64::1, masqueraded',
    '│  ├─ a  10.64.0.2 fd00:64::2  (eth0 to host-a)',
    '│  ├─ a-long-name-of-forty-characters-or-nearly  10.64.0.3 fd00:64:0:0:1234:5678:9abc:def0  (eth0 to host-a-long-nam)',
    '│  ├─ c  10.64.0.4 fd00:64::4  (eth0 to host-c)',
    '│  └─ … and 7 more',
    '├─ empty: bridge empty, 10.66.0.0/16 by 10.64.0.1, masqueraded',
    '└─ rt0: routed by rt0, 10.65.0.0/16 by 10.64.0.1, not masqueraded',
    '   └─ x  10.65.0.2  (eth0 to host-x)',
  ])
  expect(tree({ networks: [] })).toEqual(['host'])
})

test('as Mermaid and DOT: each thing once, and a line to its parent', () => {
  const flow = mermaid(topology)
  expect(flow[0]).toBe('flowchart LR')
  expect(flow).toContain('  n0 ---|"host-a to eth0"| n0s0("<b>a</b><br/>10.64.0.2<br/>fd00:64::2")')
  expect(flow.filter(line => line.startsWith('  host --- '))).toHaveLength(3)
  expect(flow.filter(line => / n\ds\d\(/.test(line))).toHaveLength(4)
  const graph = dot(topology)
  expect([graph[0], graph.at(-1)]).toEqual(['graph egressd {', '}'])
  expect(graph).toContain('  n0 -- n0s0 [label="host-a to eth0"];')
  expect(graph.filter(line => line.includes(' -- '))).toHaveLength(3 + 4 + 1)
})

interface Box {
  x: number
  y: number
  width: number
  height: number
}

const numbers = (line: string): Box & { class: string } =>
  Object.fromEntries(
    [...line.matchAll(/ (\w+)="([^"]*)"/g)].map(([, key, value]) => [key, key === 'class' ? value : Number(value)]),
  ) as unknown as Box & { class: string }

test('as a picture: nothing overlaps, texts are in their boxes, lines end at boxes, all is on the page', () => {
  const lines = svg(topology)
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(lines[0] ?? '') as unknown as [string, number, number]
  const all = lines.filter(line => line.startsWith('<rect ')).map(numbers)
  const boxes = all.filter(each => each.class !== 'page')
  expect(boxes.map(each => each.class).sort()).toEqual(
    ['host', 'more', ...Array(4).fill('namespace'), ...Array(3).fill('network')].sort(),
  )
  for (const [i, a] of boxes.entries()) {
    expect(a.x >= 0 && a.y >= 0 && a.x + a.width <= Number(width) && a.y + a.height <= Number(height)).toBe(true)
    for (const b of boxes.slice(i + 1)) {
      const apart = a.x + a.width < b.x || b.x + b.width < a.x || a.y + a.height < b.y || b.y + b.height < a.y
      expect(apart, JSON.stringify([a, b])).toBe(true)
    }
  }
  const texts = lines.flatMap(line => {
    const [, attributes = '', text] = /^<text(.*?)>(.*)<\/text>$/.exec(line) ?? []
    return text === undefined ? [] : [{ ...numbers(attributes), text }]
  })
  const labels = texts.filter(each => each.class !== 'note')
  expect(labels.map(({ text }) => text)).toEqual(
    expect.arrayContaining(['host', 'br0', '10.64.0.2', 'and 7 more', 'x']),
  )
  for (const { x, y, text } of labels) {
    // 7.2 wide is a glyph of DejaVu Sans Mono at 12.
    const inside = (box: Box) =>
      x >= box.x && x + text.length * 7.2 <= box.x + box.width && y - 10 >= box.y && y + 3 <= box.y + box.height
    expect(boxes.filter(inside), text).toHaveLength(1)
  }
  const wires = lines.flatMap(line => {
    const [, ...ends] = /^<path class="wire" d="M([\d.]+) ([\d.]+)H[\d.]+V([\d.]+)H([\d.]+)"\/>$/.exec(line) ?? []
    return ends.length > 0 ? [ends.map(Number) as [number, number, number, number]] : []
  })
  expect(wires).toHaveLength(boxes.length - 1)
  for (const [fromX, fromY, toY, toX] of wires) {
    expect(boxes.some(b => Math.abs(b.x + b.width - fromX) < 0.2 && Math.abs(b.y + b.height / 2 - fromY) < 0.2)).toBe(
      true,
    )
    expect(boxes.some(b => Math.abs(b.x - toX) < 0.2 && Math.abs(b.y + b.height / 2 - toY) < 0.2)).toBe(true)
  }
  // What is written on a line ends before the box that it leads to.
  for (const { x, text } of texts.filter(each => each.class === 'note'))
    expect(boxes.some(b => b.class === 'namespace' && x + text.length * 6.1 < b.x)).toBe(true)
})

test('of what is there, by the command', async () => {
  await using world = await freshWorld()
  expect(await world.egressd(['graph'])).toMatchObject({
    code: 0,
    stdout: 'host\n',
    stderr: expect.stringContaining('There is no network yet'),
  })
  await world.egressd(['network', 'add', 'br0', '--subnet', '10.64.0.0/16'])
  await world.egressd(['ns', 'add', 'ns0', 'ns1', 'ns2', '--network', 'br0'])
  const json = JSON.parse((await world.egressd(['graph', '--format', 'json', '--limit', '2'])).stdout)
  expect(json.networks).toMatchObject([{ name: 'br0', more: 1, namespaces: [{ name: 'ns0' }, { name: 'ns1' }] }])
  const link = JSON.parse(world.sh('ip -n ns1 -j link show eth0'))[0]
  const outside = JSON.parse(world.sh('ip -j link')).find(
    ({ ifindex }: { ifindex: number }) => ifindex === link.link_index,
  )
  expect(json.networks[0].namespaces[1].hostInterface).toBe(outside.ifname)
  const picture = await world.egressd(['graph', '--format', 'svg'])
  world.sh(`cat >/run/x.svg <<'end'\n${picture.stdout}end
    python3 -c 'import xml.dom.minidom; xml.dom.minidom.parse("/run/x.svg")'`)
  expect(await world.egressd(['graph', '--network', 'br1'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('did you mean "br0"?'),
  })
})
