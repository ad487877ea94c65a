import type { Op } from '../kernel/ops.js'
import type { NftChange } from '../kernel/ops-nft.js'
import type { Own } from './own.js'
import type { Objects, Reading } from './read.js'
import { addressWords, neighbourWords, routeWords } from './words.js'

const RTPROT_KERNEL = 2

/**
 * Takes away what a fresh one does not have, where that is simple: routes, addresses, neighbours and nf_tables tables. What is
 * missing, or changed, is not put back: then it is not as fresh. For slot 1.
 */
export function planReset(fresh: Reading, freshOwn: Own, used: Objects, own: Own): Op[] {
  const name = (objects: Objects) => (index: number | null) =>
    objects.links.find(link => link.index === index)?.name ?? `link ${index}`
  const [nameThen, nameNow] = [name(fresh.objects), name(used)]
  const known = {
    routes: new Set(fresh.objects.routes.map(one => routeWords(one, nameThen, freshOwn))),
    addresses: new Set(fresh.objects.addresses.map(one => addressWords(one, nameThen, freshOwn))),
    neighbours: new Set(fresh.objects.neighbours.flatMap(one => neighbourWords(one, nameThen, freshOwn))),
    tables: new Set(fresh.objects.nft.tables.map(({ family, name: table }) => `${family} ${table}`)),
  }
  const ops: Op[] = []
  for (const route of used.routes) {
    // Those of the kernel go with their address.
    if (route.protocol === RTPROT_KERNEL || known.routes.has(routeWords(route, nameNow, own))) continue
    const { family, destination, prefix, gateway, index, table, protocol, metric, type } = route
    ops.push({
      op: 'route.delete',
      in: 1,
      family,
      ...(destination !== null && { destination, prefix }),
      ...(gateway !== null && { gateway }),
      ...(index !== null && { index }),
      ...(metric !== null && { metric }),
      table,
      protocol,
      type,
      ...(family === 4 && { scope: route.scope }),
    })
  }
  for (const one of used.addresses)
    if (!known.addresses.has(addressWords(one, nameNow, own)))
      ops.push({ op: 'address.delete', in: 1, index: one.index, address: one.address, prefix: one.prefix })
  for (const one of used.neighbours) {
    const [words] = neighbourWords(one, nameNow, own)
    if (words === undefined || one.address === null || known.neighbours.has(words)) continue
    ops.push({ op: 'neighbour.delete', in: 1, index: one.index, address: one.address })
  }
  const changes: NftChange[] = used.nft.tables
    .filter(({ family, name: table }) => !known.tables.has(`${family} ${table}`))
    .map(({ family, name: table }) => ({ change: 'table.delete', family, name: table }))
  // NB: joined, a refused one does not keep the others from being done.
  const joined = ops.map((op, i) => ({ ...op, join: i > 0 }))
  return changes.length === 0 ? joined : [{ op: 'nft.commit', in: 1, changes }, ...joined]
}
