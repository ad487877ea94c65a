// See scripts/profile.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { cpus, release, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'docs/benchmarks/profiles.json') },
    n: { type: 'string', default: '400' },
    inside: { type: 'string' },
  },
})
const n = Number(values.n)
const hertz = 4999

/** Who handles a request of rtnetlink (net/core/rtnetlink.c and the like), and what it is called there. */
const handlers = {
  rtnl_newlink: 'RTM_NEWLINK',
  rtnl_setlink: 'RTM_SETLINK',
  rtnl_getlink: 'RTM_GETLINK',
  rtnl_dellink: 'RTM_DELLINK',
  inet_rtm_newaddr: 'RTM_NEWADDR',
  inet6_rtm_newaddr: 'RTM_NEWADDR',
  inet_rtm_newroute: 'RTM_NEWROUTE',
  inet6_rtm_newroute: 'RTM_NEWROUTE',
  neigh_add: 'RTM_NEWNEIGH',
  rtnl_fdb_add: 'RTM_NEWNEIGH',
}

/** What one sample was of; null where it is not of the processes that are looked at. */
function whereOf({ pid, tid, frames }, pids) {
  const symbols = frames.map(({ symbol }) => symbol)
  if (symbols.includes('cleanup_net')) return 'kernel, afterwards: cleanup_net'
  if (!pids.has(pid)) return null
  const handler = symbols.find(symbol => Object.hasOwn(handlers, symbol))
  if (handler) return `kernel: ${handlers[handler]}`
  if (symbols.some(symbol => symbol.startsWith('nfnetlink_rcv'))) return 'kernel: nf_tables transactions'
  const call = symbols.map(symbol => /^__(?:x64|arm64|do)_sys_(\w+)$/.exec(symbol)?.[1]).find(Boolean)
  if (call) return `kernel: ${call.replace(/^new/, '')}(2)`
  if (frames[0]?.file.includes('kernel.kallsyms')) return 'kernel: all else'
  if (frames.some(({ file }) => file.endsWith('/floor'))) return 'the program'
  // With what it asks of V8; but not JavaScript that runs because it called back.
  const addon = frames.findIndex(({ file }) => file.endsWith('egressd.node'))
  const script = symbols.findIndex(symbol => symbol.startsWith('Builtins_JSEntry'))
  if (addon >= 0 && (script < 0 || addon < script)) return 'addon (C++)'
  return pid === tid ? 'JavaScript and Node' : 'Node’s own threads'
}

function samplesOf(file) {
  const script = ['script', '-i', file, '-F', 'comm,pid,tid,ip,sym,dso', '--no-inline']
  const { stdout } = spawnSync('perf', script, { encoding: 'utf8', maxBuffer: 2 ** 30 })
  return stdout.split('\n\n').flatMap(text => {
    const [head = '', ...lines] = text.split('\n')
    const [, pid, tid] = /\s(\d+)\/(\d+)\s*$/.exec(head) ?? []
    const frames = lines.flatMap(line => {
      const [, symbol, from] = /^\s+[0-9a-f]+ (.*) \(([^()]*|\[.*\])\)$/.exec(line) ?? []
      return symbol === undefined ? [] : [{ symbol: symbol.replace(/\+0x.*/, ''), file: from }]
    })
    return pid ? [{ pid: Number(pid), tid: Number(tid), frames }] : []
  })
}

