import * as nft from '../kernel/nft-rule.js'
import { and, maskOf, parseCidr } from '../kernel/nft-types.js'
import type { NftExpr } from '../kernel/ops-nft-expr.js'
import type { XtRule } from '../kernel/ops-xt.js'
import type { FirewallNetwork } from './firewall.js'
import { markPrefix, nftRule } from './foreign-nft.js'
import type { Direction } from './foreign-packet.js'
import type { BaseChain, WalkRule } from './foreign-walk.js'
import { xtMarkPrefix, xtRule } from './foreign-xt.js'
import { commentInfo, conntrackInfo } from './foreign-xt-match.js'

type Subnet = FirewallNetwork['subnets'][number]

/**
 * The rule that lets such packets of a network pass a chain, as the chain's owner would write it; null where none can:
 * before connections are tracked nothing tells answers from strangers, and in the words of xtables it is not to be said
 * elsewhere than in FORWARD.
 */
export function admissionRule(
  base: BaseChain,
  network: FirewallNetwork,
  subnet: Subnet,
  direction: Direction,
): WalkRule | null {
  // Without masquerade others may call a namespace by its own address, whatever the state. Whose connection it is remains.
  const way = network.masquerade === null && direction === 'back' && base.hook === 'forward' ? 'in' : direction
  if (base.backend === 'iptables-legacy') return base.hook === 'forward' ? legacy(network, subnet, way) : null
  if (base.backend === 'iptables-nft') return base.hook === 'forward' ? likeIptables(base, network, subnet, way) : null
  const exprs = native(base, network, subnet, way)
  return exprs && nftRule({ exprs, comment: `${markPrefix}${network.name}` }, () => undefined)
}

function legacy(network: FirewallNetwork, subnet: Subnet, way: Direction): WalkRule {
  const rule: XtRule = { comment: `${xtMarkPrefix}${network.name}`, target: 'ACCEPT' }
  const [address = ''] = subnet.subnet.split('/')
  const whole = { address, prefix: subnet.prefix }
  if (network.mode === 'bridge') rule[way === 'out' ? 'input' : 'output'] = { name: network.bridge }
  else rule[way === 'out' ? 'source' : 'destination'] = whole
  if (way === 'back') rule.ctstate = ['RELATED', 'ESTABLISHED']
  return xtRule({ whole: true, rule, matches: way === 'back' ? ['comment', 'conntrack'] : ['comment'] })
}

/**
 * NB: the very expressions of iptables-nft 1.8, in its order: it says of a table with any other that it is incompatible.
 * The name of an interface is compared with its NUL.
 */
function likeIptables({ family }: BaseChain, network: FirewallNetwork, subnet: Subnet, way: Direction): WalkRule {
  const out = way === 'out'
  const name = Uint8Array.of(...Buffer.from(network.bridge), 0)
  const state: NftExpr = {
    expr: 'match',
    name: 'conntrack',
    revision: 3,
    info: conntrackInfo('RELATED', 'ESTABLISHED'),
  }
  const comment: NftExpr = {
    expr: 'match',
    name: 'comment',
    revision: 0,
    info: commentInfo(`${markPrefix}${network.name}`),
  }
  const interfaces: NftExpr[] = [
    { expr: 'meta', key: out ? 'iifname' : 'oifname' },
    { expr: 'cmp', op: 'eq', data: name },
  ]
  const whose = network.mode === 'bridge' ? interfaces : address(subnet, out, family)
  const exprs = [...whose, ...(way === 'back' ? [state] : []), comment, ...nft.counter(), ...nft.accept()]
  return nftRule({ exprs }, () => undefined)
}

function address({ family, subnet }: Subnet, source: boolean, table: BaseChain['family']): NftExpr[] {
  if (family === 4) return source ? nft.ipSaddr(subnet, table) : nft.ipDaddr(subnet, table)
  return source ? nft.ip6Saddr(subnet, table) : nft.ip6Daddr(subnet, table)
}

/** Connections are tracked from this priority on (NF_IP_PRI_CONNTRACK). */
const conntrack = -200
/** ebtables-nft's chains: it has no words for a comment of nft's. */
const ebtables = /^(INPUT|OUTPUT|FORWARD|PREROUTING|POSTROUTING|BROUTING)$/

function native(base: BaseChain, network: FirewallNetwork, subnet: Subnet, way: Direction): NftExpr[] | null {
  const { family, hook, priority, chain } = base
  const out = way === 'out'
  // NB: by address, for the name of a port's bridge takes a module of its own (nft_meta_bridge).
  if (family === 'bridge') return ebtables.test(chain) ? null : nft.rule(address(subnet, out, family), nft.accept())
  const states = way === 'back' ? nft.ctState('established', 'related') : []
  if (hook === 'forward') {
    const device = out ? nft.iifname(network.bridge) : nft.oifname(network.bridge)
    return nft.rule(network.mode === 'bridge' ? device : address(subnet, out, family), states, nft.accept())
  }
  // NAT happens about here: the connection's first packet has the addresses that never change.
  if (hook === 'ingress' || hook === 'egress' || priority <= conntrack) return null
  return nft.rule(original(subnet, way, family), nft.accept())
}

/** `ct original ip saddr`. Other than of a header, a part of it cannot be loaded: the whole is, and masked. */
function original({ family, subnet }: Subnet, way: Direction, table: BaseChain['family']): NftExpr[] {
  const size = family === 4 ? 4 : 16
  const { bytes, prefix } = parseCidr(subnet)
  const mask = maskOf(prefix, size)
  const end = way === 'in' ? 'dst' : 'src'
  const protocol: NftExpr[] = [
    { expr: 'meta', key: 'nfproto' },
    { expr: 'cmp', op: 'eq', data: Uint8Array.of(family === 4 ? 2 : 10) },
  ]
  return [
    ...(table === 'inet' ? protocol : []),
    { expr: 'ct', key: family === 4 ? `${end}-ip` : `${end}-ip6`, direction: 'original' },
    { expr: 'bitwise', length: size, mask, xor: new Uint8Array(size) },
    { expr: 'cmp', op: 'eq', data: and(bytes, mask) },
  ]
}
