// Namespaces one at a time, by the library and by the commands a person would type: alternating rounds in a sandbox.
// `npm run bench`; `--json` prints the raw samples. The commands are a yardstick: the product never runs them.
import { execFileSync } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { layInternet, uplink } from '../demo/topology.js'
import { Egress } from '../egress.js'
import { runInSandbox } from '../exec/sandbox.js'
import type { Kernel } from '../kernel/kernel.js'
import { nativeKernel } from '../kernel/native.js'
import type { Network } from '../network.js'

const inside = 'EGRESSD_BENCH_INSIDE'

interface Side {
  name: string
  create(n: number): Promise<void> | void
  destroy(n: number): Promise<void> | void
}

/** Milliseconds, one for each namespace. */
interface Samples {
  create: number[]
  destroy: number[]
}

const sh = (script: string) => execFileSync('sh', ['-ec', script], { stdio: ['ignore', 'ignore', 'inherit'] })
const addressOf = (n: number) => `10.98.${n >> 8}.${n & 255}`

function librarySide(name: string, network: Network): Side {
  const live = new Map<number, { destroy(): Promise<void> }>()
  return {
    name,
    create: async n => void live.set(n, await network.create({ name: `lib${n}`, addresses: [`10.97.0.${n + 2}`] })),
    destroy: async n => live.get(n)?.destroy(),
  }
}

/** The same work: pinned namespace, veth on a bridge, address, lo, default route. */
const shellCreate = (n: number) => `
ip netns add sh${n}
ip link add shv${n} type veth peer name eth0 netns sh${n}
ip link set shv${n} master shbr0 up
ip -n sh${n} link set lo up
ip -n sh${n} link set eth0 up
ip -n sh${n} address add ${addressOf(n + 2)}/16 dev eth0
ip -n sh${n} route add default via 10.98.0.1`

const ipSide: Side = {
  name: 'ip',
  create: n => void sh(shellCreate(n)),
  destroy: n => void sh(`ip netns del sh${n}`),
}

/** With a firewall rule for each namespace, as scripts have it; the library's subnet rule makes it needless. */
const ipAndIptablesSide: Side = {
  name: 'ip + iptables',
  create: n =>
    void sh(`${shellCreate(n)}\niptables -t nat -A POSTROUTING -s ${addressOf(n + 2)} ! -o shbr0 -j MASQUERADE`),
  destroy: n =>
    void sh(
      `iptables -t nat -D POSTROUTING -s ${addressOf(n + 2)} ! -o shbr0 -j MASQUERADE\nip link del shv${n}\nip netns del sh${n}`,
    ),
}

/** Waits until the kernel has taken away what was destroyed: else one side pays for what another left. */
async function settle(kernel: Kernel): Promise<void> {
  for (let i = 0; i < 500; i++) {
    const [links] = await kernel.run([{ op: 'link.list', kind: 'veth' }])
    if (links.ok && links.value.every(({ name }) => name === uplink.name)) return
    await setTimeout(20)
  }
  throw new Error('the kernel has not taken away what was destroyed 10 seconds ago')
}

async function round({ create, destroy }: Side, count: number, into: Samples): Promise<void> {
  const timed = async (step: (n: number) => Promise<void> | void, samples: number[]) => {
    for (let n = 0; n < count; n++) {
      const start = performance.now()
      await step(n)
      samples.push(performance.now() - start)
    }
  }
  await timed(create, into.create)
  await timed(destroy, into.destroy)
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      n: { type: 'string', default: '20' },
      rounds: { type: 'string', default: '6' },
      json: { type: 'boolean', default: false },
    },
  })
  const kernel = nativeKernel.open()
  await layInternet(kernel)
  sh('ip link add shbr0 type bridge; ip link set shbr0 up; ip address add 10.98.0.1/16 dev shbr0')
  const egress = await Egress.open()
  const network = await egress.network({ name: 'br0', subnets: ['10.97.0.0/16'] })
  const sides = [librarySide('egressd', network), ipSide, ipAndIptablesSide]
  const samples = new Map<string, Samples>(sides.map(({ name }) => [name, { create: [], destroy: [] }]))
  const rounds = Number(values.rounds)
  for (let i = -1; i < rounds; i++) {
    // Forwards and backwards in turn, so that a drift of the machine falls on all sides alike. The first is a warm-up.
    for (const side of i % 2 === 0 ? sides : [...sides].reverse()) {
      await round(side, Number(values.n), i < 0 ? { create: [], destroy: [] } : (samples.get(side.name) as Samples))
      await settle(kernel)
    }
  }
  await egress.down()
  await kernel.close()
  if (values.json) return console.log(JSON.stringify(Object.fromEntries(samples)))
  report(samples, samples.get('egressd') as Samples)
}

function report(samples: Map<string, Samples>, ours: Samples): void {
  const ratio = (theirs: number[], own: number[]) => `${(median(theirs) / median(own)).toFixed(1)} x`
  const row = (...cells: string[]) =>
    console.log(cells.map((cell, i) => (i ? cell.padStart(14) : cell.padEnd(16))).join(''))
  row('median, ms', 'create', 'destroy', 'create ratio', 'destroy ratio')
  for (const [name, { create, destroy }] of samples)
    row(
      name,
      median(create).toFixed(2),
      median(destroy).toFixed(2),
      ratio(create, ours.create),
      ratio(destroy, ours.destroy),
    )
}

if (process.env[inside]) await main()
else {
  const argv = [fileURLToPath(import.meta.url), ...process.argv.slice(2)]
  const { code } = await runInSandbox(argv, { env: { ...process.env, [inside]: '1' } })
  process.exitCode = code ?? 1
}
