import { paintOn } from './colour.js'
import { type Column, ownStyle, tableLines } from './table.js'

/** Data, for programs. */
export const printJson = (value: unknown): void => console.log(JSON.stringify(value))

/** Data, for people: a table; or, on standard error, what to do about there being nothing. */
export async function printTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  none: string,
): Promise<void> {
  if (rows.length === 0) console.error(none)
  else for (const line of await tableLines(columns, rows, ownStyle())) console.log(line)
}

/** Data, for people: names and values. Values that are empty are told as `-`. */
export function printFields(fields: readonly (readonly [name: string, value: string])[]): void {
  const paint = paintOn(process.stdout)
  const width = Math.max(...fields.map(([name]) => name.length))
  for (const [name, value] of fields) console.log(`${paint('bold', name.padEnd(width))}  ${value || '-'}`)
}
