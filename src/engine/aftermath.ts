import type { FirewallNetwork } from '../plan/firewall.js'
import type { FormerFlows } from './former-flows.js'
import type { Log } from './options.js'
import type { Reaper } from './reaper.js'

/** So much comes together in that time that one reading of the kernel does for all. */
const soonMs = 200
/** What fails is tried again, after twice as long each time; so often in a row, and then not before something else is destroyed. */
const attempts = 8

export interface AftermathParts {
  flows: FormerFlows
  reaper: Reaper
  /** Takes out of the firewall what destroyed namespaces have left there. */
  flush: () => Promise<void>
  log: Log
}

/** What is left to be done once namespaces are gone: in a moment, for all that there are by then. */
export class Aftermath {
  readonly #parts: AftermathParts
  #timer: NodeJS.Timeout | null = null
  #due = 0
  #failures = 0
  readonly #underWay = new Set<Promise<void>>()

  constructor(parts: AftermathParts) {
    this.#parts = parts
  }

  /** No later than what is to be done already. */
  soon(afterMs = soonMs): void {
    const due = performance.now() + afterMs
    if (this.#timer !== null && this.#due <= due) return
    this.stop()
    this.#due = due
    this.#timer = setTimeout(() => {
      this.#timer = null
      const work = this.#look()
      this.#underWay.add(work)
      void work.then(() => this.#underWay.delete(work))
    }, afterMs).unref()
  }

  /** Conntrack entries of addresses that nobody has any more go before these are given out again. */
  forgetSoon(addresses: readonly string[]): void {
    this.#parts.flows.add(addresses)
    this.soon()
  }

  /**
   * At once, where one of `addresses` is still to be forgotten. Throws EGRESSD_KERNEL where that fails: a flow of whoever had the
   * address would reach whoever gets it.
   */
  forgetNow(addresses: readonly string[]): Promise<void> {
    return this.#parts.flows.forgetNow(addresses)
  }

  /** Flows of these networks that began while there was no masquerade begin anew; where that fails, it is tried once more in a moment. */
  async translate(networks: readonly FirewallNetwork[]): Promise<void> {
    if (!(await this.#parts.flows.translate(networks))) this.soon()
  }

  /** All of it at once. */
  async now(): Promise<void> {
    this.stop()
    const { flows, reaper, flush } = this.#parts
    await flows.forget()
    await reaper.end()
    await flush()
  }

  /** Nothing is begun any more. */
  stop(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** The same, where something is still to be seen to; resolves when nothing is under way. */
  async end(): Promise<void> {
    if (this.#timer !== null || this.#underWay.size > 0) await this.now()
    await Promise.all(this.#underWay)
    this.stop()
  }

  async #look(): Promise<void> {
    const { flows, reaper, flush, log } = this.#parts
    try {
      await flows.forget()
      await reaper.look()
      await flush()
      this.#failures = 0
      if (reaper.pending > 0) this.soon()
    } catch (error) {
      const again = ++this.#failures < attempts
      log[again ? 'debug' : 'warn']({ error }, 'remains of namespaces not seen to')
      if (again) this.soon(soonMs * 2 ** this.#failures)
      else this.#failures = 0
    }
  }
}
