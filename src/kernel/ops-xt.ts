export type XtTable = 'filter' | 'nat' | 'mangle' | 'raw' | 'security'

/**
 * A rule of xtables legacy, written byte for byte as iptables-legacy 1.8.9 writes it for the same words, the comment
 * before the states. Either can delete what the other made.
 */
export interface XtRule {
  /** `-s`: address and prefix. Host bits are cleared. */
  source?: { address: string; prefix: number; invert?: boolean }
  /** `-d` */
  destination?: { address: string; prefix: number; invert?: boolean }
  /** `-i`; a trailing `+` is a wildcard. */
  input?: { name: string; invert?: boolean }
  /** `-o` */
  output?: { name: string; invert?: boolean }
  /** `-p`, a number up to 255; absent (or 0) is all. */
  protocol?: number
  /** `-m tcp --dport` or `-m udp --dport`, with protocol 6 or 17 */
  destinationPort?: number
  /** `-m icmp --icmp-type` or `-m icmp6 --icmpv6-type`, of any code, with protocol 1 or 58 */
  icmpType?: number
  /** `-m comment --comment`: up to 255 bytes. */
  comment?: string
  /** `-m conntrack --ctstate`: one or more. */
  ctstate?: readonly ('INVALID' | 'NEW' | 'ESTABLISHED' | 'RELATED' | 'UNTRACKED' | 'SNAT' | 'DNAT')[]
  target: 'ACCEPT' | 'DROP' | 'RETURN' | 'MASQUERADE' | 'SNAT'
  /** `--random-fully` (MASQUERADE and SNAT) */
  randomFully?: boolean
  /** `--to-source` (SNAT): one address */
  toSource?: string
}

/** `insert` puts it first in the chain; `append` last; `delete` removes the first rule that is just so. */
export type XtEdit = { edit: 'insert' | 'append' | 'delete'; chain: string; rule: XtRule }

/** A rule as read: what we understand of it, and whether that is all of it. */
export interface XtListedRule {
  /**
   * True where `rule`, given to `delete`, is this very rule. False where it has matches, a target or fields that XtRule
   * cannot say; `rule` then holds the rest, and the true rule may be narrower, or (an inverted protocol) another.
   */
  whole: boolean
  /** Its `target` may be the name of any extension, or of a chain that it jumps or goes to; empty where there is none. */
  rule: Omit<XtRule, 'target'> & { target: string }
  /** Names of all its matches, in order. */
  matches: string[]
  packets: bigint
  bytes: bigint
}
export interface XtListedChain {
  name: string
  /** Built-in chains only. */
  policy: 'ACCEPT' | 'DROP' | null
  packets: bigint
  bytes: bigint
  rules: XtListedRule[]
}

export interface XtOps {
  /**
   * ENOENT where the kernel has no such table, or no xtables at all. NB: the first look at a table makes it in that
   * namespace, as with iptables: empty chains with policy ACCEPT.
   */
  'xt.list': { fields: { family: 4 | 6; table: XtTable }; value: { chains: XtListedChain[] } }
  /**
   * Replaces the table by itself with the edits made, in order, in one IPT_SO_SET_REPLACE under the lock of iptables
   * (flock(2) on /run/xtables.lock, or on the file that the environment names in XTABLES_LOCKFILE). All other rules and
   * their counters stay as they are. Nothing is written where no edit changes anything.
   *
   * ENOENT, and nothing is changed, where there is no such chain, or no such rule to delete. EBUSY where the lock could
   * not be had within `lockTimeoutMs` (default 5000, up to 60000). EINVAL from IPT_SO_SET_REPLACE is the kernel refusing
   * a rule in that chain (MASQUERADE belongs to POSTROUTING of nat). Only where `call` is IPT_SO_SET_ADD_COUNTERS have
   * the edits been made although the verdict is a fault: then all counters of the table began anew.
   */
  'xt.edit': {
    fields: { family: 4 | 6; table: XtTable; edits: readonly XtEdit[]; lockTimeoutMs?: number }
    value: undefined
  }
}
