import { explainForeign } from '../apply/admission.js'
import { type FirewallNetwork, firewallNetwork } from '../plan/firewall.js'
import type { ForeignDrop } from '../plan/foreign.js'
import { parseNetwork } from '../spec/network.js'
import { Findings, type Judgement } from './check.js'
import type { View } from './view.js'

export interface ForeignDrops {
  /** Recorded networks; where there is none, one as it would be. */
  networks: Pick<FirewallNetwork, 'name' | 'admit'>[]
  example: boolean
  drops: ForeignDrop[]
}

export async function readForeign({ kernel, records }: View): Promise<ForeignDrops> {
  const recorded = records.networks.map(({ spec, backend }) => firewallNetwork(spec, backend))
  const example = recorded.length === 0
  const networks = example ? [firewallNetwork(parseNetwork(typical), 'nftables')] : recorded
  return { networks, example, drops: await explainForeign(kernel, networks) }
}

const typical = { name: 'br0', subnets: ['192.168.0.0/16', 'fd00:192:168::/64'] }

export function judgeForeign({ networks, example, drops }: ForeignDrops): Judgement {
  const found = new Findings()
  if (drops.length === 0)
    return found
      .saw(`no chain of others drops what ${example ? 'a network' : 'the networks'} would forward`)
      .judgement()
  for (const { network, where, families, why, certain, admitted } of drops) {
    const chain = `${where.family} ${where.table} ${where.chain} (${where.owner}, hook ${where.hook})`
    const what = `${chain} drops IPv${families.join(' and IPv')} of ${example ? 'any network' : `network ${network}`}: ${why}`
    const admits = networks.find(({ name }) => name === network)?.admit ?? false
    if (admitted) found.saw(`${what}; a rule of egressd there lets it through`)
    else if (example) found.note(`${what}; "admit: true", the default, lets networks through`)
    else if (!certain) found.warning(`${what}; perhaps: it depends on more than can be told here`, show(where))
    else if (admits)
      found.stop(`${what}; the rule of egressd that let it through is gone`, 'egressd apply -f FILE   # puts it back')
    else found.stop(what, `admit: true   # for network ${network}`, show(where))
  }
  return found.judgement()
}

/** What a person would type to see the chain. */
function show({ backend, family, table, chain }: ForeignDrop['where']): string {
  if (backend === 'nftables') return `nft list chain ${family} ${table} ${chain}   # to see it`
  return `${family === 'ip6' ? 'ip6tables' : 'iptables'}${backend.slice('iptables'.length)} -t ${table} -S ${chain}   # to see it`
}
