import { contains, formatSubnet, parseSubnet, type Subnet } from './cidr.js'
import { canonicalIp, type Family, formatIp, type Ip, parseIp } from './ip.js'
import { namespaceNameFault } from './names.js'
import { findSubnet, minIpv6Mtu, type NetworkSpec } from './network.js'
import { type Path, Problems, pathText } from './problems.js'
import { addressFault, type namespaceEntry, namespaceInput } from './schema.js'

/** An address of a namespace, with what the kernel wants to know besides. */
export interface AddressSpec {
  family: Family
  /** Canonical, without prefix. */
  address: string
  prefix: number
}

/** A namespace as it shall be: input that was checked, defaults filled. */
export interface NamespaceSpec {
  /** null: anonymous. */
  name: string | null
  interface: string
  /** null: to be derived from the names of network and namespace. */
  hostInterface: string | null
  /** Those that were asked for; the other families' are to be allocated. */
  addresses: AddressSpec[]
  mtu: number | 'auto'
  /** Besides the default ones; null: none, not even those. */
  routes: RouteSpec[] | null
  dns: { servers: string[]; search: string[] }
  /** Path under /proc/sys, as `net/ipv4/tcp_syncookies`, and what it is set to. */
  sysctls: { key: string; value: string }[]
}

/** A route inside. */
export interface RouteSpec {
  family: Family
  /** `10.0.0.0/8` */
  to: string
  /** null: by the gateway. */
  via: string | null
}

/** What one is that only has a name, or none, by network: most are such, and the schema takes longer than all else of them. */
const plain = new WeakMap<NetworkSpec, NamespaceSpec>()

/** One namespace of that network. Throws one {@link EgressError} with every problem there is. */
export function parseNamespace(input: unknown, network: NetworkSpec): NamespaceSpec {
  const name = onlyName(input)
  if (name === undefined) return parseWhole(input, network)
  let base = plain.get(network)
  if (!base) {
    base = parseWhole({}, network)
    plain.set(network, base)
  }
  return { ...base, name }
}

/** Undefined where it says more, or the name is none. */
function onlyName(input: unknown): string | null | undefined {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return undefined
  const fields = Object.entries(input)
  const [[key, name] = []] = fields
  if (fields.length === 0) return null
  return fields.length === 1 && key === 'name' && typeof name === 'string' && namespaceNameFault(name) === null
    ? name
    : undefined
}

function parseWhole(input: unknown, network: NetworkSpec): NamespaceSpec {
  const problems = new Problems(input)
  const spec = readNamespace(problems, [], network)
  problems.throwIfAny()
  return spec
}

/** Several, which may not share a name, a host interface or an address. Their fields are called `namespaces[0].name`. */
export function parseNamespaces(inputs: readonly unknown[], network: NetworkSpec): NamespaceSpec[] {
  const problems = new Problems({ namespaces: inputs })
  const taken = new Map<string, string>()
  const once = (path: Path, kind: string, value: string | null) => {
    if (value === null) return
    const key = `${kind} ${value}`
    const first = taken.get(key)
    if (first) problems.add(path, 'EGRESSD_DUPLICATE', `is that of ${first} too`)
    else taken.set(key, pathText(path))
  }
  const specs = inputs.map((_, i) => {
    const path = ['namespaces', i]
    const spec = readNamespace(problems, path, network)
    once([...path, 'name'], 'name', spec.name)
    once([...path, 'hostInterface'], 'interface', spec.hostInterface)
    spec.addresses.forEach(({ address }, j) => {
      once([...path, 'addresses', j], 'address', address)
    })
    return spec
  })
  problems.throwIfAny()
  return specs
}

// NB: where there are problems, what it returns is only as whole as the input was.
export function readNamespace(
  problems: Problems,
  path: Path,
  network: NetworkSpec,
  schema: typeof namespaceInput | typeof namespaceEntry = namespaceInput,
): NamespaceSpec {
  const fields = problems.read<typeof namespaceInput>(schema as typeof namespaceInput, path)
  const addresses = readAddresses(problems, [...path, 'addresses'], network)
  const hostInterface = problems.at([...path, 'hostInterface'])
  if (hostInterface === network.bridge)
    problems.add([...path, 'hostInterface'], 'EGRESSD_DUPLICATE', 'is the bridge of the network')
  const mtu = problems.at([...path, 'mtu'])
  if (typeof mtu === 'number' && mtu >= 68 && mtu < minIpv6Mtu && network.subnets.some(({ family }) => family === 6))
    problems.add([...path, 'mtu'], 'EGRESSD_INVALID_SPEC', `is less than IPv6 needs, ${minIpv6Mtu}`)
  if (network.subnets.some(({ family }) => family === 6)) refuseIpv6Off(problems, [...path, 'sysctls'], fields)
  return {
    name: fields?.name ?? null,
    interface: fields?.interface ?? '',
    hostInterface: fields?.hostInterface ?? null,
    addresses,
    mtu: fields?.mtu ?? network.mtu,
    routes: readRoutes(problems, path, network, fields?.routes ?? []),
    dns: {
      servers: (fields?.dns.servers ?? []).map(server => canonicalIp(server) as string),
      search: fields?.dns.search ?? [],
    },
    sysctls: readSysctls(fields?.sysctls ?? {}),
  }
}

