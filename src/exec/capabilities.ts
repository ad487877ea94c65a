import { readFileSync } from 'node:fs'

/** Bit numbers of <linux/capability.h>. */
const bits = { CAP_NET_ADMIN: 12n, CAP_NET_RAW: 13n, CAP_SYS_ADMIN: 21n } as const
export type Capability = keyof typeof bits

/** Those of `wanted` that this process does not have in its effective set (capabilities(7)). */
export function missingCapabilities(wanted: readonly Capability[]): Capability[] {
  const status = readFileSync('/proc/thread-self/status', 'utf8')
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
  return wanted.filter(name => (effective & (1n << bits[name])) === 0n)
}
