import type { NamespaceApi, PoolApi } from '../api.js'
import type { NamespaceView, PoolView } from '../http/shapes.js'
import type { PoolStats } from '../pool/source.js'
import type { Context } from './context.js'
import { errorFrom } from './faults.js'
import { ClientNamespace } from './namespace.js'
import { assertForm } from './network.js'

/** How long a claim of the daemon's may wait, at most, where the claim does not say (claimBody of http/shapes.ts). */
const longestClaimMs = 600_000

/** A pool of the daemon's. */
export class ClientPool implements PoolApi {
  readonly name: string
  readonly network: string
  readonly #context: Context

  constructor(context: Context, { name, network }: PoolView) {
    this.name = name
    this.network = network
    this.#context = context
  }

  async claim(options: Parameters<PoolApi['claim']>[0] = {}): Promise<ClientNamespace> {
    const { transport } = this.#context
    transport.assertOpen()
    assertForm(options)
    const { signal, ...claim } = options
    const { timeoutMs = longestClaimMs } = claim
    const view = await transport.ask({
      method: 'POST',
      path: `${this.#path}/claim`,
      body: claim,
      waits: true,
      // NB: without an Idempotency-Key. What is claimed for who has gone meanwhile is released; with one it would be kept.
      repeatable: true,
      timeoutMs: transport.timeoutMs + (Number(timeoutMs) || 0),
      ...(signal && { signal }),
    })
    return new ClientNamespace(this.#context, view as NamespaceView)
  }

  /** Twice is once. */
  async release(namespace: NamespaceApi): Promise<void> {
    this.#context.transport.assertOpen()
    if (namespace instanceof ClientNamespace && ClientNamespace.hasEnded(namespace)) return
    const body = { namespace: namespace.name, id: namespace.id }
    // With its id, which older daemons do not tell, it is of this one only: twice is once.
    const repeatable = typeof namespace.id === 'string'
    await this.#context.transport.ask({ method: 'POST', path: `${this.#path}/release`, body, repeatable })
    if (namespace instanceof ClientNamespace) ClientNamespace.markEnded(namespace)
  }

  async readStats(): Promise<PoolStats> {
    const { stats } = (await this.#context.transport.ask({ method: 'GET', path: this.#path })) as PoolView
    return { ...stats, lastError: errorFrom(stats.lastError) }
  }

  get #path(): string {
    return `/v1/pools/${encodeURIComponent(this.name)}`
  }
}
