import { EgressError, faultMessage, kernelError } from '../errors.js'
import type { Kernel } from '../kernel/kernel.js'
import type { KernelFault, Op } from '../kernel/ops.js'
import type { Backend } from '../plan/firewall.js'

interface Feature {
  /** What it is for, and what to build or load to have it. */
  needs: string
  /** Tried in a namespace made for it, which is gone afterwards. */
  ops: Op[]
}

const nat = { family: 'inet', table: 'probe' } as const
const ports = { family: 'bridge', name: 'probe' } as const
const inPorts = { family: 'bridge', table: 'probe' } as const

const onBridge = { family: 'bridge', name: 'probe' } as const

const features = {
  bridge: {
    needs: 'bridges: CONFIG_BRIDGE, module bridge',
    ops: [{ op: 'link.add', in: 1, kind: 'bridge', name: 'probe0' }],
  },
  veth: {
    needs: 'veth pairs: CONFIG_VETH, module veth',
    ops: [{ op: 'link.add', in: 1, kind: 'veth', name: 'probe1', peer: { name: 'probe2' } }],
  },
  nftables: {
    needs:
      'nf_tables with masquerade and bridges: CONFIG_NF_TABLES_INET, CONFIG_NF_TABLES_BRIDGE, CONFIG_NFT_NAT, CONFIG_NFT_MASQ, modules nf_tables and nft_masq',
    ops: [
      {
        op: 'nft.commit',
        in: 1,
        changes: [
          { change: 'table.add', family: 'inet', name: 'probe' },
          { change: 'chain.add', ...nat, name: 'probe', type: 'nat', hook: 'postrouting', priority: 100 },
          { change: 'rule.add', ...nat, chain: 'probe', exprs: [{ expr: 'masquerade' }] },
          // Who may send is looked at where frames enter a bridge.
          { change: 'table.add', ...ports },
          { change: 'chain.add', ...inPorts, name: 'probe', type: 'filter', hook: 'prerouting', priority: 0 },
        ],
      },
    ],
  },
  xtables: {
    needs:
      'xtables with masquerade: CONFIG_IP_NF_NAT, CONFIG_IP_NF_TARGET_MASQUERADE, modules iptable_nat and xt_MASQUERADE',
    ops: [
      {
        op: 'xt.edit',
        in: 1,
        family: 4,
        table: 'nat',
        edits: [{ edit: 'append', chain: 'POSTROUTING', rule: { target: 'MASQUERADE' } }],
      },
    ],
  },
  nftBridge: {
    needs: 'nf_tables on bridges: CONFIG_NF_TABLES_BRIDGE, module nf_tables_bridge or nft_meta_bridge',
    ops: [
      {
        op: 'nft.commit',
        in: 1,
        changes: [
          { change: 'table.add', ...onBridge },
          {
            change: 'chain.add',
            family: 'bridge',
            table: 'probe',
            name: 'probe',
            type: 'filter',
            hook: 'forward',
            priority: 0,
          },
        ],
      },
    ],
  },
  intervals: {
    needs: 'concatenated interval sets: CONFIG_NF_TABLES, Linux 5.6 or later',
    ops: [
      {
        op: 'nft.commit',
        in: 1,
        changes: [
          { change: 'table.add', family: 'inet', name: 'probe' },
          { change: 'set.add', ...nat, name: 'probe', keyType: 0, keyLength: 8, interval: true, concat: [4, 4] },
        ],
      },
    ],
  },
  ctnetlink: {
    needs: 'ctnetlink: CONFIG_NF_CT_NETLINK, module nf_conntrack_netlink',
    ops: [{ op: 'conntrack.list', in: 1, family: 4 }],
  },
  ipv6: {
    needs: 'IPv6: CONFIG_IPV6, and no ipv6.disable=1 on the kernel command line',
    ops: [{ op: 'sysctl.get', in: 1, key: 'net/ipv6/conf/all/forwarding' }],
  },
} satisfies Record<string, Feature>

/** Shortages that pass: they say nothing of what the kernel has. */
const passing = new Set(['EAGAIN', 'EBUSY', 'EINTR', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ENOSPC'])

export type FeatureName = keyof typeof features

/** What it is for, and what to build or load to have it. */
export const featureNeeds = (name: FeatureName): string => features[name].needs

/** What the kernel has, found out by trying, until it is there. */
export class Probe {
  readonly #kernel: Kernel
  readonly #faults = new Map<FeatureName, Promise<KernelFault | null>>()

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  /** null where the kernel has it. Throws EGRESSD_KERNEL where that cannot be found out now. */
  fault(name: FeatureName): Promise<KernelFault | null> {
    let fault = this.#faults.get(name)
    if (!fault) {
      fault = this.#try(name)
      this.#faults.set(name, fault)
      // What was not to be had may be had later: a module is loaded, a shortage passes.
      fault.then(
        found => found && this.#faults.delete(name),
        () => this.#faults.delete(name),
      )
    }
    return fault
  }

  /** Throws EGRESSD_MISSING_FEATURE, or EGRESSD_MISSING_CAPABILITY, for the first that is not there. */
  async require(names: readonly FeatureName[]): Promise<void> {
    for (const name of names) {
      const fault = await this.fault(name)
      if (!fault) continue
      const lacks = fault.errno === 'EPERM' ? 'EGRESSD_MISSING_CAPABILITY' : 'EGRESSD_MISSING_FEATURE'
      throw new EgressError(lacks, `the kernel will not make ${features[name].needs}: ${faultMessage(fault)}`, {
        fault,
      })
    }
  }

  /** The firewall backend to use, and why it is that one. */
  async backend(wanted: Backend | 'auto'): Promise<{ backend: Backend; why: string }> {
    if (wanted !== 'auto') {
      await this.require([wanted])
      return { backend: wanted, why: 'it was asked for' }
    }
    const fault = await this.fault('nftables')
    if (!fault) return { backend: 'nftables', why: 'the kernel has nf_tables' }
    await this.require(['xtables'])
    return { backend: 'xtables', why: `nf_tables is not to be had: ${faultMessage(fault)}` }
  }

  async #try(name: FeatureName): Promise<KernelFault | null> {
    const verdicts = await this.#kernel.run([{ op: 'netns.create', as: 1 }, ...features[name].ops])
    const bad = verdicts.find(verdict => !verdict.ok && !verdict.skipped)
    const fault = (bad as { fault: KernelFault } | undefined)?.fault ?? null
    if (fault && passing.has(fault.errno)) throw kernelError(fault, 'probe')
    return fault
  }
}