function readRoutes(
  problems: Problems,
  path: Path,
  network: NetworkSpec,
  given: false | { to: string; via?: string | undefined }[],
): RouteSpec[] | null {
  if (given === false) return null
  const routes: RouteSpec[] = []
  for (const [i, { to, via }] of given.entries()) {
    const subnet = parseSubnet(to) as Subnet
    const { family } = subnet
    const own = network.subnets.find(subnet => subnet.family === family)
    const at: Path = [...path, 'routes', i, 'to']
    const through = via === undefined ? null : (parseIp(via) as Ip)
    const route = { family, to: formatSubnet(subnet), via: through && formatIp(through) }
    if (!own) problems.add(at, 'EGRESSD_FAMILY_MISMATCH', `is of IPv${family}, and there is no IPv${family} subnet`)
    else if (through && through.family !== family)
      problems.add([...path, 'routes', i, 'via'], 'EGRESSD_FAMILY_MISMATCH', `is not of IPv${family}, as "to" is`)
    else if (through && !contains(parseSubnet(own.subnet) as Subnet, through))
      problems.add([...path, 'routes', i, 'via'], 'EGRESSD_ADDRESS_OUTSIDE_SUBNET', `is not in ${own.subnet}`)
    else if (routes.some(known => known.to === route.to)) problems.add(at, 'EGRESSD_DUPLICATE', 'is there already')
    else routes.push(route)
  }
  return routes
}

function readSysctls(given: Record<string, string | number>): NamespaceSpec['sysctls'] {
  return Object.entries(given).map(([key, value]) => ({ key: sysctlPath(key), value: String(value) }))
}

// As sysctl(8): with slashes, dots are part of names; with dots, slashes are.
const sysctlPath = (key: string): string =>
  key[3] === '/' ? key : key.replace(/[./]/g, mark => (mark === '.' ? '/' : '.'))

/** The kernel takes the IPv6 address away then, and takes none: it would be put back again and again. */
function refuseIpv6Off(
  problems: Problems,
  path: Path,
  fields: { interface: string; sysctls: Record<string, string | number> } | undefined,
): void {
  const keys = ['all', fields?.interface].map(name => `net/ipv6/conf/${name}/disable_ipv6`)
  for (const [key, value] of Object.entries(fields?.sysctls ?? {}))
    if (keys.includes(sysctlPath(key)) && Number(value) !== 0)
      problems.add([...path, key], 'EGRESSD_INVALID_SPEC', 'turns IPv6 off, and the network has an IPv6 subnet')
}

function readAddresses(problems: Problems, list: Path, network: NetworkSpec): AddressSpec[] {
  const addresses: AddressSpec[] = []
  const subnets = network.subnets.map(({ subnet }) => parseSubnet(subnet) as Subnet)
  for (const { path, text } of problems.texts(list, addressFault)) {
    const [host = '', prefix] = text.split('/')
    const ip = parseIp(host)
    const subnet = ip && findSubnet(problems, path, ip, subnets)
    if (!subnet) continue
    const address = formatIp(ip)
    const second = addresses.find(({ family }) => family === ip.family)
    if (network.subnets.some(({ gateway }) => gateway === address))
      problems.add(path, 'EGRESSD_ADDRESS_RESERVED', `is the gateway of ${formatSubnet(subnet)}`)
    else if (prefix !== undefined && prefix !== String(subnet.prefix))
      problems.add(path, 'EGRESSD_INVALID_ADDRESS', `has another prefix than its subnet, ${formatSubnet(subnet)}`)
    else if (second)
      problems.add(path, 'EGRESSD_DUPLICATE', `is a second IPv${ip.family} address besides ${second.address}`)
    else addresses.push({ family: ip.family, address, prefix: subnet.prefix })
  }
  return addresses
}
