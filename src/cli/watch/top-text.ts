import { type TableStyle, tableLines } from '../output/table.js'
import type { Rates } from './rates.js'

const heads = ['NAMESPACE', 'NETWORK', 'OUT/s', 'IN/s', 'PKT OUT/s', 'PKT IN/s', 'DROPPED', 'OUT', 'IN']
const columns = heads.map((head, i) => ({ head, right: i > 1 }))
/** Without what has been counted in all. */
const narrow = 7

/** The sum, and a table of as many as there is room for. */
export async function topLines(rates: readonly Rates[], style: TableStyle, room: number | null): Promise<string[]> {
  const sum = (name: 'egressBytesPerSecond' | 'ingressBytesPerSecond') =>
    rates.reduce((total, each) => total + each[name], 0)
  const networks = new Set(rates.map(({ network }) => network)).size
  const head = `${count(rates.length, 'namespace')} in ${count(networks, 'network')}, out ${bytes(sum('egressBytesPerSecond'))}/s, in ${bytes(sum('ingressBytesPerSecond'))}/s`
  if (rates.length === 0) return [head]
  // The sum, an empty line, the head of the table; and a line that says how many are not shown.
  const most = room === null ? rates.length : Math.max(1, room - 4)
  const shown = rates.slice(0, most)
  const all = style.width === null || style.width >= 80 ? columns.length : narrow
  const rows = shown.map(each => row(each).slice(0, all))
  const table = await tableLines(columns.slice(0, all), rows, style)
  const hidden = rates.length - shown.length
  return [head, '', ...table, ...(hidden > 0 ? [`… and ${hidden} more`] : [])].map(line => cut(line, style))
}

const row = (each: Rates): string[] => [
  each.name,
  each.network,
  bytes(each.egressBytesPerSecond),
  bytes(each.ingressBytesPerSecond),
  figure(each.egressPacketsPerSecond),
  figure(each.ingressPacketsPerSecond),
  figure(each.droppedPackets),
  bytes(each.egressBytes),
  bytes(each.ingressBytes),
]

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`

/** Lines with colours in them were made to fit. */
const cut = (line: string, { width }: TableStyle): string =>
  width === null || line.includes('\u001b') ? line : line.slice(0, width)

/** `0 B`, `1.2 kB`, `37 MB`: powers of 1000, as rates of links are told. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let [amount, unit] = [value, 0]
  while (amount >= 999.5 && unit < units.length - 1) {
    amount /= 1000
    unit++
  }
  return `${unit > 0 && amount < 9.95 ? amount.toFixed(1) : Math.round(amount)} ${units[unit]}`
}

const figure = (value: number): string =>
  value > 0 && value < 9.95 ? value.toFixed(1).replace(/\.0$/, '') : String(Math.round(value))
