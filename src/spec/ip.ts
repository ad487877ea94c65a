import ipaddr from 'ipaddr.js'
import { ipv4Number } from '../kernel/ipv4.js'

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
  const four = ipv4Number(text)
  if (four !== null) return { family: 4, value: BigInt(four) }
  if (!text.includes(':') || !/^[0-9a-fA-F:.]+$/.test(text)) return null
  const hex = dottedTailAsHex(text)
  if (!ipaddr.IPv6.isValid(hex)) return null
  const value = ipaddr.IPv6.parse(hex).parts.reduce((sum, part) => (sum << 16n) | BigInt(part), 0n)
  return { family: 6, value }
}

/** Dotted decimal, or RFC 5952: lower case, the longest run of zeros shortened. */
export function formatIp({ family, value }: Ip): string {
  if (family === 4) {
    const four = Number(value)
    return `${four >>> 24}.${(four >>> 16) & 255}.${(four >>> 8) & 255}.${four & 255}`
  }
  const parts = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn))
  return new ipaddr.IPv6(parts).toString()
}

/** The one way to write that address; null where it is not one. */
export function canonicalIp(text: string): string | null {
  const ip = parseIp(text)
  return ip && formatIp(ip)
}

// `::ffff:1.2.3.4` as `::ffff:102:304`. NB: ipaddr.js 2.5.0 reads `::1.2.3.4` as `::ffff:1.2.3.4`, and octal numbers in it.
// Empty where the tail is none.
function dottedTailAsHex(text: string): string {
  if (!text.includes('.')) return text
  const cut = text.lastIndexOf(':') + 1
  const tail = ipv4Number(text.slice(cut))
  return tail === null ? '' : `${text.slice(0, cut)}${(tail >>> 16).toString(16)}:${(tail & 0xffff).toString(16)}`
}
