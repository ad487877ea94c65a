import { ending, environmentLine } from '../../bench/report/markdown.js'
import { absences, lackings, type Table, tablesOf } from '../../bench/report/tables.js'
import type { BenchResult } from '../../bench/result.js'

/** The whole result for a terminal. */
export async function benchText(result: BenchResult, titles: Record<string, string>, reference?: string) {
  const parts = [environmentLine(result)]
  for (const table of tablesOf(result, titles, reference)) parts.push(await tableText(table))
  const lists = { 'Not all of the work': lackings(result), 'Not measured': absences(result) }
  for (const [title, lines] of Object.entries(lists))
    if (lines.length > 0) parts.push([title, ...lines.map(line => `  ${line}`)].join('\n'))
  return [...parts, ending(result)].join('\n\n')
}

export async function tableText({ title, head, rows }: Table): Promise<string> {
  const { default: CliTable } = await import('cli-table3')
  const none =
    'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid'
  const table = new CliTable({
    head,
    chars: { ...Object.fromEntries(none.split(' ').map(name => [name, ''])), middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: head.map((name, i) => (i === 0 || name === '' || name === 'figures' ? 'left' : 'right')),
  })
  table.push(...rows)
  const lines = table
    .toString()
    .split('\n')
    .map(line => `  ${line.trimEnd()}`)
  return [title, ...lines].join('\n')
}
