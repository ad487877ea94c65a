import { writeFileSync } from 'node:fs'
import { actionJson } from '../bench/report/action.js'
import { compare, comparisonTable } from '../bench/report/compare.js'
import { markdown } from '../bench/report/markdown.js'
import { absences } from '../bench/report/tables.js'
import type { BenchResult } from '../bench/result.js'
import { scenarios } from '../bench/scenarios/all.js'
import { benchText, tableText } from './bench-text.js'

/** Where to, each: true is standard output. */
export interface BenchOutput {
  json?: string | true
  markdown?: string | true
  actionJson?: string | true
  /** A directory. */
  svg?: string
  compare?: string
  reference?: string
}

export const titles = Object.fromEntries(scenarios.map(({ name, title }) => [name, title]))

/** Prints and writes what is asked for; the table where nothing else goes to standard output. Returns the exit status. */
export async function output(result: BenchResult, before: BenchResult | null, given: BenchOutput): Promise<number> {
  const write = (to: string | true | undefined, make: () => string) => {
    if (to === true) process.stdout.write(`${make()}\n`)
    else if (to !== undefined) writeFileSync(to, `${make()}\n`)
  }
  write(given.json, () => JSON.stringify(result))
  write(given.markdown, () => markdown(result, titles, given.reference))
  write(given.actionJson, () => JSON.stringify(actionJson(result), null, 2))
  const quiet = [given.json, given.markdown, given.actionJson].includes(true)
  const say = quiet ? (text: string) => console.error(text) : (text: string) => console.log(text)
  if (!quiet) say(await benchText(result, titles, given.reference))
  let bad = result.leaks.length > 0 || result.skipped.some(({ side }) => isThere(result, side))
  if (bad && quiet) for (const line of [...absences(result), ...result.leaks]) say(line)
  if (before) {
    const comparison = compare(before, result)
    say(await tableText(comparisonTable(comparison)))
    bad ||= comparison.verdicts.some(({ verdict }) => verdict === 'worse')
  }
  return bad ? 1 : 0
}

/** A side that is there and was skipped has failed. */
const isThere = ({ sides }: BenchResult, name: string): boolean =>
  sides.some(side => side.name === name && side.available)
