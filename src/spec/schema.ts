import { z } from 'zod'
import type { ErrorCode } from '../errors.js'
import { formatSubnet, hostCount, parseCidr, parseSubnet, subnetOf } from './cidr.js'
import { parseIp } from './ip.js'
import { interfaceNameFault, namespaceNameFault, networkNameFault } from './names.js'
import { specialRangeOf, specialRangeOfIp } from './special.js'

// The form of what callers, configuration files and requests give, field by field. What fields say about each other is
// in network.ts and namespace.ts. NB: nothing here transforms, so that JSON Schema can be made of it.

/** What is wrong with a text, to go on behind it; or null. */
export type Fault = (text: string) => string | null

function text(code: ErrorCode, ...faults: Fault[]) {
  return z.string('is not a string').check(context => {
    const message = faults.map(fault => fault(context.value)).find(found => found !== null)
    // NB: `continue`, for else, of a field that may be something else too, nothing is said but that it is neither.
    if (message)
      context.issues.push({ code: 'custom', message, input: context.value, params: { code }, continue: true })
  })
}

export function subnetFault(given: string): string | null {
  const cidr = parseCidr(given)
  if (!cidr) return 'is not an address and a prefix, like 192.168.0.0/16 or fd00::/64'
  const subnet = parseSubnet(given)
  if (!subnet) return `has bits beyond its prefix; the subnet is ${formatSubnet(subnetOf(cidr))}`
  const special = specialRangeOf(subnet)
  if (special) return `has addresses of ${special}`
  return hostCount(subnet) < 2n ? 'has no room for a gateway and a namespace' : null
}

export function gatewayFault(given: string): string | null {
  const ip = parseIp(given)
  if (!ip) return 'is not an IP address'
  const special = specialRangeOfIp(ip)
  return special && `is of ${special}`
}

// `192.168.0.2`, or with the prefix of its subnet.
export function addressFault(given: string): string | null {
  return given.includes('/') && !parseCidr(given) ? 'is not an IP address' : gatewayFault(given.split('/')[0] ?? '')
}

/** Any destination but the default one; the default routes are made by themselves. */
export function routeFault(given: string): string | null {
  const cidr = parseCidr(given)
  if (!cidr) return 'is not an address and a prefix, like 10.0.0.0/8'
  if (cidr.prefix === 0) return 'is the default route, which is there by itself'
  return parseSubnet(given) ? null : `has bits beyond its prefix; the subnet is ${formatSubnet(subnetOf(cidr))}`
}

export function domainFault(given: string): string | null {
  return /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/.test(
    given,
  )
    ? null
    : 'is not the name of a domain'
}

// As sysctl(8) takes it, with dots or slashes; only what belongs to a network namespace.
export function sysctlFault(given: string): string | null {
  if (!/^net[./]/.test(given)) return 'is not one of a network namespace: it does not begin with "net."'
  if (given.length > 256) return `has ${given.length} characters; the most is 256`
  return /^[A-Za-z0-9_.:@/-]+$/.test(given) && !/\.\.|\/\/|[./]$/.test(given) ? null : 'is not the name of a sysctl'
}

// What the kernel reads of one write; and no text of the kernel's has a NUL in it.
const settingText = z
  .string()
  .max(4_095, 'has more than 4,095 characters')
  .refine(value => !value.includes('\0'), 'has a NUL in it')

const notLoopback: Fault = name => (name === 'lo' ? 'is the loopback interface' : null)
const interfaceName = text('EGRESSD_INVALID_INTERFACE_NAME', interfaceNameFault, notLoopback)

// ETH_MIN_MTU and ETH_MAX_MTU (<linux/if_ether.h>).
const mtuWords = 'is neither "auto" nor a whole number from 68 to 65535'
const mtu = z.union([z.literal('auto'), z.int(mtuWords).min(68, mtuWords).max(65_535, mtuWords)], mtuWords)

const flag = z.boolean('is neither true nor false')
const address = text('EGRESSD_INVALID_ADDRESS', gatewayFault)

