import { type Ip, parseIp } from './ip.js'

/** The namespace's end of its veth, the host's end, or a network's bridge (which takes the gateway's address). */
export type MacRole = 'namespace' | 'host' | 'bridge'

// First octet: locally administered (0x02 set), unicast (0x01 clear), in the quadrant that administrators may assign
// (IEEE 802c: second hex digit 2). The first digit keeps roles and families apart.
const firstOctet = { namespace: { 4: 0x02, 6: 0x22 }, host: { 4: 0x12, 6: 0x32 }, bridge: { 4: 0x42, 6: 0x62 } }

/**
 * The MAC of an interface, derived from its address, so that a neighbour entry can be written before a packet was seen.
 *
 *     192.168.0.2   02:65:c0:a8:00:02      12:65:c0:a8:00:02 on the host
 *     fd00::2       22:00:00:00:00:ff      the address folded to 40 bits
 *
 * No two IPv4 addresses share one; nor do two IPv6 addresses that agree but for their last 40 bits.
 */
export function macOf(address: Ip | string, role: MacRole): string {
  const ip = typeof address === 'string' ? parseIp(address) : address
  if (!ip) throw new TypeError(`not an IP address: ${JSON.stringify(address)}`)
  const first = octets[firstOctet[role][ip.family]]
  const four = ip.family === 4 ? Number(ip.value) : Number(fold40(ip.value) & 0xffff_ffffn)
  const second = ip.family === 4 ? 0x65 : Number(fold40(ip.value) >> 32n)
  const [c, d, e, f] = [
    octets[four >>> 24],
    octets[(four >>> 16) & 255],
    octets[(four >>> 8) & 255],
    octets[four & 255],
  ]
  return `${first}:${octets[second]}:${c}:${d}:${e}:${f}`
}

/** As they are written. */
const octets = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'))

/** Whether it is of the form of those that the ends inside have. */
export const isNamespaceMac = (mac: string): boolean => /^(02:65|22):/.test(mac)

// Exclusive or of the address cut into pieces of 40 bits.
function fold40(value: bigint): bigint {
  let folded = 0n
  for (let rest = value; rest > 0n; rest >>= 40n) folded ^= rest & 0xff_ffff_ffffn
  return folded
}
