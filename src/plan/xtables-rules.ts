import type { XtRule, XtTable } from '../kernel/ops-xt.js'
import { type DesiredFirewall, type FirewallNetwork, metadataAddresses } from './firewall.js'

/** Rules with such a comment are ours, and no others. */
export const xtCommentPrefix = 'egressd:'
const guardComment = `${xtCommentPrefix}guard`

/** Our rules of one chain, in their order: `front` before all others, `back` behind them. */
export interface XtBlock {
  table: XtTable
  chain: string
  front: XtRule[]
  back: XtRule[]
}

type Family = 4 | 6
const icmp = { protocol: { 4: 1, 6: 58 }, echo: { 4: 8, 6: 128 }, neighbours: [135, 136] }
const gives = (address: string, prefix: number) => ({ address, prefix })
const cidr = (text: string, family: Family) => {
  const [address = '', prefix = family === 4 ? '32' : '128'] = text.split('/')
  return gives(address, Number(prefix))
}

/** What one family's chains should have of us. */
export function xtBlocks({ networks, guard }: DesiredFirewall, family: Family): XtBlock[] {
  const all = networks.flatMap(network => viewOf(network, family))
  // The newest first: what is there already then stays where it is.
  const ours = all.filter(({ network }) => network.backend === 'xtables').reverse()
  return [
    { table: 'filter', chain: 'INPUT', front: ours.flatMap(inputRules), back: [] },
    {
      table: 'filter',
      chain: 'FORWARD',
      front: ours.flatMap(forwardRules),
      back: ours.length > 0 && guard.includes(family) ? guardRules(all) : [],
    },
    {
      table: 'nat',
      chain: 'POSTROUTING',
      front: [],
      back: [...ours].reverse().flatMap(view => natRules(view, all)),
    },
  ]
}

/** A network in one family: how its packets are known, coming and going. */
interface View {
  network: FirewallNetwork
  family: Family
  subnet: { address: string; prefix: number }
  gateway: { address: string; prefix: number }
  comment: string
  from: Pick<XtRule, 'input' | 'source'>
  to: Pick<XtRule, 'output' | 'destination'>
}

function viewOf(network: FirewallNetwork, family: Family): View[] {
  const spec = network.subnets.find(subnet => subnet.family === family)
  if (!spec) return []
  const subnet = cidr(spec.subnet, family)
  const { mode, bridge, name } = network
  // A routed network has an interface for each namespace: what they have in common is the subnet.
  const [from, to] =
    mode === 'bridge'
      ? [{ input: { name: bridge } }, { output: { name: bridge } }]
      : [{ source: subnet }, { destination: subnet }]
  return [{ network, family, subnet, gateway: cidr(spec.gateway, family), comment: xtCommentPrefix + name, from, to }]
}

const answers: XtRule['ctstate'] = ['RELATED', 'ESTABLISHED']
const strays: XtRule['ctstate'] = ['INVALID', 'UNTRACKED']

/** NB: with br_netfilter, frames between two ports of a bridge come by our rules too. */
const outwards = ({ network: { mode, bridge }, subnet }: View): Pick<XtRule, 'output' | 'destination'> =>
  mode === 'bridge' ? { output: { name: bridge, invert: true } } : { destination: { ...subnet, invert: true } }

/** On the bridge only its own subnet: nf_tables, where there is some, knows it of each port. */
function confine({ network, subnet, comment, from }: View): XtRule[] {
  if (network.mode !== 'bridge') return []
  return [{ ...from, source: { ...subnet, invert: true }, comment, target: 'DROP' }]
}

function inputRules(view: View): XtRule[] {
  const { network, family, gateway, comment, from } = view
  if (network.hostAccess === 'all') return confine(view)
  const accept = (rule: Omit<XtRule, 'target'>): XtRule => ({ ...from, ...rule, comment, target: 'ACCEPT' })
  const icmpOf = (icmpType: number) => ({ protocol: icmp.protocol[family], icmpType })
  const services =
    network.hostAccess === 'none'
      ? []
      : [
          accept({ destination: gateway, ...icmpOf(icmp.echo[family]) }),
          accept({ destination: gateway, protocol: 17, destinationPort: 53 }),
          accept({ destination: gateway, protocol: 6, destinationPort: 53 }),
        ]
  return [
    ...confine(view),
    accept({ ctstate: answers }),
    ...(family === 6 ? icmp.neighbours.map(type => accept(icmpOf(type))) : []),
    ...services,
    { ...from, comment, target: 'DROP' },
  ]
}

function forwardRules(view: View): XtRule[] {
  const { network, family, subnet, comment, from, to } = view
  const metadata = cidr(metadataAddresses[family], family)
  return [
    ...confine(view),
    ...(network.hostAccess === 'all' ? [] : [{ ...from, destination: metadata, comment, target: 'DROP' as const }]),
    ...(network.isolated ? [{ source: subnet, destination: subnet, comment, target: 'DROP' as const }] : []),
    // NB: what is of no connection is not translated, and would leave under its own source.
    ...(network.masquerade ? [{ ...from, ...outwards(view), ctstate: strays, comment, target: 'DROP' as const }] : []),
    { ...from, comment, target: 'ACCEPT' },
    // Without masquerade others may call a namespace by its own address.
    { ...to, ...(network.masquerade !== null && { ctstate: answers }), comment, target: 'ACCEPT' },
  ]
}

/**
 * What nobody before it has let through is dropped, but for what another's own rule redirected, and for networks whose
 * rules nf_tables has: a drop is final there too. These go on to the chain's policy, as if there were no guard.
 */
function guardRules(all: View[]): XtRule[] {
  const others = all
    .filter(({ network }) => network.backend !== 'xtables')
    .flatMap(({ comment, from, to }): XtRule[] => [
      { ...from, comment, target: 'RETURN' },
      { ...to, comment, target: 'RETURN' },
    ])
  return [
    ...others,
    { comment: guardComment, ctstate: ['DNAT'], target: 'RETURN' },
    { comment: guardComment, target: 'DROP' },
  ]
}

function natRules(view: View, all: View[]): XtRule[] {
  const { network, family, subnet, comment } = view
  const { masquerade } = network
  if (masquerade === null) return []
  const source = masquerade.to.find(each => each.family === family)?.address
  const others = all.filter(other => other.network !== network)
  return [
    // From one of our networks to another the source is kept.
    ...others.map(({ subnet: destination }): XtRule => ({ source: subnet, destination, comment, target: 'ACCEPT' })),
    {
      source: subnet,
      ...outwards(view),
      comment,
      target: source === undefined ? 'MASQUERADE' : 'SNAT',
      ...(source !== undefined && { toSource: source }),
      ...(masquerade.fullyRandom && { randomFully: true }),
    },
  ]
}
