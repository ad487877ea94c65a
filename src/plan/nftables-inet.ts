import {
  concat,
  ctStatus,
  dnatBit,
  dport,
  field,
  icmpType,
  iifkind,
  iiftypeEther,
  nfproto,
} from '../kernel/nft-concat.js'
import * as nft from '../kernel/nft-rule.js'
import { concatenated, keyOf, nftType } from '../kernel/nft-types.js'
import type { NftChain, NftRule, NftSet } from '../kernel/ops-nft.js'
import type { NftExpr } from '../kernel/ops-nft-expr.js'
import { metadataAddresses } from './firewall.js'
import { addressType, chainRules, families, nftTable, type Shape, senderKey } from './nftables-shape.js'

// table inet egressd: what nft prints of it, and why it is so, is in docs/firewall.md.

/** ICMP: echo request; ICMPv6: echo request, neighbour solicitation and advertisement, router advertisement, redirect. */
const icmp = { echo: { 4: 8, 6: 128 }, solicit: 135, advert: 136, routerAdvert: 134, redirect: 137 }

const saddr = { 4: field.ipSaddr, 6: field.ip6Saddr }
const daddr = { 4: field.ipDaddr, 6: field.ip6Daddr }
const only = (set: string) => ({ set })
const none = (set: string) => ({ not: { set } })
const dropCounted = (): NftExpr[] => [...nft.counter(), ...nft.drop()]
const both = (make: (family: 4 | 6) => NftExpr[]) => families.map(make)
const ofFamily = (family: 4 | 6) => (family === 4 ? nft.ipDaddr : nft.ip6Daddr)

/** Its sets, chains and rules; elements are put in by the caller. */
export function inetShape(guard: readonly (4 | 6)[]): Shape {
  return { ...nftTable, sets: sets(), chains: chains(guard), rules: rules(guard), elements: new Map() }
}

function sets(): NftSet[] {
  const named = (name: string, set: Omit<NftSet, 'family' | 'table' | 'name'>): NftSet => ({
    ...nftTable,
    name,
    ...set,
  })
  const interval = true
  return [
    named('bridges', keyOf(nftType.ifname)),
    ...families.flatMap(family => {
      const address = addressType[family]
      const pair = concatenated([address, address], true)
      return [
        named(`outwards${family}`, { ...keyOf(address), interval, data: { type: 'verdict' } }),
        named(`sources${family}`, { ...keyOf(address), interval, data: address }),
        named(`host${family}`, { ...pair, interval, data: { type: 'verdict' } }),
        named(`open${family}`, { ...keyOf(address), interval }),
        named(`isolated${family}`, { ...pair, interval }),
        named(`hidden${family}`, { ...keyOf(address), interval }),
        named(`senders${family}`, concatenated(senderKey[family])),
      ]
    }),
  ]
}

function chains(guard: readonly (4 | 6)[]): NftChain[] {
  const base = (
    name: string,
    hook: NonNullable<NftChain['hook']>,
    priority: number,
    type: 'filter' | 'nat' = 'filter',
  ) => ({
    ...nftTable,
    name,
    type,
    hook,
    priority,
  })
  return [
    base('prerouting', 'prerouting', -300),
    base('input', 'input', 0),
    { ...nftTable, name: 'gateway' },
    base('forward', 'forward', 0),
    ...(guard.length > 0 ? [{ ...nftTable, name: 'guard' }] : []),
    base('postrouting', 'postrouting', 100, 'nat'),
    ...['masq', 'masq_random', 'source', 'source_random'].map(name => ({ ...nftTable, name })),
  ]
}

function rules(guard: readonly (4 | 6)[]): NftRule[] {
  const ours = (what: NftExpr[]) => nft.rule(nft.iifname(nft.not(nft.set('bridges'))), what)
  return [
    ...chainRules(
      nftTable,
      'prerouting',
      ours(nft.accept()),
      // Before anybody's DNAT: what is asked for is what counts.
      ...both(family => [
        ...ofFamily(family)(metadataAddresses[family]),
        ...concat([saddr[family]], none(`open${family}`)),
        ...dropCounted(),
      ]),
      // Who sends by a bridge's ports is looked at there, where the ports are still to be seen.
      [...iifkind('bridge'), ...nft.accept()],
      ...[icmp.routerAdvert, icmp.redirect].map(type => [...nfproto(6), ...icmpType(6, type), ...dropCounted()]),
      ...both(family => [
        ...nfproto(family),
        ...iiftypeEther(),
        ...concat([field.iifname, field.etherSaddr, saddr[family]], only(`senders${family}`)),
        ...nft.accept(),
      ]),
      dropCounted(),
    ),
    ...chainRules(
      nftTable,
      'input',
      ours(nft.accept()),
      nft.rule(nft.ctState('established', 'related'), nft.accept()),
      ...[icmp.solicit, icmp.advert].map(type => [...nfproto(6), ...icmpType(6, type), ...nft.accept()]),
      ...both(family => [
        ...nfproto(family),
        ...concat([saddr[family], daddr[family]], nft.vmap(`host${family}`) as { vmap: string }),
      ]),
      dropCounted(),
    ),
    ...chainRules(
      nftTable,
      'gateway',
      ...both(family => [...nfproto(family), ...icmpType(family, icmp.echo[family]), ...nft.accept()]),
      [...dport('udp', 53), ...nft.accept()],
      [...dport('tcp', 53), ...nft.accept()],
      dropCounted(),
    ),
    ...chainRules(
      nftTable,
      'forward',
      ...both(family => [
        ...nfproto(family),
        ...concat([saddr[family], daddr[family]], only(`isolated${family}`)),
        ...dropCounted(),
      ]),
      // NB: what is of no connection is not translated, and would leave under its own source.
      ...both(family => [
        ...nft.rule(nft.ctState('invalid', 'untracked'), nft.oifname(nft.not(nft.set('bridges'))), nfproto(family)),
        ...concat([saddr[family]], only(`hidden${family}`)),
        ...dropCounted(),
      ]),
      ...guard.map(guardRule),
    ),
    // A connection that another's own rule redirected (a published port) is that one's will, both ways.
    ...(guard.length > 0 ? chainRules(nftTable, 'guard', [...ctStatus(dnatBit), ...nft.accept()], dropCounted()) : []),
    ...chainRules(
      nftTable,
      'postrouting',
      nft.rule(nft.oifname(nft.set('bridges')), nft.accept()),
      ...both(family => [...nfproto(family), ...concat([saddr[family]], { vmap: `outwards${family}` })]),
    ),
    ...chainRules(nftTable, 'masq', nft.masquerade()),
    ...chainRules(nftTable, 'masq_random', nft.masquerade({ fullyRandom: true })),
    ...chainRules(nftTable, 'source', ...both(family => sourceRule(family, false))),
    ...chainRules(nftTable, 'source_random', ...both(family => sourceRule(family, true))),
  ]
}

function guardRule(family: 4 | 6): NftExpr[] {
  const strangers = nft.not(nft.set('bridges'))
  return nft.rule(nfproto(family), nft.iifname(strangers), nft.oifname(strangers), nft.goTo('guard'))
}

/** `snat ip to ip saddr map @sources4` */
function sourceRule(family: 4 | 6, fullyRandom: boolean): NftExpr[] {
  return [
    ...nfproto(family),
    saddr[family].load,
    { expr: 'lookup', set: `sources${family}`, destination: 8 },
    { expr: 'nat', kind: 'snat', family, addressRegister: 8, ...(fullyRandom && { flags: 16 }) },
  ]
}
