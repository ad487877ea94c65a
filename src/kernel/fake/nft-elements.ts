import { isDeepStrictEqual } from 'node:util'
import { type NftRange, rangesOf } from '../nft-types.js'
import type { NftElement } from '../ops-nft.js'
import { findChain, type NftSetState, type TableState } from './nft-state.js'
import { Refusal } from './refusal.js'

/** Adds them to the set, or throws: EEXIST for a key with other data, or overlapping another interval. */
export function addElements(
  table: TableState,
  set: NftSetState,
  elements: readonly NftElement[],
  exclusive: boolean,
): void {
  for (const element of elements) checkElement(table, set, element)
  if (set.interval && !set.concat) addRanges(set, elements, exclusive)
  else addKeys(set, elements, exclusive)
}

function addKeys(set: NftSetState, elements: readonly NftElement[], exclusive: boolean): void {
  for (const element of elements) {
    const old = set.elements.find(other => sameKey(other, element))
    if (old && (exclusive || !isDeepStrictEqual(old.data, element.data))) throw new Refusal('EEXIST')
    if (old) continue
    if (set.size !== undefined && set.elements.length >= set.size) throw new Refusal('ENFILE')
    set.elements.push(structuredClone(element))
  }
}

/** ENOENT where one of them is not there. */
export function deleteElements(set: NftSetState, elements: readonly NftElement[]): void {
  for (const element of elements) {
    const place = set.elements.findIndex(other => sameKey(other, element))
    if (place < 0) throw new Refusal('ENOENT')
    set.elements.splice(place, 1)
  }
}

const sameKey = (a: NftElement, b: NftElement) =>
  Buffer.compare(a.key, b.key) === 0 &&
  (a.intervalEnd ?? false) === (b.intervalEnd ?? false) &&
  (a.catchAll ?? false) === (b.catchAll ?? false) &&
  Buffer.compare(a.keyEnd ?? a.key, b.keyEnd ?? b.key) === 0

function checkElement(table: TableState, set: NftSetState, element: NftElement): void {
  if (element.key.length !== (element.catchAll ? 0 : set.keyLength)) throw new Refusal('EINVAL')
  const end = element.intervalEnd ?? false
  if (end && !set.interval) throw new Refusal('EINVAL')
  if ((element.data !== undefined) !== (set.data !== undefined && !end)) throw new Refusal('EINVAL')
  if (!element.data || !('verdict' in element.data) || !('chain' in element.data)) return
  if (findChain(table, element.data.chain).hook !== undefined) throw new Refusal('EOPNOTSUPP')
}

// Whole intervals at a time: those given must be there already, just so, or overlap nothing.
function addRanges(set: NftSetState, elements: readonly NftElement[], exclusive: boolean): void {
  const old = rangesOf(set.elements)
  for (const range of rangesOf(elements)) {
    const over = old.filter(other => meets(range, other))
    if (over.length === 0) continue
    const same = over.some(
      other =>
        meets(range, other) && sameRange(range, other) && isDeepStrictEqual(range.element.data, other.element.data),
    )
    if (exclusive || !same) throw new Refusal('EEXIST')
  }
  const fresh = elements.filter(element => !set.elements.some(other => sameKey(element, other)))
  set.elements.push(...structuredClone(fresh))
}

const meets = (a: NftRange, b: NftRange) => Buffer.compare(a.first, b.last) <= 0 && Buffer.compare(b.first, a.last) <= 0
const sameRange = (a: NftRange, b: NftRange) =>
  Buffer.compare(a.first, b.first) === 0 && Buffer.compare(a.last, b.last) === 0
