import { Findings, type Judgement, sysctlFix, sysctlName } from './check.js'
import { families, machineNumber, sysctlNumber, type View } from './view.js'

/** The least power of two that is not less. */
export const roomFor = (least: number): number => 2 ** Math.ceil(Math.log2(Math.max(least, 1)))

export interface Neighbours {
  namespaces: number
  /** All recorded networks are routed: their entries are permanent, which are not counted. */
  permanent: boolean
  families: { family: 4 | 6; thresholds: (number | null)[] }[]
}

const threshold = (family: 4 | 6, n: 1 | 2 | 3) => `net/ipv${family}/neigh/default/gc_thresh${n}`

export async function readNeighbours(view: View): Promise<Neighbours> {
  const { networks } = view.records
  const read: Neighbours['families'] = []
  for (const family of families) {
    const thresholds: (number | null)[] = []
    for (const n of [1, 2, 3] as const) thresholds.push(await machineNumber(view, threshold(family, n)))
    read.push({ family, thresholds })
  }
  const permanent = networks.length > 0 && networks.every(({ spec }) => spec.mode === 'routed')
  return { namespaces: view.namespaces, permanent, families: read }
}

/** One table for all namespaces of the machine: on a bridge each namespace has an entry for the gateway, and the host one for it. */
export function judgeNeighbours({ namespaces, permanent, families }: Neighbours): Judgement {
  const found = new Findings()
  const need = permanent ? 0 : namespaces * 2
  found.saw(
    permanent
      ? 'all networks are routed: their entries are permanent, and do not count'
      : `${namespaces} namespaces on bridges take ${need} entries, two each`,
  )
  for (const { family, thresholds } of families) {
    const [, soft = null, hard = null] = thresholds
    if (hard === null) {
      const unseen = `${sysctlName(threshold(family, 3))} is not to be seen from here`
      if (permanent) found.saw(unseen)
      else found.note(`${unseen}: it must be over ${need}, where the machine itself is looked at`)
      continue
    }
    const room = roomFor(need * 2)
    const fix = ([1, 2, 3] as const).map(n => sysctlFix(threshold(family, n), room / 2 ** (3 - n)))
    if (hard <= need)
      found.stop(
        `${sysctlName(threshold(family, 3))} = ${hard}: "neighbour table overflow" before all of them reach the gateway`,
        ...fix,
      )
    else if (soft !== null && soft <= need)
      found.warning(
        `${sysctlName(threshold(family, 2))} = ${soft}: entries are thrown away all the time above that`,
        ...fix,
      )
    else found.saw(`IPv${family}: gc_thresh1 to 3 are ${thresholds.join(', ')}`)
  }
  return found.judgement()
}

export interface Conntrack {
  namespaces: number
  /** null: conntrack is not loaded. */
  max: number | null
  count: number | null
  buckets: number | null
}

const key = {
  max: 'net/netfilter/nf_conntrack_max',
  count: 'net/netfilter/nf_conntrack_count',
  buckets: 'net/netfilter/nf_conntrack_buckets',
}

/** What one namespace is reckoned with: a web page with all that it loads. */
export const flowsEach = 64

export async function readConntrack(view: View): Promise<Conntrack> {
  return {
    namespaces: view.namespaces,
    max: await sysctlNumber(view, key.max),
    count: await sysctlNumber(view, key.count),
    buckets: await sysctlNumber(view, key.buckets),
  }
}

export function judgeConntrack({ namespaces, max, count, buckets }: Conntrack): Judgement {
  const found = new Findings()
  if (max === null) return found.saw('conntrack is not loaded yet: the first masquerade rule loads it').judgement()
  const now = count ?? 0
  const need = now + namespaces * flowsEach
  found.saw(`${sysctlName(key.max)} = ${max}, of which ${now} are in use`)
  found.saw(`${namespaces} namespaces with ${flowsEach} flows each take ${namespaces * flowsEach}`)
  const fix = sysctlFix(key.max, roomFor(need * 2))
  // max 0: no limit.
  if (max > 0 && now >= max) found.stop('the table is full: packets of new flows are dropped', fix)
  else if (max > 0 && now > max * 0.9) found.warning('the table is nine tenths full', fix)
  else if (max > 0 && need > max)
    found.warning(`that is more than it takes: packets of new flows would be dropped`, fix)
  if (buckets !== null && max > buckets * 8)
    found.note(
      `${sysctlName(key.buckets)} = ${buckets}: chains of more than 8 when full`,
      sysctlFix(key.buckets, roomFor(max / 4)),
    )
  return found.judgement()
}
