import { contains, firstHost, formatSubnet, parseSubnet, reservedAs, type Subnet } from './cidr.js'
import { type Family, formatIp, type Ip, parseIp } from './ip.js'
import { interfaceNameFault, networkNameFault } from './names.js'
import { type Path, Problems } from './problems.js'
import { gatewayFault, networkInput, subnetFault } from './schema.js'

/** One subnet of a network, as texts in their canonical form: fit for a record. */
export interface SubnetSpec {
  family: Family
  /** `192.168.0.0/16` */
  subnet: string
  prefix: number
  /** The host's address in it, without prefix. */
  gateway: string
}

/** A network as it shall be: input that was checked, defaults filled. */
export interface NetworkSpec {
  name: string
  mode: 'bridge' | 'routed'
  /** The host's interface that has the gateway's addresses: of a routed network one without ports. */
  bridge: string
  /** One or two: at most one for each family, IPv4 first. */
  subnets: SubnetSpec[]
  /** null: packets keep their source. */
  masquerade: MasqueradeSpec | null
  firewall: 'auto' | 'nftables' | 'xtables'
  admit: boolean
  isolated: boolean
  hostAccess: HostAccess
  mtu: number | 'auto'
}

export interface MasqueradeSpec {
  /** Fixed sources, at most one for each family; the others take that of the interface. */
  to: { family: Family; address: string }[]
  fullyRandom: boolean
}

export type HostAccess = 'none' | 'gateway' | 'all'

/** The least MTU that IPv6 works with (RFC 8200, section 5). */
export const minIpv6Mtu = 1280

/** Throws one {@link EgressError} with every problem there is. */
export function parseNetwork(input: unknown): NetworkSpec {
  const problems = new Problems(input)
  const spec = readNetwork(problems, [])
  problems.throwIfAny()
  return spec
}

// NB: where there are problems, what it returns is only as whole as the input was.
export function readNetwork(problems: Problems, path: Path): NetworkSpec {
  const fields = problems.read(networkInput, path)
  const subnets = readSubnets(problems, path)
  const gateways = readGateways(problems, path, subnets)
  const masquerade = readMasquerade(problems, path, subnets)
  checkBridge(problems, path)
  const given = problems.at([...path, 'mtu'])
  if (typeof given === 'number' && given >= 68 && given < minIpv6Mtu && subnets.some(({ family }) => family === 6))
    problems.add([...path, 'mtu'], 'EGRESSD_INVALID_SPEC', `is less than IPv6 needs, ${minIpv6Mtu}`)
  const name = fields?.name ?? ''
  return {
    name,
    mode: fields?.mode ?? 'bridge',
    bridge: fields?.bridge ?? name,
    subnets: subnets.map(subnet => specOf(subnet, gateways.get(subnet))).sort((a, b) => a.family - b.family),
    masquerade,
    firewall: fields?.firewall ?? 'auto',
    admit: fields?.admit ?? true,
    isolated: fields?.isolated ?? false,
    hostAccess: fields?.hostAccess ?? 'gateway',
    mtu: fields?.mtu ?? 'auto',
  }
}

/** What is checked here: a fixed source is one of the families of the network, and there is one for each. */
function readMasquerade(problems: Problems, base: Path, subnets: Subnet[]): MasqueradeSpec | null {
  const given = problems.at([...base, 'masquerade'])
  if (given === false) return null
  if (typeof given !== 'object' || given === null) return { to: [], fullyRandom: false }
  const { to = [], fullyRandom = false } = given as { to?: string | string[]; fullyRandom?: boolean }
  const list = typeof to === 'string' ? [to] : to
  const sources: MasqueradeSpec['to'] = []
  for (const [i, text] of Array.isArray(list) ? list.entries() : []) {
    const path: Path = [...base, 'masquerade', 'to', ...(typeof to === 'string' ? [] : [i])]
    const ip = typeof text === 'string' && gatewayFault(text) === null ? parseIp(text) : null
    if (!ip) continue
    if (!subnets.some(({ family }) => family === ip.family))
      problems.add(
        path,
        'EGRESSD_FAMILY_MISMATCH',
        `is an IPv${ip.family} address, and there is no IPv${ip.family} subnet`,
      )
    else if (sources.some(({ family }) => family === ip.family))
      problems.add(path, 'EGRESSD_DUPLICATE', `is a second IPv${ip.family} address`)
    else sources.push({ family: ip.family, address: formatIp(ip) })
  }
  return { to: sources.sort((a, b) => a.family - b.family), fullyRandom }
}

