import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { outside } from '../../bench/environment.js'
import { chosen } from '../../bench/names.js'
import { barsPlan, barsScenarios } from '../../bench/report/bars.js'
import { type BenchResult, parseResult } from '../../bench/result.js'
import { type RunOptions, runBench } from '../../bench/run.js'
import { scenarioNames } from '../../bench/scenarios/all.js'
import { sideNames } from '../../bench/sides/all.js'
import { EgressError, isEgressError } from '../../errors.js'
import { runInSandbox } from '../../exec/sandbox.js'
import { interruptible } from '../command/interruptible.js'
import { printError } from '../command/print-error.js'
import { type BenchOutput, output, prepare } from './output.js'
import { progressBar } from './progress.js'

export interface BenchArguments extends BenchOutput {
  scenario?: string
  sides?: string
  n?: number
  rounds?: number
  quick?: boolean
  /** A result that was saved, instead of a run. */
  input?: string
  /** This process is in the sandbox already: the options of the run. */
  inside?: string
}

/** Returns the exit status: 1 where something was left behind, a side failed, or it has become slower. */
export async function bench(given: BenchArguments): Promise<number> {
  if (given.inside !== undefined) return inside(JSON.parse(given.inside) as RunOptions)
  let options: Omit<RunOptions, 'outside'>
  let [saved, before]: (BenchResult | null)[] = [null, null]
  try {
    options = {
      scenarios: chosen('scenario', given.scenario ?? (given.bars ? barsScenarios.join() : undefined), scenarioNames),
      sides: chosen('sides', given.sides, sideNames),
      n: given.n,
      rounds: given.rounds,
      quick: given.quick ?? false,
      ...(given.bars && !given.quick && { plan: barsPlan }),
    }
    if (given.reference !== undefined) chosen('reference', given.reference, sideNames)
    prepare(given)
    saved = given.input === undefined ? null : read('input', given.input)
    before = given.compare === undefined ? null : read('compare', given.compare)
  } catch (error) {
    if (!isEgressError(error)) throw error
    printError(error)
    return 2
  }
  const result = saved ?? (await measure({ ...options, outside: await outside() }))
  return typeof result === 'number' ? result : output(result, before ?? null, given)
}

function read(field: string, file: string): BenchResult {
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const fields = { field, value: file, cause }
    throw new EgressError('EGRESSD_INVALID_SPEC', `${field}: ${file} cannot be read: ${code}`, fields)
  }
  return parseResult(text, field, file)
}

/** In a sandbox, by another process; its exit status where there is no result. */
async function measure(options: RunOptions): Promise<BenchResult | number> {
  const directory = mkdtempSync(join(tmpdir(), 'egressd-bench-'))
  const file = join(directory, 'result.json')
  const fd = openSync(file, 'wx+', 0o600)
  try {
    const main = fileURLToPath(new URL('../main.js', import.meta.url))
    const argv = [main, 'bench', '--inside', JSON.stringify(options)]
    // NB: by descriptor. What /run is in there is not what it is here.
    const { code, signal } = await runInSandbox(argv, { stdio: ['ignore', fd, 'inherit'] })
    if (code !== 0) return signal ? 128 + constants.signals[signal] : (code ?? 1)
    return parseResult(readFileSync(file, 'utf8'), 'result', 'of the sandbox')
  } finally {
    closeSync(fd)
    rmSync(directory, { recursive: true })
  }
}

async function inside(options: RunOptions): Promise<number> {
  const { signal, stop, number } = interruptible()
  const bar = await progressBar()
  try {
    const result = await runBench(options, signal, bar.progress)
    bar.stop()
    writeFileSync(1, JSON.stringify(result))
    return 0
  } catch (error) {
    bar.stop()
    if (signal.aborted && error === signal.reason) return 128 + number()
    throw error
  } finally {
    stop()
  }
}
