import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { chartsOf } from '../../bench/charts/all.js'
import { render } from '../../bench/charts/render.js'
import { actionJson } from '../../bench/report/action.js'
import { barsOf, barsTable } from '../../bench/report/bars.js'
import { compare, comparisonTable } from '../../bench/report/compare.js'
import { markdown } from '../../bench/report/markdown.js'
import { absences } from '../../bench/report/tables.js'
import type { BenchResult } from '../../bench/result.js'
import { scenarios } from '../../bench/scenarios/all.js'
import { EgressError } from '../../errors.js'
import { benchText, tableText } from './text.js'

/** Where to, each: true is standard output. */
export interface BenchOutput {
  json?: string | true
  markdown?: string | true
  actionJson?: string | true
  /** The table of bars, and exit status 1 where one is missed. */
  bars?: boolean
  /** A directory. */
  svg?: string
  compare?: string
  reference?: string
}

export const titles = Object.fromEntries(scenarios.map(({ name, title }) => [name, title]))

/** Makes the folders that are written to. Throws EGRESSD_INVALID_SPEC: before minutes of measuring, not after them. */
export function prepare(given: BenchOutput): void {
  for (const field of ['json', 'markdown', 'actionJson', 'svg'] as const) {
    const to = given[field]
    if (to === undefined || to === true) continue
    const folder = field === 'svg' ? to : dirname(to)
    try {
      mkdirSync(folder, { recursive: true })
      accessSync(folder, constants.W_OK)
    } catch (cause) {
      const message = `${field}: ${to} cannot be written: ${(cause as NodeJS.ErrnoException).code}`
      throw new EgressError('EGRESSD_INVALID_SPEC', message, { field, value: to, cause })
    }
  }
}

/** Prints and writes what is asked for; the table where nothing else goes to standard output. Returns the exit status. */
export async function output(result: BenchResult, before: BenchResult | null, given: BenchOutput): Promise<number> {
  const write = (to: string | true | undefined, make: () => string) => {
    if (to === true) process.stdout.write(`${make()}\n`)
    else if (to !== undefined) writeFileSync(to, `${make()}\n`)
  }
  write(given.json, () => JSON.stringify(result))
  write(given.markdown, () => markdown(result, titles, given.reference))
  write(given.actionJson, () => JSON.stringify(actionJson(result), null, 2))
  if (given.svg !== undefined) await writeCharts(result, given.svg)
  const quiet = [given.json, given.markdown, given.actionJson].includes(true)
  const say = quiet ? (text: string) => console.error(text) : (text: string) => console.log(text)
  const bars = given.bars ? barsOf(result) : []
  if (given.bars) say(await tableText(barsTable(bars)))
  else if (!quiet) say(await benchText(result, titles, given.reference))
  let bad = result.leaks.length > 0 || result.skipped.some(({ side, late }) => !late && isThere(result, side))
  if (bad && (quiet || given.bars)) for (const line of [...absences(result), ...result.leaks]) say(line)
  bad ||= bars.some(({ pass }) => !pass)
  if (before) {
    const comparison = compare(before, result)
    say(`\n${await tableText(comparisonTable(comparison))}`)
    for (const line of comparison.differences) say(`  not the same machine: ${line}`)
    bad ||= comparison.verdicts.some(({ verdict }) => verdict === 'worse')
  }
  return bad ? 1 : 0
}

/** A side that is there and was skipped has failed. */
const isThere = ({ sides }: BenchResult, name: string): boolean =>
  sides.some(side => side.name === name && side.available)

export async function writeCharts(result: BenchResult, directory: string): Promise<string[]> {
  const drawn = await render(chartsOf(result))
  mkdirSync(directory, { recursive: true })
  for (const { name, svg } of drawn) writeFileSync(join(directory, `${name}.svg`), `${svg}\n`)
  return drawn.map(({ name }) => name)
}
