import ipaddr from 'ipaddr.js'

export type Family = 4 | 6

/** An IP address as a number: what subnets and pools reckon with. */
export interface Ip {
  family: Family
  /** Big-endian: 10.0.0.1 is 0x0a000001n. */
  value: bigint
}

/** Bits of an address. */
export function bitsOf(family: Family): 32 | 128 {
  return family === 4 ? 32 : 128
}

/**
 * Reads what inet_pton(3) reads, and nothing else: four decimal numbers without leading zeros, or RFC 4291 text.
 * No zone, no prefix, no white space. null where it is none of these.
 */
export function parseIp(text: string): Ip | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) {
    const value = text.split('.').reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n)
    return { family: 4, value }
  }
  if (!text.includes(':') || !/^[0-9a-fA-F:.]+$/.test(text)) return null
  const hex = dottedTailAsHex(text)
  if (hex === null || !ipaddr.IPv6.isValid(hex)) return null
  const value = ipaddr.IPv6.parse(hex).parts.reduce((sum, part) => (sum << 16n) | BigInt(part), 0n)
  return { family: 6, value }
}

/** Dotted decimal, or RFC 5952: lower case, the longest run of zeros shortened. */
export function formatIp({ family, value }: Ip): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map(shift => (value >> shift) & 0xffn).join('.')
  const parts = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn))
  return new ipaddr.IPv6(parts).toString()
}

/** The one way to write that address; null where it is not one. */
export function canonicalIp(text: string): string | null {
  const ip = parseIp(text)
  return ip && formatIp(ip)
}

// `::ffff:1.2.3.4` as `::ffff:102:304`. NB: ipaddr.js 2.5.0 reads `::1.2.3.4` as `::ffff:1.2.3.4`, and octal numbers in it.
function dottedTailAsHex(text: string): string | null {
  if (!text.includes('.')) return text
  const cut = text.lastIndexOf(':') + 1
  const tail = text.slice(cut)
  if (!ipaddr.IPv4.isValidFourPartDecimal(tail)) return null
  const [a = 0, b = 0, c = 0, d = 0] = tail.split('.').map(Number)
  return `${text.slice(0, cut)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}