function specOf(subnet: Subnet, gateway: Ip | undefined): SubnetSpec {
  const { family, prefix } = subnet
  return {
    family,
    subnet: formatSubnet(subnet),
    prefix,
    gateway: formatIp(gateway ?? { family, value: firstHost(subnet) }),
  }
}

function readSubnets(problems: Problems, base: Path): Subnet[] {
  const subnets: Subnet[] = []
  for (const { path, text } of problems.texts([...base, 'subnets'], subnetFault)) {
    const subnet = parseSubnet(text)
    if (!subnet) continue
    if (subnets.some(({ family }) => family === subnet.family))
      problems.add(path, 'EGRESSD_DUPLICATE', `is a second IPv${subnet.family} subnet; a network has one`)
    else subnets.push(subnet)
  }
  return subnets
}

function readGateways(problems: Problems, base: Path, subnets: Subnet[]): Map<Subnet, Ip> {
  const gateways = new Map<Subnet, Ip>()
  // A gateway may be right for a subnet that could not be read: then that is the problem, and the only one.
  const given = problems.at([...base, 'subnets'])
  const unread =
    !Array.isArray(given) || given.length === 0 || given.some(text => typeof text !== 'string' || subnetFault(text))
  for (const { path, text } of problems.texts([...base, 'gateway'], gatewayFault)) {
    const ip = parseIp(text)
    if (!ip || (unread && !subnets.some(({ family }) => family === ip.family))) continue
    const subnet = findSubnet(problems, path, ip, subnets)
    if (!subnet) continue
    if (gateways.has(subnet)) problems.add(path, 'EGRESSD_DUPLICATE', `is a second gateway in ${formatSubnet(subnet)}`)
    else gateways.set(subnet, ip)
  }
  return gateways
}

/** The subnet that a host's address is of; null, and a problem, where it cannot be a host's in any of them. */
export function findSubnet(problems: Problems, path: Path, ip: Ip, subnets: Subnet[]): Subnet | null {
  const subnet = subnets.find(({ family }) => family === ip.family)
  if (!subnet) {
    const what = `is an IPv${ip.family} address, and there is no IPv${ip.family} subnet`
    problems.add(path, 'EGRESSD_FAMILY_MISMATCH', what)
    return null
  }
  if (!contains(subnet, ip)) {
    problems.add(path, 'EGRESSD_ADDRESS_OUTSIDE_SUBNET', `is not in ${formatSubnet(subnet)}`)
    return null
  }
  const reserved = reservedAs(subnet, ip.value)
  if (reserved) problems.add(path, 'EGRESSD_ADDRESS_RESERVED', `is the ${reserved} address of ${formatSubnet(subnet)}`)
  return reserved ? null : subnet
}

// The bridge has the network's name where it has none of its own.
function checkBridge(problems: Problems, path: Path): void {
  const name = problems.at([...path, 'name'])
  if (problems.at([...path, 'bridge']) !== undefined || typeof name !== 'string' || networkNameFault(name)) return
  const fault = name === 'lo' ? 'is the loopback interface' : interfaceNameFault(name)
  if (fault)
    problems.add(
      [...path, 'name'],
      'EGRESSD_INVALID_INTERFACE_NAME',
      `${fault}, and names the bridge: give "bridge" too`,
    )
}
