// A document of many namespaces: made, found in sync, changed in one place, its firewall flushed by others, and pruned.
// In a sandbox. `npm run bench:apply`; `--sizes 100,1000` are the numbers of namespaces, `--json` prints the figures raw.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { layInternet } from '../demo/topology.js'
import { Egress } from '../egress.js'
import { EgressError } from '../errors.js'
import { runInSandbox } from '../exec/sandbox.js'
import type { Kernel } from '../kernel/kernel.js'
import { nativeKernel } from '../kernel/native.js'
import type { SpecInput } from '../spec/schema.js'

const inside = 'EGRESSD_BENCH_INSIDE'
const modes = ['bridge', 'routed'] as const

/** Milliseconds. */
interface Figures {
  mode: (typeof modes)[number]
  size: number
  apply: number
  again: number
  oneChange: number
  healed: number
  prune: number
}

const documentOf = (mode: Figures['mode'], size: number, mtu?: number): SpecInput => ({
  networks: [{ name: 'bench0', mode, subnets: ['10.97.0.0/16'] }],
  namespaces: Array.from({ length: size }, (_, i) => ({
    name: `bench${i}`,
    network: 'bench0',
    ...(i === 0 && mtu !== undefined && { mtu }),
  })),
})

async function measure(kernel: Kernel, mode: Figures['mode'], size: number): Promise<Figures> {
  await using egress = await Egress.open()
  const document = documentOf(mode, size)
  const timed = async (spec: SpecInput, prune = false) => {
    const start = performance.now()
    await egress.apply(spec, { prune })
    return performance.now() - start
  }
  const apply = await timed(document)
  const again = await timed(document)
  const oneChange = await timed(documentOf(mode, size, 1400))
  await flush(kernel)
  const healed = await timed(documentOf(mode, size, 1400))
  const prune = await timed({}, true)
  return { mode, size, apply, again, oneChange, healed, prune }
}

/** What `nft flush ruleset` does to us. */
async function flush(kernel: Kernel): Promise<void> {
  const [listed] = await kernel.run([{ op: 'nft.list', elements: false, rules: false }])
  if (!listed.ok) throw new EgressError('EGRESSD_KERNEL')
  const changes = listed.value.tables.map(({ family, name }) => ({ change: 'table.delete' as const, family, name }))
  const [done] = await kernel.run([{ op: 'nft.commit', changes }])
  if (!done.ok) throw new EgressError('EGRESSD_KERNEL')
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { sizes: { type: 'string', default: '100,1000' }, json: { type: 'boolean', default: false } },
  })
  const kernel = nativeKernel.open()
  await layInternet(kernel)
  const all: Figures[] = []
  for (const size of [10, ...values.sizes.split(',').map(Number)])
    for (const mode of modes) all.push(await measure(kernel, mode, size))
  await kernel.close()
  // The smallest are the warm-up.
  const figures = all.slice(modes.length)
  if (values.json) return console.log(JSON.stringify(figures))
  const row = (...cells: (string | number)[]) => console.log(cells.map(cell => String(cell).padStart(12)).join(''))
  row('ms', 'namespaces', 'apply', 'again', 'one change', 'healed', 'prune')
  for (const { mode, size, ...times } of figures) row(mode, size, ...Object.values(times).map(time => time.toFixed(0)))
}

if (process.env[inside]) await main()
else {
  const argv = [fileURLToPath(import.meta.url), ...process.argv.slice(2)]
  const { code } = await runInSandbox(argv, { env: { ...process.env, [inside]: '1' } })
  process.exitCode = code ?? 1
}
