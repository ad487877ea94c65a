import type { NftFamily, NftHook, NftRule } from '../kernel/ops-nft.js'
import type { XtRule } from '../kernel/ops-xt.js'
import type { Packet, Tri } from './foreign-packet.js'

export type Action =
  | { does: 'accept' }
  | { does: 'drop' }
  | { does: 'return' }
  | { does: 'jump' | 'goto'; chain: string }

/** What a rule does to a packet that it matches so. None: the packet goes on. */
export interface Branch {
  match: Tri
  action: Action
}

/** A rule of any backend, as far as the way of a packet is concerned. */
export interface WalkRule {
  branches(packet: Packet): Branch[]
  /** As its owner would write it. */
  text: string
  /** The comment, where it is one that marks our own. */
  mark: string | null
  /** What it is to the kernel; of a legacy rule what can be said of it. */
  nft?: Pick<NftRule, 'exprs' | 'comment'> & { handle?: bigint }
  xt?: XtRule
  /** It only drops, counts or logs: it leads nowhere else. */
  leads: boolean
}

export type Chains = ReadonlyMap<string, readonly WalkRule[]>

/** A chain that the kernel calls, with all those of its table. */
export interface BaseChain {
  backend: 'nftables' | 'iptables-nft' | 'iptables-legacy'
  family: NftFamily
  table: string
  chain: string
  hook: NftHook
  priority: number
  policy: 'accept' | 'drop'
  devices?: readonly string[]
  chains: Chains
}

/** Where a packet is dropped: the rules that led there, the last one of which drops it; none where the policy does. */
export interface Drop {
  path: { chain: string; rule: WalkRule }[]
  /** A rule was passed that might have accepted it before. */
  doubtful: boolean
}

export interface Outcome {
  /** null: it passes. */
  drop: Drop | null
  /** Rules that would drop it if they matched, and nobody can tell. */
  possible: WalkRule[]
}

type End = { end: 'through' | 'accept' } | { end: 'drop'; path: Drop['path'] }

/** The kernel allows 16 jumps deep (NFT_JUMP_STACK_SIZE), so many ways; nobody's ruleset comes near this. */
const mostRules = 500_000

/** The way of a packet through a base chain. What may match is taken not to, and noted. */
export function walk(base: Pick<BaseChain, 'chain' | 'policy' | 'chains'>, packet: Packet): Outcome {
  const possible = new Set<WalkRule>()
  let doubtful = false
  let visited = 0

  function chain(name: string, perhaps: boolean, path: Drop['path']): End {
    for (const rule of base.chains.get(name) ?? []) {
      if (++visited > mostRules) return { end: 'accept' }
      for (const { match, action } of rule.branches(packet)) {
        if (match === 'no') continue
        const sure = match === 'yes' && !perhaps
        if (action.does === 'accept') {
          if (sure) return { end: 'accept' }
          doubtful = true
          if (match === 'yes') return { end: 'through' }
        } else if (action.does === 'drop') {
          if (sure) return { end: 'drop', path: [...path, { chain: name, rule }] }
          possible.add(rule)
          if (match === 'yes') return { end: 'through' }
        } else if (action.does === 'return') {
          if (match === 'yes') return { end: 'through' }
        } else {
          const there = chain(action.chain, !sure, [...path, { chain: name, rule }])
          if (sure && (there.end !== 'through' || action.does === 'goto')) return there
          if (match === 'yes' && action.does === 'goto') return { end: 'through' }
        }
      }
    }
    return { end: 'through' }
  }

  const way = chain(base.chain, false, [])
  const found = way.end === 'drop' ? way.path : way.end === 'through' && base.policy === 'drop' ? [] : null
  return { drop: found && { path: found, doubtful }, possible: [...possible] }
}

/** A rule to be put into a chain. */
export interface Placed {
  chain: string
  at: 'first' | 'last' | { before: WalkRule }
  rule: WalkRule
}

/** The same chains with some rules away and others put in. */
export function rearranged(chains: Chains, without: ReadonlySet<WalkRule>, added: readonly Placed[]): Chains {
  const touched = new Map([...chains].map(([name, rules]) => [name, rules.filter(rule => !without.has(rule))]))
  for (const { chain, at, rule } of added) {
    const rules = touched.get(chain) ?? []
    const place = at === 'first' ? 0 : at === 'last' ? rules.length : Math.max(0, rules.indexOf(at.before))
    rules.splice(place, 0, rule)
  }
  return touched
}
