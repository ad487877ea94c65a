import { kernelError } from '../errors.js'
import type { Kernel } from '../kernel/kernel.js'
import type { KernelFault } from '../kernel/ops.js'
import type { Locks } from './locks.js'
import type { Log } from './options.js'

/** What a kernel says that has no ctnetlink. */
const withoutConntrack = new Set(['EPROTONOSUPPORT', 'EOPNOTSUPP', 'EINVAL', 'ENOENT'])

/** What connection tracking remembers of addresses that nobody has any more. One reading of the table serves all that wait. */
export class FormerFlows {
  readonly #kernel: Kernel
  readonly #log: Log
  readonly #locks: Locks
  readonly #addresses = new Set<string>()

  constructor(kernel: Kernel, log: Log, locks: Locks) {
    this.#kernel = kernel
    this.#log = log
    this.#locks = locks
  }

  add(addresses: readonly string[]): void {
    for (const address of addresses) this.#addresses.add(address)
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
      const address = [...this.#addresses]
      if (address.length === 0) return null
      const [verdict] = await this.#kernel.run([{ op: 'conntrack.delete', address }])
      const fault = verdict.ok || verdict.skipped ? null : verdict.fault
      if (fault) this.#log.debug({ fault }, 'conntrack entries not deleted')
      // A kernel without ctnetlink has no way to list entries; the quarantine of the address outlasts most of them.
      if (fault && !withoutConntrack.has(fault.errno)) return fault
      for (const one of address) this.#addresses.delete(one)
      return null
    })
  }
}
