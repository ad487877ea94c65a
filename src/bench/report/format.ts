import type { Unit } from '../result.js'

const scales: Record<Unit, readonly (readonly [number, string])[]> = {
  ns: [
    [1e9, 's'],
    [1e6, 'ms'],
    [1e3, 'µs'],
    [1, 'ns'],
  ],
  bytes: [
    [2 ** 30, 'GiB'],
    [2 ** 20, 'MiB'],
    [2 ** 10, 'KiB'],
    [1, 'B'],
  ],
  'bytes/s': [
    [1e9, 'GB/s'],
    [1e6, 'MB/s'],
    [1e3, 'kB/s'],
    [1, 'B/s'],
  ],
  count: [[1, '']],
}

/** Three digits that count: `1.53`, `15.3`, `153`, `1,530`. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (value === 0) return '0'
  const size = Math.floor(Math.log10(Math.abs(value)))
  if (size >= 2) return grouped(Math.round(value))
  return value.toFixed(Math.min(3, Math.max(0, 2 - size)))
}

/** As an axis has it: `0.5`, `1,500`. */
export function short(value: number): string {
  const rounded = Number(value.toPrecision(3))
  return Math.abs(rounded) >= 1000 ? grouped(Math.round(rounded)) : String(rounded)
}

/** `12,345` */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** The scale in which the largest of some values reads best. */
export function scaleFor(unit: Unit, largest: number): { by: number; name: string } {
  const found = scales[unit].find(([by]) => Math.abs(largest) >= by) ?? scales[unit].at(-1)
  return { by: found?.[0] ?? 1, name: found?.[1] ?? '' }
}

/** `1.53 ms` */
export function quantity(unit: Unit, value: number): string {
  const { by, name } = scaleFor(unit, value)
  return name === '' ? digits(value / by) : `${digits(value / by)} ${name}`
}
