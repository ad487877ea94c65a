import { Findings, type Judgement, sysctlName } from './check.js'
import { sysctlNumber, type View } from './view.js'

const keys = ['arptables', 'iptables', 'ip6tables'].map(table => `net/bridge/bridge-nf-call-${table}`)

/** Values by key; null: the module br_netfilter is not there. */
export type BridgeNetfilter = Record<string, number | null>

export async function readBridgeNetfilter(view: View): Promise<BridgeNetfilter> {
  return Object.fromEntries(await Promise.all(keys.map(async key => [key, await sysctlNumber(view, key)])))
}

export function judgeBridgeNetfilter(values: BridgeNetfilter): Judgement {
  const found = new Findings()
  const there = Object.entries(values).filter(([, value]) => value !== null)
  if (there.length === 0)
    return found
      .saw('br_netfilter is not loaded: frames between namespaces of a bridge do not meet the IP firewall')
      .judgement()
  for (const [key, value] of there) found.saw(`${sysctlName(key)} = ${value}`)
  const on = there.filter(([key, value]) => value === 1 && !key.endsWith('arptables'))
  if (on.length > 0)
    found.note(
      'frames between namespaces of one bridge pass the forward chains of the IP firewall too: whoever drops forwarded packets there drops those as well',
      ...on.map(([key]) => `sysctl -w ${sysctlName(key)}=0   # unless Kubernetes or libvirt wants it`),
    )
  return found.judgement()
}
