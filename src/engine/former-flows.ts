import { kernelError } from '../errors.js'
import type { Kernel } from '../kernel/kernel.js'
import type { KernelFault, Op } from '../kernel/ops.js'
import type { FirewallNetwork } from '../plan/firewall.js'
import type { Locks } from './locks.js'
import type { Log } from './options.js'

/** What a kernel says that has no ctnetlink. */
const withoutConntrack = new Set(['EPROTONOSUPPORT', 'EOPNOTSUPP', 'EINVAL', 'ENOENT'])

/**
 * What connection tracking is to forget: addresses that nobody has any more, and flows that began while there was no masquerade,
 * which would keep their own source for as long as they last.
 */
export class FormerFlows {
  readonly #kernel: Kernel
  readonly #log: Log
  readonly #locks: Locks
  readonly #addresses = new Set<string>()
  #networks: readonly FirewallNetwork[] = []

  constructor(kernel: Kernel, log: Log, locks: Locks) {
    this.#kernel = kernel
    this.#log = log
    this.#locks = locks
  }

  add(addresses: readonly string[]): void {
    for (const address of addresses) this.#addresses.add(address)
  }

  /** These are masqueraded from now on, or again. False where that is to be tried once more, by the next {@link forget}. */
  async translate(networks: readonly FirewallNetwork[]): Promise<boolean> {
    if (networks.every(({ masquerade }) => masquerade === null)) return true
    this.#networks = networks
    await this.forget()
    return this.#networks !== networks
  }

  /** Where one of `addresses` is still to be forgotten. Throws EGRESSD_KERNEL where that fails. */
  async forgetNow(addresses: readonly string[]): Promise<void> {
    if (!addresses.some(address => this.#addresses.has(address))) return
    const fault = await this.forget()
    if (fault) throw kernelError(fault, 'flows of former addresses')
  }

  /** NB: one at a time. Whoever waits for an address that another is forgetting already must wait until that is done. */
  forget(): Promise<KernelFault | null> {
    return this.#locks.run('forget', async () => {
      const networks = this.#networks
      if (networks.length > 0 && !(await this.#delete(untranslated(networks))) && this.#networks === networks)
        this.#networks = []
      const address = [...this.#addresses]
      if (address.length === 0) return null
      const fault = await this.#delete({ op: 'conntrack.delete', address })
      if (!fault) for (const one of address) this.#addresses.delete(one)
      return fault
    })
  }

  async #delete(op: Op<'conntrack.delete' | 'conntrack.deleteUntranslated'>): Promise<KernelFault | null> {
    const [verdict] = await this.#kernel.run([op])
    const fault = verdict.ok || verdict.skipped ? null : verdict.fault
    if (fault) this.#log.debug({ fault }, 'conntrack entries not deleted')
    // A kernel without ctnetlink has no way to list entries; the quarantine of the address outlasts most of them.
    return fault && withoutConntrack.has(fault.errno) ? null : fault
  }
}

function untranslated(networks: readonly FirewallNetwork[]): Op<'conntrack.deleteUntranslated'> {
  const from = networks.filter(({ masquerade }) => masquerade !== null)
  return { op: 'conntrack.deleteUntranslated', from: rangesOf(from), notTo: rangesOf(networks) }
}

const rangesOf = (networks: readonly FirewallNetwork[]) =>
  networks.flatMap(({ subnets }) => subnets.map(({ gateway, prefix }) => ({ address: gateway, prefix })))
