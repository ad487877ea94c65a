import * as nft from '../kernel/nft-rule.js'
import { cidrElements, ifname, keyOf, type NftRange, nftType, rangeElements, rangesOf } from '../kernel/nft-types.js'
import type { NftChain, NftChange, NftElement, NftFamily, NftRule, NftRuleset, NftSet } from '../kernel/ops-firewall.js'
import type { DesiredFirewall } from './firewall.js'

// table inet egressd {
//   set bridges { type ifname; elements = { "br0" } }              the host's end of our networks
//   set masquerade4 { type ipv4_addr; flags interval; … }          subnets hidden behind the host
//   set masquerade6 { type ipv6_addr; flags interval; … }
//   chain postrouting { type nat hook postrouting priority srcnat;
//     oifname != @bridges ip saddr @masquerade4 masquerade
//     oifname != @bridges ip6 saddr @masquerade6 masquerade }
//   chain forward { type filter hook forward priority filter;      only where we turned forwarding on
//     meta nfproto ipv4 iifname != @bridges oifname != @bridges counter drop }
// }
//
// Rules are constant; a network is a few elements. A namespace is none: its verdict can be an element of a map of its own.

/** The one table that is ours. */
export const nftTable = { family: 'inet' as NftFamily, table: 'egressd' }
const table = { family: nftTable.family, name: nftTable.table }

interface Shape {
  sets: NftSet[]
  chains: NftChain[]
  rules: NftRule[]
  elements: Map<string, NftElement[]>
}

/** The least change that turns what stands in our table into what should; empty where nothing is to be done. */
export function planNftables(desired: DesiredFirewall, actual: Omit<NftRuleset, 'generation'>): NftChange[] {
  const stands = actual.tables.some(({ family, name }) => family === table.family && name === table.name)
  if (desired.networks.length === 0) return stands ? [{ change: 'table.delete', ...table }] : []
  const shape = shapeOf(desired)
  if (!stands) return makeTable(shape)
  // What somebody bent is replaced as a whole: one transaction, so no packet sees the table away.
  if (!sameShape(shape, actual)) return [{ change: 'table.delete', ...table }, ...makeTable(shape)]
  return shape.sets.flatMap(({ name, interval }) => {
    const wanted = shape.elements.get(name) ?? []
    const found = actual.sets.find(set => set.name === name)?.elements ?? []
    return changeElements(name, wanted, found, interval ?? false)
  })
}

function shapeOf({ networks, guard }: DesiredFirewall): Shape {
  const sets: NftSet[] = [
    { ...nftTable, name: 'bridges', ...keyOf(nftType.ifname) },
    { ...nftTable, name: 'masquerade4', ...keyOf(nftType.ipv4Addr), interval: true },
    { ...nftTable, name: 'masquerade6', ...keyOf(nftType.ipv6Addr), interval: true },
  ]
  const postrouting: NftChain = { ...nftTable, name: 'postrouting', type: 'nat', hook: 'postrouting', priority: 100 }
  const forward: NftChain = { ...nftTable, name: 'forward', type: 'filter', hook: 'forward', priority: 0 }
  const outwards = nft.oifname(nft.not(nft.set('bridges')))
  const rules: NftRule[] = [
    { chain: 'postrouting', exprs: nft.rule(outwards, nft.ipSaddr(nft.set('masquerade4')), nft.masquerade()) },
    { chain: 'postrouting', exprs: nft.rule(outwards, nft.ip6Saddr(nft.set('masquerade6')), nft.masquerade()) },
    ...guard.map(family => ({ chain: 'forward', exprs: guardRule(family) })),
  ].map(rule => ({ ...nftTable, ...rule }))
  const masked = (family: 4 | 6) =>
    networks
      .filter(({ masquerade }) => masquerade !== null)
      .flatMap(({ subnets }) => subnets.filter(subnet => subnet.family === family))
      .flatMap(({ subnet }) => cidrElements(subnet))
  return {
    sets,
    chains: guard.length > 0 ? [postrouting, forward] : [postrouting],
    rules,
    elements: new Map([
      ['bridges', networks.map(({ bridge }) => ({ key: ifname(bridge) }))],
      ['masquerade4', masked(4)],
      ['masquerade6', masked(6)],
    ]),
  }
}

function guardRule(family: 4 | 6) {
  const protocol = family === 4 ? 2 : 10 // NFPROTO_IPV4, NFPROTO_IPV6
  const strangers = nft.not(nft.set('bridges'))
  return nft.rule(
    [
      { expr: 'meta', key: 'nfproto' },
      { expr: 'cmp', op: 'eq', data: Uint8Array.of(protocol) },
    ],
    nft.iifname(strangers),
    nft.oifname(strangers),
    nft.counter(),
    nft.drop(),
  )
}

function makeTable({ sets, chains, rules, elements }: Shape): NftChange[] {
  return [
    { change: 'table.add', ...table },
    ...sets.map(set => ({ change: 'set.add' as const, ...set })),
    ...chains.map(chain => ({ change: 'chain.add' as const, ...chain })),
    ...rules.map(rule => ({ change: 'rule.add' as const, ...rule })),
    ...sets.flatMap(({ name }) => addElements(name, elements.get(name) ?? [])),
  ]
}

const addElements = (set: string, elements: NftElement[]): NftChange[] =>
  elements.length > 0 ? [{ change: 'element.add', ...nftTable, set, elements }] : []

function sameShape(shape: Shape, { sets, chains, rules }: Omit<NftRuleset, 'generation'>): boolean {
  const setKey = (set: NftSet) => [set.name, set.keyType, set.keyLength, set.interval ?? false]
  const chainKey = (chain: NftChain) => [chain.name, chain.type, chain.hook, chain.priority, chain.policy ?? 'accept']
  const sorted = <T>(items: T[], key: (item: T) => unknown[]) =>
    items
      .map(item => JSON.stringify(key(item)))
      .sort()
      .join()
  if (sorted(shape.sets, setKey) !== sorted(sets, setKey)) return false
  if (sorted(shape.chains, chainKey) !== sorted(chains, chainKey)) return false
  return shape.chains.every(({ name }) => {
    const wanted = shape.rules.filter(({ chain }) => chain === name)
    const found = rules.filter(({ chain }) => chain === name)
    return (
      wanted.length === found.length &&
      wanted.every((rule, i) => nft.sameExprs(rule.exprs, (found[i] as NftRule).exprs))
    )
  })
}

function changeElements(set: string, wanted: NftElement[], found: NftElement[], interval: boolean): NftChange[] {
  const missing = subtract(wanted, found, interval)
  const extra = subtract(found, wanted, interval)
  const gone: NftChange[] = extra.length > 0 ? [{ change: 'element.delete', ...nftTable, set, elements: extra }] : []
  return [...gone, ...addElements(set, missing)]
}

/** Elements of `from` that `without` has not; intervals count as wholes. */
function subtract(from: NftElement[], without: NftElement[], interval: boolean): NftElement[] {
  if (!interval) {
    const has = new Set(without.map(({ key }) => hex(key)))
    return from.filter(({ key }) => !has.has(hex(key)))
  }
  const id = ({ first, last }: NftRange) => `${hex(first)}-${hex(last)}`
  const has = new Set(rangesOf(without).map(id))
  return rangesOf(from)
    .filter(range => !has.has(id(range)))
    .flatMap(({ first, last }) => rangeElements(first, last))
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
