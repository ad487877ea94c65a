import { and, cidrElements, etherAddr, ifname, ip, joinKey, maskOf, parseCidr } from '../kernel/nft-types.js'
import type { NftChange, NftElement } from '../kernel/ops-nft.js'
import type { NftVerdict } from '../kernel/ops-nft-expr.js'
import type { FirewallNamespace, FirewallNetwork } from './firewall.js'
import { nftBridgeTable, nftTable, type Table } from './nftables-shape.js'

/** An element, and the set that it is of. */
export interface Placed {
  table: Table
  set: string
  elements: NftElement[]
}

/** A change of elements alone. */
export type ElementChange = Extract<NftChange, { change: 'element.add' | 'element.delete' }>

/** What one network has in table inet. */
export function networkElements(network: FirewallNetwork): Placed[] {
  const { bridge, subnets, masquerade, isolated, hostAccess } = network
  const placed: Placed[] = []
  const put = (set: string, ...elements: NftElement[]) => placed.push({ table: nftTable, set, elements })
  put('bridges', { key: ifname(bridge) })
  for (const { family, subnet, gateway } of subnets) {
    if (masquerade) {
      const { to, fullyRandom } = masquerade
      const source = to.find(each => each.family === family)?.address
      const chain = `${source === undefined ? 'masq' : 'source'}${fullyRandom ? '_random' : ''}`
      put(`outwards${family}`, ...withData(cidrElements(subnet), { verdict: 'goto', chain }))
      if (source !== undefined) put(`sources${family}`, ...withData(cidrElements(subnet), ip(source)))
      put(`hidden${family}`, ...cidrElements(subnet))
    }
    if (isolated) put(`isolated${family}`, pair(subnet, subnet))
    if (hostAccess === 'gateway')
      put(`host${family}`, { ...pair(subnet, gateway), data: { verdict: 'goto', chain: 'gateway' } })
    if (hostAccess !== 'all') continue
    put(`host${family}`, { ...pair(subnet, family === 4 ? '0.0.0.0/0' : '::/0'), data: { verdict: 'accept' } })
    put(`open${family}`, ...cidrElements(subnet))
  }
  return placed
}

/** Who one namespace is: by which interface it sends, which comes first, and from which addresses. */
export function senderElements(namespace: FirewallNamespace, { mode }: Pick<FirewallNetwork, 'mode'>): Placed[] {
  const { hostInterface, mac, addresses } = namespace
  const table = mode === 'bridge' ? nftBridgeTable : nftTable
  const name = ifname(hostInterface)
  // NB: one that may send as nobody has no MAC.
  const keys = (family: 4 | 6): NftElement[] =>
    addresses
      .filter(each => each.family === family)
      .map(({ address }) => ({ key: joinKey(name, etherAddr(mac), ip(address)) }))
  const [four, six] = [keys(4), keys(6)]
  return [
    { table, set: mode === 'bridge' ? 'ports' : 'bridges', elements: [{ key: name }] },
    { table, set: 'senders4', elements: four },
    { table, set: 'senders6', elements: six },
    ...(mode === 'bridge' ? [{ table, set: 'targets6', elements: six }] : []),
  ].filter(({ elements }) => elements.length > 0)
}

/**
 * `added` lets a new namespace send, and holds it to its addresses: to be committed before its link is there, in a transaction of
 * its own or with others'. Adding what is there already is well. ENOENT, and nothing is done, where our table is gone: then
 * the whole is to be planned.
 *
 * `gone` takes them back. NB: only when its link is gone, or down: what comes by an interface that is in no set is not looked at. And
 * one that is missing is ENOENT for the whole transaction, which then does nothing.
 */
export function senderChanges(
  namespace: FirewallNamespace,
  network: Pick<FirewallNetwork, 'mode'>,
): { added: ElementChange[]; gone: ElementChange[] } {
  const placed = senderElements(namespace, network)
  return {
    added: placed.map(({ table: { family, table }, set, elements }) => ({
      change: 'element.add',
      family,
      table,
      set,
      elements,
    })),
    gone: deletions([...placed.slice(1), ...placed.slice(0, 1)]),
  }
}

/** Takes back who it is: from then on nothing that it sends passes, while its link is known as one to be looked at. */
export const mutingElements = (namespace: FirewallNamespace, network: Pick<FirewallNetwork, 'mode'>): ElementChange[] =>
  deletions(senderElements(namespace, network).slice(1))

/** The rest, for when the link is gone. */
export const linkElementsGone = (
  namespace: FirewallNamespace,
  network: Pick<FirewallNetwork, 'mode'>,
): ElementChange[] => deletions(senderElements(namespace, network).slice(0, 1))

const deletions = (placed: Placed[]): ElementChange[] =>
  placed.map(({ table: { family, table }, set, elements }) => ({
    change: 'element.delete',
    family,
    table,
    set,
    elements,
  }))

const withData = (elements: NftElement[], data: Uint8Array | NftVerdict): NftElement[] =>
  elements.map(element => (element.intervalEnd ? element : { ...element, data }))

/** `10.0.0.0/8 . 10.0.0.1`: an interval of pairs. */
function pair(a: string, b: string): NftElement {
  const [first, second] = [boundsOf(a), boundsOf(b)]
  return { key: joinKey(first.low, second.low), keyEnd: joinKey(first.high, second.high) }
}

function boundsOf(cidr: string): { low: Uint8Array; high: Uint8Array } {
  const { bytes, prefix } = parseCidr(cidr)
  const mask = maskOf(prefix, bytes.length)
  const low = and(bytes, mask)
  return { low, high: low.map((byte, i) => byte | (0xff & ~(mask[i] ?? 0))) }
}