/** Processes that came of this one, and this one. */
function family(pid = process.pid) {
  const children = readdirSync(`/proc/${pid}/task`).flatMap(tid =>
    readFileSync(`/proc/${pid}/task/${tid}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
  return [pid, ...children.flatMap(family)]
}

/** Processor time of each `of` while `work` runs, by where it was, in ns. */
async function sampled(directory, of, work) {
  const file = join(directory, 'perf.data')
  const record = [
    'record',
    '-q',
    '-e',
    'cpu-clock',
    '-F',
    String(hertz),
    '-g',
    '-a',
    '-D',
    '-1',
    '--control',
    'fd:3,4',
    '-o',
    file,
  ]
  const perf = spawn('perf', record, { stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe'] })
  const tell = async word => {
    perf.stdio[3].write(`${word}\n`)
    await once(perf.stdio[4], 'data')
  }
  await tell('enable')
  const start = performance.now()
  await work()
  const wall = performance.now() - start
  await tell('disable')
  const pids = new Set(family().filter(pid => pid !== perf.pid))
  const ended = once(perf, 'exit')
  perf.kill('SIGINT')
  await ended
  const parts = new Map()
  for (const sample of samplesOf(file)) {
    const where = whereOf(sample, pids)
    if (where) parts.set(where, (parts.get(where) ?? 0) + 1e9 / hertz / of)
  }
  const sorted = [...parts].sort(([, a], [, b]) => b - a)
  return {
    wall: Math.round((wall * 1e6) / of),
    parts: sorted.map(([where, time]) => ({ where, time: Math.round(time) })),
  }
}

/** Own time of each function while many are made at once, in ns for each, and how long the longest turn of the loop was. */
async function eventLoop(side, count) {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 100 })
  await session.post('Profiler.start')
  await side.createMany(0, count)
  const { profile } = await session.post('Profiler.stop')
  session.disconnect()
  const nodes = new Map(profile.nodes.map(node => [node.id, node.callFrame]))
  const own = new Map()
  for (const [i, id] of profile.samples.entries()) {
    const { functionName, url, lineNumber } = nodes.get(id)
    // The profiler is of native functions, too: its own is called dispatch.
    if (functionName === '(idle)' || (url === '' && functionName === 'dispatch')) continue
    const place = url.startsWith(`file://${root}`)
      ? `, ${url.slice(7 + root.length)}:${lineNumber + 1}`
      : url && `, ${url}`
    const native = url === '' && !functionName.startsWith('(')
    const where = native
      ? 'native functions: the addon’s and Node’s'
      : `${functionName || '(anonymous)'}${place.replace(/^, dist\//, ', ').replace(/\.js:.*/, '.ts')}`
    own.set(where, (own.get(where) ?? 0) + (profile.timeDeltas[i] * 1000) / count)
  }
  const sorted = [...own].sort(([, a], [, b]) => b - a)
  return { parts: sorted.slice(0, 12).map(([where, time]) => ({ where, time: Math.round(time) })) }
}

async function inside(out) {
  const { openWorld, settle } = await import('../dist/bench/world.js')
  const { warm } = await import('../dist/bench/rounds.js')
  const { sideKinds } = await import('../dist/bench/sides/all.js')
  const world = await openWorld(new AbortController().signal)
  const directory = mkdtempSync(join(tmpdir(), 'egressd-profile-'))
  const segment = { mode: 'bridge', prefix: '10.97', capacity: 2 * n + 100 }
  const profiles = []
  const scenarios = {
    create: side => ({ of: n, work: () => side.create(0, n), first: 0, left: n }),
    'destroy-many': async side => {
      await (side.createMany ?? side.create).call(side, 0, n)
      return { of: n, work: () => side.destroyMany(0, n), first: 0, left: 0 }
    },
    churn: async side => {
      await side.create(0, 100)
      const cycles = async () => {
        if (side.churn) return side.churn(0, 100, n)
        for (let i = 0; i < n; i++) {
          await side.create(100 + i, 1)
          await side.destroy(i, 1)
        }
      }
      return { of: n, work: cycles, first: n, left: 100 }
    },
  }
  const run = async (scenario, name, prepare) => {
    const { make, cold = 1_500 } = sideKinds.find(kind => kind.name === name)
    const side = make(world)
    await side.open(segment)
    // What is compiled and opened once, is: about as much as before it is measured.
    await warm(world, side, cold, 300)
    const { of, work, first, left } = await prepare(side)
    const found = of ? await sampled(directory, of, work) : await eventLoop(side, left)
    profiles.push({ scenario, side: name, ...found })
    if (left > 0) await side.destroyMany(first, left)
    await side.drain?.()
    await settle(world)
    await side.close()
    await side.dispose()
    console.error(`${scenario}, ${name}`)
  }
  for (const [scenario, prepare] of Object.entries(scenarios))
    for (const name of ['library', 'floor']) await run(scenario, name, prepare)
  await run('create', 'daemon', scenarios.create)
  await run('event-loop', 'library', () => ({ first: 0, left: n }))
  const environment = `Linux ${release()}; ${cpus().length} × ${cpus()[0]?.model}; Node ${process.version}`
  writeFileSync(out, `${JSON.stringify({ schema: 1, kind: 'egressd profiles', environment, n, profiles }, null, 1)}\n`)
  rmSync(directory, { recursive: true })
  await world[Symbol.asyncDispose]()
}

if (values.inside !== undefined) {
  await inside(values.inside)
  process.exit()
} else if (process.getuid?.() !== 0 || spawnSync('perf', ['--version']).status !== 0) {
  console.error('scripts/profile: it takes root, and perf (Debian: apt-get install linux-perf)')
  process.exitCode = 2
} else {
  const { runInSandbox } = await import('../dist/exec/sandbox.js')
  const argv = [fileURLToPath(import.meta.url), '--n', String(n), '--inside', resolve(values.out)]
  const { code } = await runInSandbox(argv)
  process.exitCode = code ?? 1
}
