import { ending, environmentLine } from '../bench/report/markdown.js'
import { absences, type Table, tablesOf } from '../bench/report/tables.js'
import type { BenchResult } from '../bench/result.js'

/** The whole result for a terminal. */
export async function benchText(result: BenchResult, titles: Record<string, string>, reference?: string) {
  const parts = [environmentLine(result)]
  for (const table of tablesOf(result, titles, reference)) parts.push(await tableText(table))
  const missing = absences(result)
  if (missing.length > 0) parts.push(['Not measured', ...missing.map(line => `  ${line}`)].join('\n'))
  return [...parts, ending(result)].join('\n\n')
}

export async function tableText({ title, head, rows, notes }: Table): Promise<string> {
  const { default: CliTable } = await import('cli-table3')
  const none =
    'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid'
  const table = new CliTable({
    head,
    chars: { ...Object.fromEntries(none.split(' ').map(name => [name, ''])), middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')),
  })
  table.push(...rows)
  const lines = table
    .toString()
    .split('\n')
    .map(line => `  ${line.trimEnd()}`)
  return [title, ...lines, ...notes.map(note => `  ${note}`)].join('\n')
}
