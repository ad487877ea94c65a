import { styleText } from 'node:util'
import { hasColours } from './colour.js'

export interface Column {
  head: string
  /** Figures stand on the right. */
  right?: boolean
}

export interface TableStyle {
  /** Columns of the terminal; null: as wide as it needs. */
  width: number | null
  colours: boolean
}

const gap = 2
/** No column is cut to less, lest nothing of it can be read. */
const least = 4

/** How this process's standard output is to be written to. */
export function ownStyle(): TableStyle {
  const { isTTY, columns } = process.stdout
  return { width: isTTY && columns ? columns : null, colours: hasColours(process.stdout) }
}

/** Rows below their heads, with no lines between them; in a terminal the widest columns are cut (`…`) until it fits. */
export async function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style: TableStyle = ownStyle(),
): Promise<string[]> {
  const { default: CliTable } = await import('cli-table3')
  const sides = ['top', 'bottom', 'left', 'right', 'mid'].flatMap(side => [side, `${side}-mid`])
  const corners = ['top-left', 'top-right', 'bottom-left', 'bottom-right', 'left-mid', 'mid-mid', 'right-mid']
  const chars = Object.fromEntries([...sides, ...corners].map(name => [name, '']))
  const table = new CliTable({
    head: columns.map(({ head }) => head),
    chars: { ...chars, middle: ' '.repeat(gap) },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: columns.map(({ right }) => (right ? 'right' : 'left')),
    colWidths: widthsFor(columns, rows, style.width),
  })
  table.push(...rows.map(row => [...row]))
  const lines = table
    .toString()
    .split('\n')
    .map(line => line.trimEnd())
  // NB: by ourselves; the table's own colours go by what it thinks of the environment, such as CI.
  const [heads = '', ...others] = lines
  return style.colours ? [styleText('bold', heads, { validateStream: false }), ...others] : lines
}

/** What each column needs, and less of the widest ones where that is too much. */
export function widthsFor(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number | null,
): number[] {
  const widths = columns.map(({ head }, i) => Math.max(head.length, ...rows.map(row => row[i]?.length ?? 0)))
  if (width === null) return widths
  let over = widths.reduce((sum, one) => sum + one, gap * (columns.length - 1)) - width
  while (over > 0) {
    const widest = Math.max(...widths)
    if (widest <= least) break
    widths[widths.lastIndexOf(widest)] = widest - 1
    over--
  }
  return widths
}
