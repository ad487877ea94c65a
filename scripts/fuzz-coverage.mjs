// Which lines of the readers the fuzzer has reached, by all that it has learned.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { buildForCoverage, folder, run } from './fuzz-build.mjs'

const built = 'build-fuzz-coverage'

export function reportCoverage(targets) {
  buildForCoverage(built)
  const program = join(built, 'fuzz')
  const profiles = join(built, 'profiles')
  rmSync(profiles, { recursive: true, force: true })
  mkdirSync(profiles, { recursive: true })
  for (const { name } of targets) {
    const inputs = ['corpus', 'seeds'].map(kind => join(folder, kind, name))
    const env = { ...process.env, LLVM_PROFILE_FILE: resolve(profiles, `${name}.profraw`) }
    const done = spawnSync(program, [`--target=${name}`, '-runs=0', ...inputs], { env, encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`${name}: ${done.stderr}`)
  }
  const all = join(profiles, 'all.profdata')
  const raw = readdirSync(profiles).map(file => join(profiles, file))
  run('llvm-profdata', 'merge', '-sparse', ...raw, '-o', all)
  const files = ['native/wire', 'native/net']
  const summary = JSON.parse(run('llvm-cov', 'export', '-summary-only', program, `-instr-profile=${all}`, ...files))
  const { files: rows, totals } = summary.data[0]
  for (const { filename, summary: each } of rows.toSorted((a, b) => (a.filename < b.filename ? -1 : 1)))
    console.log(`${told(each.lines)} ${filename.split('/native/').at(-1)}`)
  console.log(`${told(totals.lines)} all`)
}

const told = ({ count, covered }) => `${covered} of ${count} lines`
