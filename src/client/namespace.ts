import type { ChildProcess } from 'node:child_process'
import type dgram from 'node:dgram'
import type net from 'node:net'
import type { NamespaceApi } from '../api.js'
import type { DestroyOptions } from '../engine/options.js'
import { EgressError, isEgressError } from '../errors.js'
import type { SpawnInsideOptions } from '../exec/spawn.js'
import type { NamespaceView } from '../http/shapes.js'
import type { Echo, PingOptions } from '../kernel/kernel.js'
import type { NetnsRef } from '../kernel/ops-netns.js'
import type { ConnectOptions } from '../net-adopt.js'
import type { Inside, ListenOptions } from '../net-inside.js'
import type { Context } from './context.js'
import type { Insider } from './inside.js'

/**
 * A namespace of the daemon's, as it was when the daemon told of it. Commands and sockets are of this process, which needs
 * CAP_SYS_ADMIN for them: they throw EGRESSD_MISSING_CAPABILITY.
 */
export class ClientNamespace implements NamespaceApi {
  readonly #context: Context
  readonly #view: NamespaceView
  #ended = false

  constructor(context: Context, view: NamespaceView) {
    this.#context = context
    this.#view = view
  }

  /** For the client's own use. NB: from then on another may have its name. */
  static markEnded(namespace: ClientNamespace): void {
    namespace.#ended = true
  }

  static hasEnded(namespace: ClientNamespace): boolean {
    return namespace.#ended
  }

  get name(): string {
    return this.#view.name
  }

  get id(): string {
    return this.#view.id
  }

  get network(): string {
    return this.#view.network
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#view.labels
  }

  /** Held by a descriptor of the daemon, and gone with that. */
  get anonymous(): boolean {
    return this.#view.anonymous
  }

  get path(): string | null {
    return this.anonymous ? null : this.#view.path
  }

  get ref(): NetnsRef {
    return { path: this.#view.path }
  }

  get interface(): string {
    return this.#view.interface
  }

  get hostInterface(): string {
    return this.#view.hostInterface
  }

  get addresses(): string[] {
    return [...this.#view.addresses]
  }

  /** ICMP echoes from inside, by the daemon. Throws EGRESSD_REPLACED where another has its name by now. */
  async ping(
    target: string,
    { signal, ...options }: Omit<PingOptions, 'target'> & { signal?: AbortSignal } = {},
  ): Promise<Echo[]> {
    this.#assertStands()
    const { transport } = this.#context
    const { count = 1, intervalMs = 1000, timeoutMs = 1000 } = options
    const { echoes } = (await transport.ask({
      method: 'POST',
      path: `${pathOf(this)}/ping`,
      headers: this.#ifMatch,
      body: { target, ...options },
      waits: true,
      repeatable: true,
      timeoutMs: transport.timeoutMs + (Number(count * intervalMs + timeoutMs) || 0),
      ...(signal && { signal }),
    })) as { echoes: Echo[] }
    return echoes
  }

  /** As of the library: a child of this process. Its working directory, user and environment are this process's. */
  async spawn(command: string, args: readonly string[] = [], options: SpawnInsideOptions = {}): Promise<ChildProcess> {
    const insider = await this.#enter()
    return insider.spawn(this, command, args, options)
  }

  /** As of the library: a socket of this process. */
  async connect(options: ConnectOptions & { signal?: AbortSignal }): Promise<net.Socket> {
    const { connectInside } = await import('../net-inside.js')
    return connectInside(await this.#inside(), options)
  }

  /** As of the library: this process listens. */
  async listen<S extends net.Server = net.Server>(options?: ListenOptions, server?: S): Promise<S> {
    const { listenInside } = await import('../net-inside.js')
    return listenInside(await this.#inside(), options, server)
  }

  /** As of the library: a socket of this process. */
  async datagram(options?: Omit<ListenOptions, 'backlog'>): Promise<dgram.Socket> {
    const { datagramInside } = await import('../net-inside.js')
    return datagramInside(await this.#inside(), options)
  }

  /** Idempotent, and of this one only: another that has its name by now is left alone. */
  async destroy({ wait = 'reusable' }: DestroyOptions = {}): Promise<void> {
    const { transport } = this.#context
    transport.assertOpen()
    if (this.#ended) return
    const path = wait === 'gone' ? `${pathOf(this)}?wait=gone` : pathOf(this)
    try {
      await transport.ask({ method: 'DELETE', path, headers: this.#ifMatch, waits: wait === 'gone' })
    } catch (error) {
      if (!isReplaced(error)) throw error
    }
    this.#ended = true
  }

  /** As {@link destroy}; and nothing where the client has removed all there was. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended || this.#context.removed) return
    await this.destroy()
  }

  /** The daemon is asked, which knows what it has pinned. @internal */
  async assertPinned(): Promise<void> {
    this.#assertStands()
    await this.#context.transport.ask({ method: 'GET', path: `${pathOf(this)}?enter=true`, headers: this.#ifMatch })
  }

  /** This one, and no other of its name. */
  get #ifMatch(): Record<string, string> {
    return { 'if-match': `"${this.id}"` }
  }

  /** NB: another may have its name by now. */
  #assertStands(): void {
    this.#context.transport.assertOpen()
    const { name } = this
    if (this.#ended)
      throw new EgressError('EGRESSD_NOT_FOUND', `namespace ${name} was destroyed`, { field: 'namespace', value: name })
  }

  async #enter(): Promise<Insider> {
    this.#assertStands()
    const insider = await this.#context.insider()
    insider.enter(this.name)
    await this.assertPinned()
    return insider
  }

  async #inside(): Promise<Inside> {
    const insider = await this.#enter()
    return { kernel: insider.enter(this.name), ref: this.ref, name: this.name }
  }
}

/** Another has its name by now: it is gone. */
export const isReplaced = (error: unknown): boolean => isEgressError(error) && error.code === 'EGRESSD_REPLACED'

const pathOf = ({ name }: { name: string }) => `/v1/namespaces/${encodeURIComponent(name)}`
