import type { Link } from '../kernel/ops-link.js'
import type { NftRuleset } from '../kernel/ops-nft.js'
import type { Address, Neighbour, Route } from '../kernel/ops-route.js'
import { isPassing } from './forms.js'
import type { Own } from './own.js'

/** Name of the link with that number. */
type NameOf = (index: number | null) => string

const without = (object: object, ...keys: string[]) =>
  Object.entries(object).filter(([key, value]) => !keys.includes(key) && value !== null)
/** `mtu 1500, group 0`: all fields, so that none is forgotten. */
const fields = (object: object, ...keys: string[]) =>
  without(object, ...keys)
    .map(([key, value]) => `${key} ${typeof value === 'object' ? JSON.stringify(value, bigintText) : value}`)
    .join(', ')
const bigintText = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)

export function linkWords(link: Link, own: Own): string {
  const mac = link.mac && own.word(link.mac)
  const alias = link.alias && own.word(link.alias)
  // Where its peer is says nothing: a veth's is what it was made with.
  return `${link.name}: ${fields({ ...link, mac, alias }, 'name', 'peer', 'peerNetns')}`
}

export function addressWords(one: Address, name: NameOf, own: Own): string {
  return `${own.word(one.address)}/${one.prefix} on ${name(one.index)}: ${fields(one, 'address', 'prefix', 'index')}`
}

export function routeWords(route: Route, name: NameOf, own: Own): string {
  const { family, destination, prefix, index, source, gateway, ...rest } = route
  const to = destination === null ? `IPv${family} default` : `${own.word(destination)}/${prefix}`
  const via = gateway === null ? '' : ` via ${own.word(gateway)}`
  return `${to}${via} by ${name(index)}: ${fields({ source: source && own.word(source), ...rest })}`
}

export function neighbourWords(one: Neighbour, name: NameOf, own: Own): string[] {
  if (isPassing(one.state)) return []
  const [address, mac] = [own.word(one.address ?? ''), own.word(one.mac ?? 'nowhere')]
  return [`${address} is at ${mac} on ${name(one.index)}: state ${one.state}, flags ${one.flags}`]
}

export function nftWords({ tables, chains, rules, sets }: NftRuleset): string[] {
  const of = (kind: string, objects: readonly object[]) =>
    objects.map(one => `${kind} ${fields(one, 'handle', 'packets', 'bytes')}`)
  return [...of('table', tables), ...of('chain', chains), ...of('rule', rules), ...of('set', sets)]
}

/** The settings; how many connections are tracked is none of them. */
export function splitSettings(text: string): { settings: string; conntrack: string[] } {
  const count = /^net\/netfilter\/nf_conntrack_count=(\d+)\n/m.exec(text)
  const settings = count ? text.replace(count[0], '') : text
  const tracked = Number(count?.[1] ?? 0)
  return { settings, conntrack: tracked === 0 ? [] : [`${tracked} connections are tracked`] }
}
