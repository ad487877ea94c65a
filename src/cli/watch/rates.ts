import type { TrafficView } from '../../http/shapes.js'

/** What a namespace has sent and received, in all and for each second between two readings. */
export interface Rates extends TrafficView {
  egressBytesPerSecond: number
  egressPacketsPerSecond: number
  ingressBytesPerSecond: number
  ingressPacketsPerSecond: number
  droppedPacketsPerSecond: number
}

const counters = ['egressBytes', 'egressPackets', 'ingressBytes', 'ingressPackets', 'droppedPackets'] as const
export const orders = ['rate', 'total', 'name'] as const
export type Order = (typeof orders)[number]

/** Of those that are in the second reading. One that is new, or was made anew, has counted from nothing. */
export function ratesOf(before: readonly TrafficView[], after: readonly TrafficView[], seconds: number): Rates[] {
  const known = new Map(before.map(view => [`${view.network}/${view.name}`, view]))
  return after.map(view => {
    const earlier = known.get(`${view.network}/${view.name}`)
    const anew = !earlier || counters.some(name => view[name] < earlier[name])
    const rates = counters.map(name => [`${name}PerSecond`, (view[name] - (anew ? 0 : earlier[name])) / seconds])
    return { ...view, ...Object.fromEntries(rates) } as Rates
  })
}

/** Most first; equals by name. */
export function sorted(rates: readonly Rates[], order: Order): Rates[] {
  const amount = (each: Rates) => {
    if (order === 'name') return 0
    if (order === 'total') return each.egressBytes + each.ingressBytes
    return each.egressBytesPerSecond + each.ingressBytesPerSecond
  }
  return rates.toSorted((a, b) => amount(b) - amount(a) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}
