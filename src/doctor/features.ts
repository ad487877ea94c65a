import type { FeatureName } from '../apply/probe.js'
import { featureNeeds } from '../apply/probe.js'
import { faultMessage } from '../errors.js'
import type { KernelFault } from '../kernel/ops.js'
import { Findings, type Judgement } from './check.js'
import type { View } from './view.js'

/** What is tried, each in a namespace made for it, and what its absence means. */
const tried = {
  bridge: 'stop',
  veth: 'stop',
  nftables: 'backend',
  xtables: 'backend',
  nftBridge: 'nftables',
  intervals: 'nftables',
  ctnetlink: 'warning',
  ipv6: 'ipv6',
} as const satisfies Partial<Record<FeatureName, string>>
type Tried = keyof typeof tried
const names = Object.keys(tried) as Tried[]

const without: Record<Tried, string> = {
  bridge: 'no network can be made',
  veth: 'no namespace can be attached',
  nftables: 'the firewall backend is xtables',
  xtables: 'the firewall backend is nftables',
  nftBridge: 'frames between namespaces of one bridge cannot be checked by nf_tables',
  intervals: 'rules cannot look up address ranges together with other fields',
  ctnetlink: 'what conntrack remembers of a former holder of an address cannot be removed',
  ipv6: 'networks with an IPv6 subnet cannot be made',
}

export interface Features {
  /** /proc/sys/kernel/osrelease */
  release: string
  faults: Record<Tried, KernelFault | null>
  /** Recorded networks have an IPv6 subnet. */
  wantsIpv6: boolean
}

export async function readFeatures({ probe, files, records }: View): Promise<Features> {
  const faults: Partial<Features['faults']> = {}
  for (const name of names) faults[name] = await probe.fault(name)
  return {
    release: files.read('proc/sys/kernel/osrelease')?.trim() ?? 'unknown',
    faults: faults as Features['faults'],
    wantsIpv6: records.networks.some(({ spec }) => spec.subnets.some(({ family }) => family === 6)),
  }
}

/** The oldest kernel that this is tested with. */
const oldest = [5, 10] as const

export function judgeFeatures({ release, faults, wantsIpv6 }: Features): Judgement {
  const found = new Findings().saw(`Linux ${release}`)
  const there = names.filter(name => !faults[name])
  if (there.length > 0) found.saw(`made in a throw-away namespace: ${there.join(', ')}`)
  for (const name of names) {
    const fault = faults[name]
    if (!fault) continue
    const evidence = `no ${name}: ${faultMessage(fault)}; ${without[name]}`
    const fix = `a kernel with ${featureNeeds(name)}`
    const kind = tried[name]
    if (kind === 'stop') found.stop(evidence, fix)
    else if (kind === 'backend') {
      if (faults.nftables && faults.xtables) found.stop(`no ${name}: ${faultMessage(fault)}; no firewall backend`, fix)
      else found.note(evidence)
    } else if (kind === 'nftables') {
      if (faults.nftables) found.saw(`no ${name}, as there is no nftables`)
      else found.warning(evidence, fix)
    } else if (kind === 'ipv6' && !wantsIpv6) found.note(evidence)
    else if (kind === 'ipv6') found.stop(`${evidence}, and there is one recorded`, fix)
    else found.warning(evidence, fix)
  }
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number)
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1]))
    found.warning(
      `older than ${oldest.join('.')}, the oldest that this is tested with`,
      `Linux ${oldest.join('.')} or later`,
    )
  return found.judgement()
}
