import type { NftFamily, NftHook } from '../kernel/ops-nft.js'
import { admissionRule } from './admission-rules.js'
import type { FirewallNetwork } from './firewall.js'
import { markPrefix } from './foreign-nft.js'
import { type Direction, type Packet, type ProtocolName, packetsOf, type Uplinks } from './foreign-packet.js'
import { type BaseChain, type Chains, type Drop, rearranged, type WalkRule, walk } from './foreign-walk.js'
import { xtMarkPrefix } from './foreign-xt.js'

/** Whose chain it is, and so how rules are written there. */
export type Owner = 'docker' | 'ufw' | 'firewalld' | 'iptables-nft' | 'iptables-legacy' | 'nftables'

/** A base chain of somebody else's that drops packets of one network. */
export interface ForeignDrop {
  network: string
  where: {
    family: NftFamily
    table: string
    chain: string
    hook: NftHook
    backend: BaseChain['backend']
    owner: Owner
  }
  families: (4 | 6)[]
  /** The policy or the rules that drop, in words. */
  why: string
  /** False where it depends on what cannot be told of a packet here, such as its port or mark. */
  certain: boolean
  /** A rule of ours in that chain lets all of it pass. */
  admitted: boolean
}

interface Finding {
  packet: Packet
  drop: Drop | null
  possible: readonly WalkRule[]
}

/** Every base chain that drops, or perhaps drops, what the networks send and what answers it. */
export function explainForeign(
  bases: readonly BaseChain[],
  networks: readonly FirewallNetwork[],
  uplinks: Uplinks = {},
): ForeignDrop[] {
  return bases.flatMap(base => {
    const chains = foreignRules(base.chains)
    return networks.flatMap(network => {
      const findings = packetsOf(network, base, uplinks).map(packet => ({
        packet,
        ...walk({ ...base, chains }, packet),
      }))
      const bad = findings.filter(({ drop, possible }) => drop ?? possible.length > 0)
      if (bad.length === 0) return []
      const dropped = bad.filter(({ drop }) => drop)
      const explained = dropped.length > 0 ? dropped : bad
      const admissible = dropped.every(({ packet: { family, direction } }) =>
        network.subnets.some(subnet => subnet.family === family && admissionRule(base, network, subnet, direction)),
      )
      return {
        network: network.name,
        where: whereOf(base, explained),
        families: ([4, 6] as const).filter(family => explained.some(({ packet }) => packet.family === family)),
        why: whyOf(explained, base) + (admissible ? '' : '; no rule of ours could let it through there'),
        certain: dropped.some(({ drop }) => drop && !drop.doubtful),
        admitted: dropped.length > 0 && packetsOf(network, base, uplinks).every(packet => !walk(base, packet).drop),
      }
    })
  })
}

/** The chains without what we have put there, and without what our own xtables rules drop. */
export function foreignRules(chains: Chains): Chains {
  return rearranged(
    chains,
    new Set(rulesIn(chains).filter(rule => isAdmission(rule) || (rule.mark && !rule.leads))),
    [],
  )
}

/** Ours, put there to be let through: the xtables backend's own rules are others. */
export const isAdmission = ({ mark, nft }: WalkRule): boolean =>
  mark?.startsWith(nft ? markPrefix : xtMarkPrefix) ?? false

export const rulesIn = (chains: Chains): WalkRule[] => [...chains.values()].flat()

function whereOf(base: BaseChain, findings: readonly Finding[]): ForeignDrop['where'] {
  const { family, table, chain, hook, backend } = base
  return { family, table, chain, hook, backend, owner: ownerOf(base, findings) }
}

function ownerOf({ backend, table, chains }: BaseChain, findings: readonly Finding[]): Owner {
  if (table === 'firewalld') return 'firewalld'
  const ways = findings.flatMap(({ drop }) => drop?.path ?? []).map(({ chain }) => chain)
  if (ways.some(chain => /^ufw6?-/.test(chain))) return 'ufw'
  if (chains.has('DOCKER-USER')) return 'docker'
  return chains.has('ufw-before-forward') || chains.has('ufw6-before-forward') ? 'ufw' : backend
}

const subjects: Record<Direction, string> = {
  out: 'from the namespaces',
  back: 'in answer to them',
  in: 'to the namespaces',
}

/** `TCP, UDP and ICMP from the namespaces: the policy of FORWARD is drop`, for each way there is of being dropped. */
function whyOf(findings: readonly Finding[], base: BaseChain): string {
  const groups = new Map<string, Set<ProtocolName>>()
  for (const { packet, drop, possible } of findings) {
    const reasons = drop ? [reasonOf(drop, base)] : possible.map(rule => `the rule "${rule.text}" may match`)
    for (const reason of reasons) {
      const key = `${subjects[packet.direction]}: ${reason}`
      groups.set(key, (groups.get(key) ?? new Set()).add(packet.protocol))
    }
  }
  return [...groups].map(([reason, names]) => `${wordsOf([...names])} ${reason}`).join('; ')
}

const wordsOf = (names: string[]) =>
  names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}` : (names[0] ?? '')

function reasonOf({ path, doubtful }: Drop, { chain }: BaseChain): string {
  const last = path.at(-1)
  const unless = doubtful ? ', unless an earlier rule accepts it' : ''
  if (!last) return `the policy of ${chain} is drop${unless}`
  const inner = last.chain === chain ? chain : `${last.chain}, to which ${chain} leads`
  return `the rule "${last.rule.text}" of ${inner}${unless}`
}
