import { EgressError, kernelError } from '../errors.js'
import type { Kernel } from '../kernel/kernel.js'
import type { Op, ValueOf, Verdict } from '../kernel/ops.js'

//   ns0 ── veth ── br0 [host] uplink0 ──────── wan0 [internet] lo
//                              203.0.113.2      203.0.113.1     8.8.8.8
//                              2001:db8:113::2  2001:db8:113::1 2001:4860:4860::8888
//
// The internet knows no way back to the namespaces' own addresses: what is not masqueraded gets no answer. The host has no
// way out but this one (RFC 5737 and RFC 3849 addresses).
export const uplink = {
  name: 'uplink0',
  4: { host: '203.0.113.2', internet: '203.0.113.1', prefix: 24, public: '8.8.8.8' },
  6: { host: '2001:db8:113::2', internet: '2001:db8:113::1', prefix: 64, public: '2001:4860:4860::8888' },
} as const

export interface Internet {
  /** Descriptor of its namespace. */
  fd: number
}

/** Gives the kernel's host namespace an uplink to a private internet, which is pinned at `pin` where that is given. */
export async function layInternet(host: Kernel, pin?: string): Promise<Internet> {
  const wan = { in: 1, index: 2 }
  const both = [4, 6] as const
  const [made, , { index }] = await runAll(host, [
    { op: 'netns.create', as: 1, hold: true, pin },
    { op: 'link.add', kind: 'veth', name: uplink.name, peer: { name: 'wan0', netns: 1, index: 2 } },
    { op: 'link.get', name: uplink.name },
  ])
  const fd = made.fd as number
  await runAll(host, [
    { op: 'netns.open', as: 1, from: { fd } },
    { op: 'link.set', in: 1, index: 1, up: true },
    { op: 'link.set', in: 1, index: 2, addrGenMode: 'none' },
    { op: 'link.set', in: 1, index: 2, up: true },
    // Without one it could not ask whether a neighbour is still there: both ends need it.
    { op: 'address.add', ...wan, address: 'fe80::1', prefix: 64, noDad: true },
    { op: 'link.set', name: 'lo', up: true },
    { op: 'link.set', index, addrGenMode: 'none' },
    { op: 'link.set', index, up: true },
    { op: 'address.add', index, address: 'fe80::2', prefix: 64, noDad: true },
    ...both.flatMap((family): Op[] => {
      const { internet, prefix, public: address, host: own } = uplink[family]
      const noDad = family === 6
      return [
        { op: 'address.add', ...wan, address: internet, prefix, noDad },
        { op: 'address.add', in: 1, index: 1, address, prefix: family === 4 ? 32 : 128, noDad },
        { op: 'address.add', index, address: own, prefix, noDad },
        { op: 'route.add', family, gateway: internet, index },
      ]
    }),
    // Asked for by itself, each end carries at once (linkwatch_sync_dev()): what is sent before the kernel has noticed is lost.
    { op: 'link.get', ...wan },
    { op: 'link.get', index },
  ])
  return { fd }
}

async function runAll<const J extends readonly Op[]>(kernel: Kernel, ops: J) {
  const verdicts: readonly Verdict[] = await kernel.run(ops)
  return verdicts.map((verdict, i) => {
    if (verdict.ok) return verdict.value
    if (verdict.skipped) throw new EgressError('EGRESSD_KERNEL', `${ops[i]?.op} was skipped`)
    throw kernelError(verdict.fault, 'the private internet')
  }) as { [I in keyof J]: ValueOf<J[I]> }
}
