import ipaddr from 'ipaddr.js'
import { ipv4Number } from './ipv4.js'
import type { NftElement, NftSet } from './ops-nft.js'

/**
 * nft's numbers for the types of keys and values. The kernel stores them with a set and does not read them; `nft list`
 * shows elements by them. The numbers are what nft 1.0.6 sends.
 */
export const nftType = {
  /** Of any length: of fields that nft has no name for. */
  integer: { type: 4, length: 4 },
  ipv4Addr: { type: 7, length: 4 },
  ipv6Addr: { type: 8, length: 16 },
  etherAddr: { type: 9, length: 6 },
  etherType: { type: 10, length: 2 },
  inetProto: { type: 12, length: 1 },
  inetService: { type: 13, length: 2 },
  mark: { type: 19, length: 4 },
  ifaceIndex: { type: 20, length: 4 },
  ctState: { type: 26, length: 4 },
  ifname: { type: 41, length: 16 },
} as const

export interface NftDatatype {
  type: number
  /** Bytes. */
  length: number
}

/** The key of a set, to spread into an NftSet: `{ ...keyOf(nftType.ifname), name: 'bridges', … }`. */
export const keyOf = ({ type, length }: NftDatatype) => ({ keyType: type, keyLength: length })

/**
 * A concatenated key (`ipv4_addr . inet_service`). Each field starts on 4 bytes. `ranges` where the set has intervals:
 * only then does the kernel want to know the fields.
 */
export function concatenated(fields: NftDatatype[], ranges = false): Pick<NftSet, 'keyType' | 'keyLength' | 'concat'> {
  const key = {
    // Six bits a type, the first field highest.
    keyType: fields.reduce((all, field) => all * 64 + field.type, 0),
    keyLength: fields.reduce((all, field) => all + padded(field.length), 0),
  }
  return ranges ? { ...key, concat: fields.map(field => field.length) } : key
}

const padded = (length: number) => Math.ceil(length / 4) * 4

/** Fields of a concatenated key, as one key. */
export function joinKey(...fields: Uint8Array[]): Uint8Array {
  const key = new Uint8Array(fields.reduce((all, field) => all + padded(field.length), 0))
  let at = 0
  for (const field of fields) {
    key.set(field, at)
    at += padded(field.length)
  }
  return key
}

/** An interface name: 16 bytes, padded with zeros (IFNAMSIZ). */
export function ifname(name: string): Uint8Array {
  const bytes = Buffer.from(name)
  if (bytes.length === 0 || bytes.length > 15) throw new RangeError(`"${name}" is no interface name of 1 to 15 bytes`)
  const key = new Uint8Array(16)
  key.set(bytes)
  return key
}

/** The name in such a key. */
export const ifnameOf = (key: Uint8Array): string => Buffer.from(key).toString().replace(/\0.*$/s, '')

/** The 4 bytes of an IPv4 address. */
export function ipv4(address: string): Uint8Array {
  const value = ipv4Number(address)
  if (value === null) throw new RangeError(`"${address}" is no IPv4 address`)
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}
/** The 16 bytes of an IPv6 address, without a zone. */
export function ipv6(address: string): Uint8Array {
  if (!ipaddr.IPv6.isValid(address) || address.includes('%')) throw new RangeError(`"${address}" is no IPv6 address`)
  return Uint8Array.from(ipaddr.IPv6.parse(address).toByteArray())
}
/** Of either family. */
export const ip = (address: string): Uint8Array => (address.includes(':') ? ipv6(address) : ipv4(address))
/** The address in such a key. */
export const ipOf = (key: Uint8Array): string => ipaddr.fromByteArray([...key]).toString()

/** `aa:bb:cc:dd:ee:ff` */
export function etherAddr(mac: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac)) throw new RangeError(`"${mac}" is no MAC address`)
  const bytes = new Uint8Array(6)
  for (let i = 0; i < 6; i++) bytes[i] = nibble(mac, 3 * i) * 16 + nibble(mac, 3 * i + 1)
  return bytes
}

/** Of a hexadecimal digit: those of letters, in both cases, end on 1 to 6. */
function nibble(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code <= 0x39 ? code - 0x30 : (code & 0xf) + 9
}

/** A port: 2 bytes, network order. */
export const inetService = (port: number): Uint8Array => Uint8Array.of(port >> 8, port & 0xff)
/** A packet mark, and any other number that is in host order in a register. */
export const hostU32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)

/** Address and prefix length of a CIDR; a bare address has all its bits. */
export function parseCidr(cidr: string): { bytes: Uint8Array; prefix: number } {
  const [address = '', length] = cidr.split('/')
  const bytes = ip(address)
  const prefix = length === undefined ? bytes.length * 8 : Number(length)
  if (!/^\d{1,3}$/.test(length ?? '0') || prefix > bytes.length * 8)
    throw new RangeError(`"${cidr}" has no such prefix`)
  return { bytes, prefix }
}

/** The network mask of a prefix length, in so many bytes. */
export const maskOf = (prefix: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => 0xff & (0xff00 >> Math.min(8, Math.max(0, prefix - i * 8))))

export const and = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte & (b[i] ?? 0))

/**
 * The elements of an interval set that hold `first` to `last`, both included. The end element is the value behind `last`;
 * where there is none behind it (255.255.255.255, ffff:…:ffff) the interval stays open.
 */
export function rangeElements(first: Uint8Array, last: Uint8Array): NftElement[] {
  const end = next(last)
  if (end === null) return [{ key: first, openEnd: true }]
  return [{ key: first }, { key: end, intervalEnd: true }]
}

/** The same for a CIDR: `10.0.0.0/8`, `2001:db8::/32`, `0.0.0.0/0`, or a single address. */
export function cidrElements(cidr: string): NftElement[] {
  const { bytes, prefix } = parseCidr(cidr)
  const mask = maskOf(prefix, bytes.length)
  const first = and(bytes, mask)
  return rangeElements(
    first,
    first.map((byte, i) => byte | (0xff & ~(mask[i] ?? 0))),
  )
}

export interface NftRange {
  first: Uint8Array
  /** Included. */
  last: Uint8Array
  element: NftElement
}

/** The ranges that the elements of an interval set stand for, in order of their first value. */
export function rangesOf(elements: readonly NftElement[]): NftRange[] {
  const inOrder = elements.filter(element => !element.catchAll).sort(byKey)
  return inOrder.flatMap((element, i) => {
    if (element.intervalEnd) return []
    const behind = inOrder[i + 1]
    const last = behind ? previous(behind.key) : element.key.map(() => 0xff)
    return [{ first: element.key, last, element }]
  })
}

// An end comes before a beginning at the same value: intervals side by side.
const byKey = (a: NftElement, b: NftElement) =>
  Buffer.compare(a.key, b.key) || Number(b.intervalEnd ?? false) - Number(a.intervalEnd ?? false)

function next(key: Uint8Array): Uint8Array | null {
  const out = Uint8Array.from(key)
  for (let i = out.length - 1; i >= 0; i--) {
    out[i] = ((out[i] ?? 0) + 1) & 0xff
    if (out[i] !== 0) return out
  }
  return null
}

function previous(key: Uint8Array): Uint8Array {
  const out = Uint8Array.from(key)
  for (let i = out.length - 1; i >= 0; i--) {
    out[i] = ((out[i] ?? 0) - 1) & 0xff
    if (out[i] !== 0xff) break
  }
  return out
}
