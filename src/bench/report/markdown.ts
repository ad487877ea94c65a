import type { BenchResult } from '../result.js'
import { quantity } from './format.js'
import { absences, lackings, type Table, tablesOf } from './tables.js'

export function markdownTable({ head, rows }: Pick<Table, 'head' | 'rows'>): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [
    line(head),
    line(head.map((name, i) => (i === 0 || name === '' || name === 'figures' ? '---' : '---:'))),
    ...rows.map(line),
  ].join('\n')
}

/** The whole result, for an issue or a page. */
export function markdown(result: BenchResult, titles: Record<string, string>, reference?: string): string {
  const tables = tablesOf(result, titles, reference).map(table =>
    [`### ${table.title}`, markdownTable(table)].join('\n\n'),
  )
  const lists = [
    { title: 'Not all of the work', lines: lackings(result) },
    { title: 'Not measured', lines: absences(result) },
  ]
  return [
    environmentLine(result),
    ...tables,
    ...lists.flatMap(({ title, lines }) =>
      lines.length > 0 ? [`### ${title}`, lines.map(line => `- ${line.replaceAll('*', '\\*')}`).join('\n')] : [],
    ),
    ending(result),
  ].join('\n\n')
}

export function environmentLine({ environment: e, started, seconds }: BenchResult): string {
  const words = [
    `egressd ${e.egressd}`,
    e.kernel,
    `${e.cpus} × ${e.cpu}`,
    quantity('bytes', e.memory),
    `Node ${e.node}`,
    e.backend,
    e.userNamespace ? 'in a user namespace' : 'as root',
    `${e.standing.namespaces ?? '?'} network namespaces, ${e.standing.links ?? '?'} links and ${e.standing.rules ?? '?'} nft rules stood before`,
    `load ${(e.load / 1000).toFixed(2)}`,
    `${started}, ${seconds} s`,
  ]
  return `${words.join('; ')}.`
}

export function ending({ verified, leaks }: BenchResult): string {
  const left = leaks.length === 0 ? 'Nothing was left behind' : `LEFT BEHIND: ${leaks.join('; ')}`
  return `${verified} namespaces were found right in the kernel. ${left}.`
}
