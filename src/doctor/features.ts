import type { FeatureName } from '../apply/probe.js'
import { featureNeeds } from '../apply/probe.js'
import { faultMessage } from '../errors.js'
import type { KernelFault } from '../kernel/ops.js'
import { Findings, type Judgement, sysctlFix, sysctlName } from './check.js'
import { sysctl, type View } from './view.js'

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
  /** Of `all`, `default` and bridges of ours that are to have it: those with disable_ipv6. */
  ipv6Off: string[]
}

const offKey = (name: string) => `net/ipv6/conf/${name}/disable_ipv6`

export async function readFeatures(view: View): Promise<Features> {
  const { probe, files, records } = view
  const faults: Partial<Features['faults']> = {}
  for (const name of names) faults[name] = await probe.fault(name)
  const six = records.networks.filter(({ spec }) => spec.subnets.some(({ family }) => family === 6))
  const ipv6Off: string[] = []
  for (const name of ['all', 'default', ...six.map(({ spec }) => spec.bridge)])
    if ((await sysctl(view, offKey(name))) === '1') ipv6Off.push(name)
  return {
    release: files.read('proc/sys/kernel/osrelease')?.trim() ?? 'unknown',
    faults: faults as Features['faults'],
    wantsIpv6: six.length > 0,
    ipv6Off,
  }
}

/** The oldest kernel that this is tested with. */
const oldest = [5, 10] as const

export function judgeFeatures({ release, faults, wantsIpv6, ipv6Off }: Features): Judgement {
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
  for (const name of ipv6Off.filter(each => each !== 'all')) {
    const whose = name === 'default' ? 'interfaces yet to be made have' : `${name} has`
    const evidence = `${sysctlName(offKey(name))} = 1: ${whose} no IPv6`
    // The switch for all sets that of each.
    const fix = sysctlFix(offKey(ipv6Off.includes('all') ? 'all' : name), 0)
    if (wantsIpv6) found.stop(evidence, fix)
    else found.note(`${evidence}; ${without.ipv6}`)
  }
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number)
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1]))
    found.warning(
      `older than ${oldest.join('.')}, the oldest that this is tested with`,
      `Linux ${oldest.join('.')} or later`,
    )
  return found.judgement()
}
