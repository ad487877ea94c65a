import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { XtEdit } from '../../src/kernel/ops-xt.js'
import { createHost, netnsPath, value } from '../helpers/host.js'
import { edit, entries, list } from '../helpers/xtables.js'

const patience = 60_000 // milliseconds, the longest there is
const append: XtEdit = { edit: 'append', chain: 'INPUT', rule: { comment: 'ours', target: 'ACCEPT' } }
let directory = ''
beforeEach(() => {
  delete process.env.XTABLES_LOCKFILE
  directory = mkdtempSync(join(tmpdir(), 'xtables-'))
})
afterEach(() => {
  delete process.env.XTABLES_LOCKFILE
  rmSync(directory, { recursive: true })
})

/** Another process that holds the lock until it is told to go. */
async function holder(file: string) {
  const child = spawn('flock', [file, 'sh', '-c', 'echo held; read line'], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const release = async () => {
    const exited = once(child, 'exit')
    child.stdin.end('\n')
    await exited
  }
  return { release, [Symbol.asyncDispose]: release }
}

const timed = (lockTimeoutMs: number) =>
  ({ op: 'xt.edit', family: 4, table: 'filter', edits: [append], lockTimeoutMs }) as const

test.each(['/run/xtables.lock', 'XTABLES_LOCKFILE'])(
  '%s held by another process: EBUSY at the deadline',
  async which => {
    await using host = await createHost()
    const file = which.startsWith('/') ? which : join(directory, 'lock')
    if (which === 'XTABLES_LOCKFILE') process.env.XTABLES_LOCKFILE = file
    const before = entries(host, 4, 'filter')
    {
      await using _held = await holder(file)
      // The tool itself waits for the same file.
      expect(() => host.tool('iptables-legacy', ['-w', '1', '-A', 'INPUT', '-j', 'DROP'])).toThrow('lock')
      const start = performance.now()
      const [late] = await host.kernel.run([timed(300)])
      const took = performance.now() - start
      expect(late).toMatchObject({ fault: { errno: 'EBUSY', call: 'flock', message: expect.stringContaining(file) } })
      expect(took).toBeGreaterThan(295)
      expect(took).toBeLessThan(4000)
      const [atOnce] = await host.kernel.run([timed(0)])
      expect(atOnce).toMatchObject({ fault: { errno: 'EBUSY' } })
      expect(entries(host, 4, 'filter')).toBe(before)
    }
    value(await edit(host, 4, 'filter', append))
  },
)

test('a lock that comes free before the deadline is taken', async () => {
  await using host = await createHost()
  const held = await holder('/run/xtables.lock')
  let settled = false
  const edited = host.kernel.run([timed(patience)]).finally(() => {
    settled = true
  })
  await new Promise(done => setTimeout(done, 100))
  expect(settled).toBe(false)
  await held.release()
  value((await edited)[0])
})

test('a worker that is terminated does not wait for the lock', async () => {
  await using _held = await holder('/run/xtables.lock')
  const script = `
    const { Door } = require('node-gyp-build')(process.cwd())
    new Door().run([${JSON.stringify(timed(patience))}])
    require('node:worker_threads').parentPort.postMessage('waiting')`
  const worker = new Worker(script, { eval: true })
  await once(worker, 'message')
  const start = performance.now()
  await worker.terminate()
  expect(performance.now() - start).toBeLessThan(patience / 2)
})

test('a lock file that cannot be opened is named, and nothing is changed', async () => {
  await using host = await createHost()
  process.env.XTABLES_LOCKFILE = join(directory, 'nowhere', 'lock')
  expect(await edit(host, 4, 'filter', append)).toMatchObject({
    fault: { errno: 'ENOENT', call: 'open', message: process.env.XTABLES_LOCKFILE },
  })
  expect((await list(host, 4, 'filter'))[0]?.rules).toEqual([])
})

test('two editors at once, ours and iptables, lose nothing', { timeout: 600_000 }, async () => {
  await using host = await createHost()
  const rounds = 60
  const loop = `for i in $(seq ${rounds}); do iptables-legacy -w -A FORWARD -s 10.9.0.$i -j ACCEPT || exit 1; done`
  const theirs = spawn('nsenter', [`--net=${netnsPath({ fd: host.kernel.hostFd })}`, 'sh', '-c', loop], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const exited = once(theirs, 'exit')
  let edits = 0
  // Two of ours at a time: they exclude each other too.
  const ours = async (third: number) => {
    for (let i = 1; i <= rounds || theirs.exitCode === null; i++) {
      const rule = { source: { address: `10.${third}.${i >> 8}.${i & 255}`, prefix: 32 }, target: 'ACCEPT' } as const
      const made = { edit: i % 2 ? 'insert' : 'append', chain: 'FORWARD', rule } as const
      value((await host.kernel.run([{ ...timed(patience), edits: [made] }]))[0])
      edits++
    }
  }
  await Promise.all([ours(1), ours(2)])
  expect(await exited).toEqual([0, null])
  const forward = (await list(host, 4, 'filter')).find(chain => chain.name === 'FORWARD')
  const sources = forward?.rules.map(each => each.rule.source?.address) ?? []
  expect(sources.filter(address => address?.startsWith('10.9.'))).toHaveLength(rounds)
  expect(new Set(sources).size).toBe(rounds + edits)
  expect(sources).toHaveLength(rounds + edits)
})