export const networkInput = z.strictObject(
  {
    /** Name of the network; its bridge has it too where `bridge` is absent, and it must then be an interface name. */
    name: text('EGRESSD_INVALID_NAME', networkNameFault),
    /** Default `bridge`: namespaces share a segment. `routed`: each has a link of its own, and the host routes between. */
    mode: z.enum(['bridge', 'routed'], 'is neither "bridge" nor "routed"').default('bridge'),
    /**
     * Name of the bridge; default `name`. Up to 15 bytes. A routed network has an interface of this name too, without ports:
     * it holds the gateway's addresses.
     */
    bridge: interfaceName.optional(),
    /** At most one for each family, as `192.168.0.0/16` or `fd00::/64`. */
    subnets: z.array(text('EGRESSD_INVALID_SUBNET', subnetFault), 'is not a list').min(1, 'has no subnet'),
    /** The host's address in each subnet; default the first that a host may have. */
    gateway: z.array(text('EGRESSD_INVALID_ADDRESS', gatewayFault), 'is not a list').default([]),
    /**
     * Hide the namespaces behind the host on the way out. Default true: behind the address of the interface that a packet
     * leaves by. `to`: behind these, at most one for each family.
     */
    masquerade: z
      .union(
        [
          flag,
          z.strictObject({
            to: z.union([address, z.array(address).min(1, 'has no address')]).optional(),
            /** Source ports that cannot be guessed (`--random-fully`). Default false. */
            fullyRandom: flag.default(false),
          }),
        ],
        'is neither true, false, nor like { to: 203.0.113.7, fullyRandom: true }',
      )
      .default(true),
    /** Default `auto`: nf_tables, or xtables where the kernel has none. */
    firewall: z.enum(['auto', 'nftables', 'xtables'], 'is none of "auto", "nftables", "xtables"').default('auto'),
    /** Default true: be let through by firewalls of others that drop forwarded packets, by a rule in their chains. */
    admit: flag.default(true),
    /** Default false. Namespaces of this network cannot reach each other. */
    isolated: flag.default(false),
    /**
     * What of the host the namespaces reach. `none`: nothing. `gateway`, the default: ICMP and DNS at the gateway's address.
     * `all`: whatever listens on any address of the host, and link-local metadata services.
     */
    hostAccess: z.enum(['none', 'gateway', 'all'], 'is none of "none", "gateway", "all"').default('gateway'),
    /** Bytes; default `auto`: that of the interface that the host's default route leaves by. */
    mtu: mtu.default('auto'),
  },
  'is not an object',
)

export const namespaceInput = z.strictObject(
  {
    /** Pinned under /run/netns by this name; absent: held by a file descriptor, and gone with the process. */
    name: text('EGRESSD_INVALID_NAME', namespaceNameFault).optional(),
    /** Name of the interface inside; default `eth0`. */
    interface: interfaceName.default('eth0'),
    /** Name of the interface on the host; default: derived from the names of network and namespace. */
    hostInterface: interfaceName.optional(),
    /** At most one for each family, as `192.168.0.2` or `192.168.0.2/16`; the others are allocated. */
    addresses: z.array(text('EGRESSD_INVALID_ADDRESS', addressFault), 'is not a list').default([]),
    /** Bytes; default: the network's. */
    mtu: mtu.optional(),
    /**
     * Besides the default route by each gateway: `{ to: 10.0.0.0/8 }`, by the gateway, or `{ to: …, via: ADDRESS }`. `false`: no
     * route at all, not even the default one.
     */
    routes: z
      .union(
        [
          z.literal(false),
          z.array(
            z.strictObject(
              { to: text('EGRESSD_INVALID_SUBNET', routeFault), via: address.optional() },
              'is not like { to: 10.0.0.0/8, via: 192.168.0.9 }',
            ),
          ),
        ],
        'is neither false nor a list of routes like { to: 10.0.0.0/8, via: 192.168.0.9 }',
      )
      .default([]),
    /** What `/etc/netns/NAME/resolv.conf` says, which `spawn` and `ip netns exec` put over /etc/resolv.conf. */
    dns: z
      .strictObject(
        {
          servers: z.array(address, 'is not a list').default([]),
          search: z.array(text('EGRESSD_INVALID_NAME', domainFault), 'is not a list').default([]),
        },
        'is not an object',
      )
      .default({ servers: [], search: [] }),
    /** Settings inside, as `net.ipv4.tcp_syncookies: 0`. Each costs time that grows with the number of namespaces. */
    sysctls: z
      .record(
        text('EGRESSD_INVALID_NAME', sysctlFault),
        z.union([settingText, z.int()], 'is neither a text nor a whole number'),
        'is not an object',
      )
      .default({}),
  },
  'is not an object',
)

/** A namespace of a document: it says which network it is of, and has a name. */
export const namespaceEntry = namespaceInput.extend({
  /** Pinned under /run/netns by this name. */
  name: text('EGRESSD_INVALID_NAME', namespaceNameFault),
  /** Name of its network, which is in the same document. */
  network: text('EGRESSD_INVALID_NAME', networkNameFault),
})

export const specInput = z.strictObject(
  {
    networks: z.array(networkInput, 'is not a list').default([]),
    namespaces: z.array(namespaceEntry, 'is not a list').default([]),
  },
  'is not an object with "networks" and "namespaces"',
)

/** What a network is to be like. */
export interface NetworkInput extends z.input<typeof networkInput> {}
/** What a namespace is to be like. */
export interface NamespaceInput extends z.input<typeof namespaceInput> {}
/** A namespace of a document: it says which network it is of, and has a name. */
export interface NamespaceEntry extends z.input<typeof namespaceEntry> {}

/** What a file, or a program, says should be there. */
export interface SpecInput extends z.input<typeof specInput> {
  /** Names, interfaces and subnets are each of one only. */
  networks?: NetworkInput[]
  /** Each names its network, which is one of these. */
  namespaces?: NamespaceEntry[]
}
