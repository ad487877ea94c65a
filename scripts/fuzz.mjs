// Runs the fuzzer's targets, as many at once as there are processors, and tells what became of each.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build, folder, program, start, targets, writeSeeds } from './fuzz-build.mjs'
import { reportCoverage } from './fuzz-coverage.mjs'
import { selfCheck } from './fuzz-self-check.mjs'

const { values, positionals } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1' },
    'self-check': { type: 'boolean', default: false },
    coverage: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
const seconds = Number(values.seconds)
if (!Number.isInteger(seconds) || seconds < 1) throw new Error('--seconds: a whole number of them')
build()
const all = targets()
const unknown = positionals.filter(name => !all.some(target => target.name === name))
if (unknown.length > 0) throw new Error(`no target is called ${unknown.join(', ')}`)
const chosen = positionals.length > 0 ? all.filter(({ name }) => positionals.includes(name)) : all
const passed = values['self-check'] ? await selfCheck(all, chosen) : await fuzz()
if (values.coverage) reportCoverage(chosen)
const failed = passed.filter(one => !one).length
console.log(`${passed.length - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 || passed.length === 0 ? 1 : 0

async function fuzz() {
  const waiting = [...chosen]
  const outcomes = []
  const totals = { executions: 0, findings: 0 }
  const worker = async () => {
    for (let target = waiting.shift(); target; target = waiting.shift()) {
      const outcome = await fuzzOne(target)
      console.log(outcome.line)
      totals.executions += outcome.executions
      if (!outcome.passed) totals.findings++
      outcomes.push(outcome.passed)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  console.log(`${totals.executions.toLocaleString('en')} executions, ${totals.findings} findings`)
  return outcomes
}

async function fuzzOne(target) {
  const { name } = target
  const corpus = join(folder, 'corpus', name)
  const findings = join(folder, 'findings', name)
  const seeds = join(folder, 'seeds', name)
  for (const path of [corpus, findings]) mkdirSync(path, { recursive: true })
  writeSeeds(target, seeds)
  const before = new Set(readdirSync(findings))
  const { status, text } = await start(program, name, [
    `-max_total_time=${seconds}`,
    // The short form tries the same each time, as far as it gets; the long one what nobody has tried.
    `-seed=${seconds > 2 ? 0 : 1}`,
    '-print_final_stats=1',
    `-artifact_prefix=${findings}/`,
    corpus,
    seeds,
  ])
  const executions = Number(/number_of_executed_units:\s*(\d+)/.exec(text)?.[1] ?? 0)
  const last = text.match(/cov: (\d+) ft: (\d+)/g)?.at(-1) ?? 'cov: 0 ft: 0'
  const [, edges, features] = /cov: (\d+) ft: (\d+)/.exec(last)
  const fresh = readdirSync(findings).filter(file => !before.has(file))
  const sound = status === 0 && fresh.length === 0 && executions > 0
  const line = `${sound ? 'passed' : 'FAILED'} ${name}: ${executions.toLocaleString('en')} executions, ${edges} edges, ${features} features`
  if (sound) return { passed: true, executions, line }
  const told = text.split('\n').filter(row => /not so:|runtime error|ERROR|SUMMARY|Assertion|^ {4}#\d/.test(row))
  const inputs = await Promise.all(fresh.map(file => smallest(name, join(findings, file))))
  return { passed: false, executions, line: [line, ...told.slice(0, 20), ...inputs].join('\n') }
}

/** The input, made smaller for as long as it still finds something, as a fixture would hold it. */
async function smallest(name, file) {
  const small = `${file}.small`
  await start(program, name, ['-minimize_crash=1', '-max_total_time=20', `-exact_artifact_path=${small}`, file])
  const bytes = readFileSync(existsSync(small) ? small : file)
  return `input (test/fixtures/fuzz/${name}.hex):\n${bytes.toString('hex')}`
}
