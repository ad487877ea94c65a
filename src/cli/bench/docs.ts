// Makes docs/benchmarks.md and its charts from result.json, bars.json and profiles.json in docs/benchmarks: `npm run bench:docs`. With
// `--run`, or where there is no result, that is measured first. `--docs DIRECTORY` is for another folder than docs.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { chartsOf } from '../../bench/charts/all.js'
import { page } from '../../bench/report/page.js'
import { profilesForm } from '../../bench/report/profiles.js'
import { parseResult } from '../../bench/result.js'
import { sideKinds } from '../../bench/sides/all.js'
import { packageRoot } from '../../kernel/load.js'
import { printError } from '../command/print-error.js'
import { titles, writeCharts } from './output.js'
import { bench } from './run.js'

const { values } = parseArgs({ options: { run: { type: 'boolean' }, docs: { type: 'string' } } })
const docs = values.docs === undefined ? join(packageRoot, 'docs') : resolve(values.docs)
const folder = join(docs, 'benchmarks')
const [resultFile, barsFile, profilesFile] = ['result.json', 'bars.json', 'profiles.json'].map(name =>
  join(folder, name),
) as [string, string, string]

const read = (file: string) => parseResult(readFileSync(file, 'utf8'), 'input', file)

async function main(): Promise<number> {
  mkdirSync(folder, { recursive: true })
  if (values.run || !existsSync(resultFile)) {
    const status = await bench({ json: resultFile })
    if (status > 1) return status
  }
  const result = read(resultFile)
  const bars = existsSync(barsFile) ? read(barsFile) : null
  const profiles = existsSync(profilesFile) ? profilesForm.parse(JSON.parse(readFileSync(profilesFile, 'utf8'))) : null
  // What the result has no samples for is drawn from those of the bars; where both have some, the result comes last.
  const charts = new Map<string, string>()
  for (const one of bars ? [bars, result] : [result]) {
    await writeCharts(one, folder)
    for (const { name, title } of chartsOf(one)) charts.set(name, title)
  }
  const sides = sideKinds.map(({ name, title }) => ({ name, title }))
  writeFileSync(
    join(docs, 'benchmarks.md'),
    `${page({ result, bars, profiles, charts: [...charts].map(([name, title]) => ({ name, title })), titles, sides })}\n`,
  )
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  printError(error)
  process.exitCode = 1
}
