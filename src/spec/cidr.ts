import { bitsOf, type Family, formatIp, type Ip, parseIp } from './ip.js'

/** A subnet: the address has no bits beyond the prefix. */
export interface Subnet {
  family: Family
  network: bigint
  prefix: number
}

/** An address with the prefix of its subnet, `192.168.0.2/16`. */
export interface Cidr extends Ip {
  prefix: number
}

/** `address/prefix`; bits beyond the prefix are allowed. null where it is not one. */
export function parseCidr(text: string): Cidr | null {
  const [, address = '', digits] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? []
  const ip = parseIp(address)
  if (!ip) return null
  const prefix = Number(digits)
  return prefix <= bitsOf(ip.family) ? { ...ip, prefix } : null
}

/** `network/prefix`; null where it is not one, or has bits beyond the prefix. */
export function parseSubnet(text: string): Subnet | null {
  const cidr = parseCidr(text)
  if (!cidr) return null
  const subnet = subnetOf(cidr)
  return subnet.network === cidr.value ? subnet : null
}

/** The subnet that an address with a prefix is in. */
export function subnetOf({ family, value, prefix }: Cidr): Subnet {
  const hostBits = BigInt(bitsOf(family) - prefix)
  return { family, network: (value >> hostBits) << hostBits, prefix }
}

export function formatSubnet({ family, network, prefix }: Subnet): string {
  return `${formatIp({ family, value: network })}/${prefix}`
}

/** How many addresses it has, usable or not. */
export function sizeOf({ family, prefix }: Subnet): bigint {
  return 1n << BigInt(bitsOf(family) - prefix)
}

/** Its last address; for IPv4 up to /30 that is the broadcast address. */
export function lastOf(subnet: Subnet): bigint {
  return subnet.network + sizeOf(subnet) - 1n
}

/** The directed broadcast address: IPv4 only, and none in a /31 (RFC 3021) or a /32. */
export function broadcastOf(subnet: Subnet): bigint | null {
  return subnet.family === 4 && subnet.prefix < 31 ? lastOf(subnet) : null
}

/**
 * The first address that a host may have: behind the network address (IPv4) or the subnet-router anycast address (IPv6,
 * RFC 4291 section 2.6.1). A /31 (RFC 3021), /127 (RFC 6164), /32 and /128 have neither: it is their first.
 */
export function firstHost(subnet: Subnet): bigint {
  return sizeOf(subnet) <= 2n ? subnet.network : subnet.network + 1n
}

/** The last address that a host may have. */
export function lastHost(subnet: Subnet): bigint {
  return broadcastOf(subnet) === null ? lastOf(subnet) : lastOf(subnet) - 1n
}

/** How many addresses hosts may have. */
export function hostCount(subnet: Subnet): bigint {
  return lastHost(subnet) - firstHost(subnet) + 1n
}

/** The n-th address that a host may have, from 0; null past the last. */
export function nthHost(subnet: Subnet, n: bigint | number): Ip | null {
  const value = firstHost(subnet) + BigInt(n)
  return value < firstHost(subnet) || value > lastHost(subnet) ? null : { family: subnet.family, value }
}

export function contains(subnet: Subnet, { family, value }: Ip): boolean {
  return family === subnet.family && value >= subnet.network && value <= lastOf(subnet)
}

/** True where they have an address in common: one is then inside the other. */
export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.family === b.family && a.network <= lastOf(b) && b.network <= lastOf(a)
}

/** Why no host may have that address of the subnet; null where it may. */
export function reservedAs(subnet: Subnet, value: bigint): 'network' | 'broadcast' | 'subnet-router anycast' | null {
  if (value < firstHost(subnet)) return subnet.family === 4 ? 'network' : 'subnet-router anycast'
  return value > lastHost(subnet) ? 'broadcast' : null
}
