// Short hands for the tests of xtables legacy, and what the kernel itself says of a table.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Op, Verdict } from '../../src/kernel/ops.js'
import type { XtEdit, XtRule, XtTable } from '../../src/kernel/ops-xt.js'
import { netnsPath, type TestHost, value } from './host.js'

export const tools = { 4: 'iptables-legacy', 6: 'ip6tables-legacy' } as const
export const saves = { 4: 'iptables-legacy-save', 6: 'ip6tables-legacy-save' } as const

/** The entries of a table in hex, one a line, without counters unless `--all` is given (xt-entries.py). */
export function entries(host: TestHost, family: 4 | 6, table: XtTable, ...more: '--all'[]): string {
  return host.tool('python3', [resolve('test/helpers/xt-entries.py'), `${family}`, table, ...more])
}

/** Rules as we say them, each with the same in iptables' own syntax. */
export const ruleCases = JSON.parse(readFileSync(resolve('test/fixtures/xt-rules.json'), 'utf8')) as {
  family: 4 | 6
  table: 'filter' | 'nat'
  chain: string
  text: string
  rule: XtRule
}[]

export async function edit(host: TestHost, family: 4 | 6, table: XtTable, ...edits: XtEdit[]) {
  const [verdict] = await host.kernel.run([{ op: 'xt.edit', family, table, edits }])
  return verdict
}

export async function list(host: TestHost, family: 4 | 6, table: XtTable) {
  const [verdict] = await host.kernel.run([{ op: 'xt.list', family, table }])
  return value(verdict).chains
}

/**
 * Runs one operation in a process of its own under strace; returns its verdict and the names of its socket options, in
 * order. `inject` makes calls fail, as in `setsockopt:error=EAGAIN:when=1` (strace counts for each thread, and ours make
 * no others).
 */
export function traced(host: TestHost, op: Op<'xt.edit' | 'xt.list'>, ...inject: string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'xtables-'))
  try {
    const trace = join(directory, 'trace')
    const script = `
      const { Door } = require('node-gyp-build')(process.cwd())
      new Door().run([${JSON.stringify(op)}]).then(([verdict]) => require('fs').writeSync(1, JSON.stringify(verdict)))`
    const filters = ['trace=setsockopt,getsockopt', ...inject.map(each => `inject=${each}`)].flatMap(each => [
      '-e',
      each,
    ])
    const strace = ['strace', '-f', '-qq', ...filters, '-o', trace, process.execPath, '-e', script]
    const netns = netnsPath({ fd: host.kernel.hostFd })
    const done = spawnSync('nsenter', [`--net=${netns}`, ...strace], { encoding: 'utf8' })
    if (done.stderr !== '') throw new Error(done.stderr)
    const calls = [...readFileSync(trace, 'utf8').matchAll(/IPT_SO_\w+/g)].map(([call]) => call)
    return { verdict: JSON.parse(done.stdout) as Verdict, calls }
  } finally {
    rmSync(directory, { recursive: true })
  }
}
