import { forwardingKey } from '../plan/forwarding.js'
import { Findings, type Judgement, some, sysctlFix, sysctlName } from './check.js'
import { readSettings, type Setting } from './sysctl-files.js'
import { sysctl, type View, waysOut } from './view.js'

type Role = 'default' | 'way out' | 'ours'

export interface Forwarding {
  family: 4 | 6
  /** null: the kernel has no such family. */
  on: boolean | null
  /** `default` and the links that matter (ways out, bridges of ours), with their own switch. */
  links: { name: string; on: boolean; role: Role }[]
  /** Others that forward too, so that this host routes for more than us. */
  others: string[]
  /** Recorded networks that have this family. */
  networks: string[]
  /** We turned it on (host.json). */
  byUs: boolean
  /** Of sysctl.d: what the machine would be set to at the next boot. */
  configured: Setting | null
}

export async function readForwarding(view: View, family: 4 | 6): Promise<Forwarding> {
  const conf = (name: string) => `net/ipv${family}/conf/${name}/forwarding`
  const all = await sysctl(view, forwardingKey[family])
  const uplinks = new Set(waysOut(view, family).map(({ link }) => link.name))
  const bridges = new Set(view.records.networks.map(({ spec }) => spec.bridge))
  const links: Forwarding['links'] = []
  const others: string[] = []
  const roleOf = (name: string): Role | null => {
    if (name === 'default') return 'default'
    if (bridges.has(name)) return 'ours'
    return uplinks.has(name) ? 'way out' : null
  }
  // Looking one up costs O(namespaces): the ends of namespaces are as their bridge is, and of others a few tell enough.
  const strangers = view.links.filter(
    ({ name, alias }) => !roleOf(name) && name !== 'lo' && !alias?.startsWith('egressd:'),
  )
  const looked = [
    'default',
    ...view.links.map(({ name }) => name).filter(roleOf),
    ...strangers.slice(0, 32).map(({ name }) => name),
  ]
  for (const name of all === null ? [] : looked) {
    const on = (await sysctl(view, conf(name))) === '1'
    const role = roleOf(name)
    if (role) links.push({ name, on, role })
    else if (on) others.push(name)
  }
  const settings = readSettings(view.files).filter(({ key }) => key === forwardingKey[family] || key === conf('all'))
  const byUs = view.records.host?.forwarding.includes(family) ?? false
  const networks = view.records.networks
    .filter(({ spec, status }) => status === 'ready' && spec.subnets.some(subnet => subnet.family === family))
    .map(({ spec }) => spec.name)
  return {
    family,
    networks,
    on: all === null ? null : all === '1',
    links,
    others,
    byUs,
    configured: settings.at(-1) ?? null,
  }
}

export function judgeForwarding({ family, on, links, others, networks, byUs, configured }: Forwarding): Judgement {
  const found = new Findings()
  const key = forwardingKey[family]
  if (on === null) return found.note(`there is no ${sysctlName(key)}: this kernel has no IPv${family}`).judgement()
  if (!on) {
    const off = `${sysctlName(key)} = 0: off`
    if (networks.length > 0)
      found.stop(`${off}, and network ${some(networks)} needs it: somebody turned it off`, sysctlFix(key, 1))
    else found.note(`${off}; egressd turns it on with its first network, for its own networks alone`)
  } else {
    found.saw(`${sysctlName(key)} = 1: on${byUs ? ', turned on by egressd' : ''}`)
    if (byUs) found.saw('forwarded for networks of egressd only: its firewall drops the rest')
    else if (others.length > 0) found.saw(`this host forwards for others too: ${some(others)}`)
    // Somebody turned one off after the switch for all was thrown, which would have turned it on.
    for (const { name, role } of links.filter(link => !link.on)) {
      const own = `net/ipv${family}/conf/${name}/forwarding`
      const who = {
        default: 'a bridge that is made now would not forward',
        'way out': 'answers that come in by it are dropped',
        ours: 'what namespaces send is dropped',
      }[role]
      found.stop(`${sysctlName(own)} = 0: ${who}`, sysctlFix(own, 1))
    }
  }
  if (configured && configured.value === '0')
    found.warning(
      `${configured.file} sets ${sysctlName(configured.key)} = 0: "sysctl --system", or a reload, would turn it off under us`,
      `${sysctlName(configured.key)} = 1   # in ${configured.file}, or take the line out`,
    )
  return found.judgement()
}
