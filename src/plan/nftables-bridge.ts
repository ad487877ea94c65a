import { arpOfEthernet, concat, etherType, field, icmpType } from '../kernel/nft-concat.js'
import * as nft from '../kernel/nft-rule.js'
import { concatenated, hostU32, keyOf, nftType } from '../kernel/nft-types.js'
import type { NftSet } from '../kernel/ops-nft.js'
import type { NftExpr } from '../kernel/ops-nft-expr.js'
import { chainRules, nftBridgeTable, type Shape, senderKey } from './nftables-shape.js'

const note = (type: number, ...parts: Uint8Array[]): Uint8Array => {
  const value = Buffer.concat(parts)
  return Buffer.from([type, value.length, ...value])
}
const number = (type: number, value: number) => note(type, hostU32(value))

/**
 * What nft 1.0.6 keeps with a set of `typeof iifname . ether saddr . @th,64,128`. It has no name for the target of a neighbour
 * advertisement, and takes a raw field only where the set says so.
 */
const targetNote = Buffer.concat([
  number(0, 13), // a concatenation
  note(
    1,
    note(0, number(0, 9), note(1, number(0, 6))), // meta: iifname
    note(1, number(0, 7), note(1, number(0, 17), number(1, 2))), // payload: ether, saddr
    note(2, number(0, 7), note(1, number(0, 0), number(1, 0), number(2, 3), number(3, 64), number(4, 128))), // raw
  ),
])

const dropCounted = (): NftExpr[] => [...nft.counter(), ...nft.drop()]
const sender = [field.iifname, field.etherSaddr]

/**
 * table bridge egressd: a frame from a namespace goes no further than the port of the bridge unless its MAC and address are
 * the namespace's own. Nothing else is let in: no VLAN tag, no other ethertype, and no IPv6 where there is no IPv6 address.
 */
export function bridgeShape(): Shape {
  const table = nftBridgeTable
  const sets: NftSet[] = [
    // NB: not the bridges: that key needs NFT_BRIDGE_META, which not every kernel has.
    { ...table, name: 'ports', ...keyOf(nftType.ifname) },
    { ...table, name: 'senders4', ...concatenated(senderKey[4]) },
    { ...table, name: 'senders6', ...concatenated(senderKey[6]) },
    {
      ...table,
      name: 'targets6',
      ...concatenated([nftType.ifname, nftType.etherAddr, { type: nftType.integer.type, length: 16 }]),
      typeof: targetNote,
    },
  ]
  const chains = [
    // Before all others of the hook, and before br_netfilter lets IP tables see the frame.
    { ...table, name: 'prerouting', type: 'filter' as const, hook: 'prerouting' as const, priority: -400 },
    ...['arps', 'ipv6', 'adverts'].map(name => ({ ...table, name })),
  ]
  const rules = [
    ...chainRules(
      table,
      'prerouting',
      nft.rule(nft.iifname(nft.not(nft.set('ports'))), nft.accept()),
      [...etherType('ip'), ...concat([...sender, field.ipSaddr], { set: 'senders4' }), ...nft.accept()],
      [...etherType('ip6'), ...concat([...sender, field.ip6Saddr], { set: 'senders6' }), ...nft.goTo('ipv6')],
      [...etherType('arp'), ...arpOfEthernet(), ...nft.goTo('arps')],
      dropCounted(),
    ),
    // Both MACs of an ARP packet are the sender's: that of the frame and that of the claim.
    ...chainRules(
      table,
      'arps',
      [
        ...etherType('arp'),
        ...concat([...sender, field.arpSaddrIp], { set: 'senders4' }),
        ...concat([field.iifname, field.arpSaddrEther, field.arpSaddrIp], { set: 'senders4' }),
        ...nft.accept(),
      ],
      dropCounted(),
    ),
    ...chainRules(
      table,
      'ipv6',
      [...etherType('ip6'), ...icmpType(6, 134), ...dropCounted()],
      [...etherType('ip6'), ...icmpType(6, 137), ...dropCounted()],
      [...etherType('ip6'), ...icmpType(6, 136), ...nft.goTo('adverts')],
      nft.accept(),
    ),
    ...chainRules(
      table,
      'adverts',
      [...concat([...sender, field.ndTarget], { set: 'targets6' }), ...nft.accept()],
      dropCounted(),
    ),
  ]
  return { ...table, sets, chains, rules, elements: new Map() }
}
