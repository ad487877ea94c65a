// Makes docs/benchmarks.md and its charts from docs/benchmarks/result.json and bars.json: `npm run bench:docs`. With `--run`, or
// where there is no result, it is measured first.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chartsOf } from '../../bench/charts/all.js'
import { page } from '../../bench/report/page.js'
import { parseResult } from '../../bench/result.js'
import { sideKinds } from '../../bench/sides/all.js'
import { packageRoot } from '../../kernel/load.js'
import { printError } from '../command/print-error.js'
import { titles, writeCharts } from './output.js'
import { bench } from './run.js'

const docs = join(packageRoot, 'docs')
const folder = join(docs, 'benchmarks')
const [resultFile, barsFile] = ['result.json', 'bars.json'].map(name => join(folder, name)) as [string, string]

const read = (file: string) => parseResult(readFileSync(file, 'utf8'), 'input', file)

async function main(): Promise<number> {
  mkdirSync(folder, { recursive: true })
  if (process.argv.includes('--run') || !existsSync(resultFile)) {
    const status = await bench({ json: resultFile })
    if (status > 1) return status
  }
  const result = read(resultFile)
  const bars = existsSync(barsFile) ? read(barsFile) : null
  await writeCharts(result, folder)
  const charts = chartsOf(result).map(({ name, title }) => ({ name, title }))
  const sides = sideKinds.map(({ name, title }) => ({ name, title }))
  writeFileSync(join(docs, 'benchmarks.md'), `${page({ result, bars, charts, titles, sides })}\n`)
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  printError(error)
  process.exitCode = 1
}
