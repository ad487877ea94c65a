import type { Plan, PlannedOp } from './plan.js'

/** What the host forwards, as read. */
export interface ActualForwarding {
  4: boolean
  6: boolean
  /** Interfaces that learn their default route from router advertisements, and would stop as a router does. */
  acceptRaInterfaces: string[]
}

export const forwardingKey = { 4: 'net/ipv4/ip_forward', 6: 'net/ipv6/conf/all/forwarding' } as const

/**
 * Turns forwarding on where it is off. NB: the last thing to be done for a network: once all of it stands it is not undone,
 * for others may rely on it from that moment.
 */
export function planForwarding(families: readonly (4 | 6)[], actual: ActualForwarding): Plan {
  const plan: PlannedOp[] = []
  // ip-sysctl(7), accept_ra: a host that forwards ignores advertisements unless it is 2.
  if (families.includes(6) && !actual[6])
    for (const name of actual.acceptRaInterfaces)
      plan.push({
        does: `let ${name} keep accepting router advertisements`,
        op: { op: 'sysctl.set', key: `net/ipv6/conf/${name}/accept_ra`, value: '2' },
        undo: { op: 'sysctl.set', key: `net/ipv6/conf/${name}/accept_ra`, value: '1' },
      })
  for (const family of families)
    if (!actual[family])
      plan.push({
        does: `turn IPv${family} forwarding on`,
        op: { op: 'sysctl.set', key: forwardingKey[family], value: '1' },
        undo: { op: 'sysctl.set', key: forwardingKey[family], value: '0' },
      })
  return plan
}
