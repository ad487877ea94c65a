import type { NftExpr } from '../kernel/ops-nft-expr.js'
import { not, type Packet, type Tri } from './foreign-packet.js'
import type { Action } from './foreign-walk.js'

/** Targets of xtables that end a packet's way; all others let it go on. */
export function xtTarget(name: string): Action | null {
  if (name === 'REJECT' || name === 'DROP') return { does: 'drop' }
  if (['ACCEPT', 'MASQUERADE', 'SNAT', 'DNAT', 'REDIRECT', 'NETMAP', 'NFQUEUE'].includes(name))
    return { does: 'accept' }
  return null
}

// struct xt_conntrack_mtinfo3 (<linux/netfilter/xt_conntrack.h>); in host order.
const flagsAt = 146
const stateFlag = 1
/** Set by `-m state`: the same match under its old name. */
const aliasFlag = 1 << 13

/** XT_CONNTRACK_STATE_BIT: the bits of nf_tables, but for UNTRACKED and what NAT did. */
export const xtState = { INVALID: 1, ESTABLISHED: 2, RELATED: 4, NEW: 8 } as const

export function conntrackInfo(...states: (keyof typeof xtState)[]): Uint8Array {
  const info = new Uint8Array(168)
  const bits = states.reduce((all, state) => all | xtState[state], 0)
  info.set(new Uint8Array(Uint16Array.of(stateFlag, 0, bits).buffer), flagsAt)
  return info
}

/** `-m comment`'s structure holds the text and NULs. */
export function commentInfo(text: string): Uint8Array {
  const info = new Uint8Array(256)
  info.set(Buffer.from(text))
  return info
}
export const commentOf = (info: Uint8Array): string => Buffer.from(info).toString().replace(/\0.*$/s, '')

/** Whether a match of xtables within a rule of nf_tables holds. */
export function xtMatch({ name, revision, info }: NftExpr & { expr: 'match' | 'target' }, packet: Packet): Tri {
  if (name === 'comment') return 'yes'
  const states = name === 'conntrack' && revision === 3 ? statesOf(info) : null
  if (!states) return 'maybe'
  const has = states.bits & xtState[packet.state === 'established' ? 'ESTABLISHED' : 'NEW'] ? 'yes' : 'no'
  return states.invert ? not(has) : has
}

/** null where it asks for more than the state. */
export function statesOf(info: Uint8Array): { bits: number; invert: boolean } | null {
  if (info.length < flagsAt + 6) return null
  const [flags = 0, invert = 0, bits = 0] = new Uint16Array(Uint8Array.from(info.subarray(flagsAt, flagsAt + 6)).buffer)
  if ((flags & ~aliasFlag) !== stateFlag) return null
  return { bits, invert: (invert & stateFlag) !== 0 }
}
