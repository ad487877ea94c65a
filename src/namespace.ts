import type { ChildProcess } from 'node:child_process'
import type dgram from 'node:dgram'
import net from 'node:net'
import type { NamespaceApi } from './api.js'
import { assertFields } from './asserts.js'
import { operation } from './engine/channels.js'
import type { Host } from './engine/host.js'
import type { LiveNamespace } from './engine/live.js'
import { destroyNamespace, isThere, refOf } from './engine/namespace-end.js'
import type { DestroyOptions } from './engine/options.js'
import { isKnownPin, pinFault } from './engine/pin-owner.js'
import { typedError } from './engine/typed-error.js'
import { EgressError, kernelError } from './errors.js'
import { type SpawnInsideOptions, spawnInside } from './exec/spawn.js'
import type { Echo, PingOptions } from './kernel/kernel.js'
import type { NetnsRef } from './kernel/ops-netns.js'
import type { ConnectOptions } from './net-adopt.js'
import { connectInside, datagramInside, type Inside, type ListenOptions, listenInside } from './net-inside.js'

const pingFields = ['count', 'intervalMs', 'timeoutMs', 'ttl', 'size']

/** A namespace, held by a descriptor of this process. */
export class NamespaceDescriptor implements Disposable {
  /** Its number in this process; open until it is closed. It is not passed on by exec: give it as one of `stdio`. */
  readonly fd: number
  /** For other processes: `nsenter --net=PATH`, `ip netns attach NAME PID` and setns(2) take it. */
  readonly path: string
  #close: ((fd: number) => void) | null

  constructor(fd: number, close: (fd: number) => void) {
    this.fd = fd
    this.path = `/proc/${process.pid}/fd/${fd}`
    this.#close = close
  }

  /** Idempotent. */
  close(): void {
    this.#close?.(this.fd)
    this.#close = null
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** A network namespace with egress. */
export class Namespace implements NamespaceApi {
  readonly #host: Host
  readonly #live: LiveNamespace

  private constructor(host: Host, live: LiveNamespace) {
    this.#host = host
    this.#live = live
  }

  static readonly #handles = new WeakMap<LiveNamespace, Namespace>()
  /** The one handle of a namespace. */
  static of(host: Host, live: LiveNamespace): Namespace {
    const known = Namespace.#handles.get(live)
    if (known) return known
    const handle = new Namespace(host, live)
    Namespace.#handles.set(live, handle)
    return handle
  }

  /** What the handle is of: for the library's own use. */
  static liveOf(namespace: Namespace): LiveNamespace {
    return namespace.#live
  }

  /** Whether it is one, of that host. */
  static isOf(host: Host, value: unknown): boolean {
    return typeof value === 'object' && value !== null && #live in value && value.#host === host
  }

  get name(): string {
    return this.#live.desired.name
  }

  get id(): string {
    return this.#live.id
  }

  get network(): string {
    return this.#live.desired.network
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#live.labels
  }

  get anonymous(): boolean {
    return this.#live.desired.pin === null
  }

  get path(): string | null {
    return this.#live.desired.pin
  }

  /** For whatever takes a namespace. NB: an anonymous one's descriptor is closed by destroy. */
  get ref(): NetnsRef {
    return refOf(this.#live)
  }

  get interface(): string {
    return this.#live.desired.interface
  }

  get hostInterface(): string {
    return this.#live.desired.hostInterface
  }

  get addresses(): string[] {
    return this.#live.desired.addresses.map(({ address }) => address)
  }

  async ping(target: string, options: Omit<PingOptions, 'target'> & { signal?: AbortSignal } = {}): Promise<Echo[]> {
    this.#assertStands()
    const { signal, ...rest } = options
    // A link-local one has its interface with it.
    if (net.isIP(String(target).replace(/%.*$/s, '')) === 0)
      throw new EgressError('EGRESSD_INVALID_ADDRESS', undefined, { field: 'target', value: target })
    assertFields(rest, pingFields)
    try {
      return await this.#enter(ref => this.#host.kernel.ping({ target, ...rest }, ref, signal))
    } catch (error) {
      throw typedError(error, this.name, rest)
    }
  }

  async spawn(command: string, args: readonly string[] = [], options: SpawnInsideOptions = {}): Promise<ChildProcess> {
    const etc = this.anonymous ? {} : { etc: this.name }
    return this.#enter(ref => spawnInside(ref, command, args, { ...etc, ...options }))
  }

  async connect(options: ConnectOptions & { signal?: AbortSignal }): Promise<net.Socket> {
    return this.#enter(ref => connectInside(this.#inside(ref), options))
  }

  async listen<S extends net.Server = net.Server>(options?: ListenOptions, server?: S): Promise<S> {
    return this.#enter(ref => listenInside(this.#inside(ref), options, server))
  }

  async datagram(options?: Omit<ListenOptions, 'backlog'>): Promise<dgram.Socket> {
    return this.#enter(ref => datagramInside(this.#inside(ref), options))
  }

  #inside(ref: NetnsRef): Inside {
    return { kernel: this.#host.kernel, ref, name: this.name }
  }

  /**
   * A descriptor of its own, to hand the namespace over: to a child as one of its `stdio`, or to any process that may look into
   * this one by its `path`. It keeps the namespace, but not its link, when that is destroyed: close it.
   */
  async descriptor(): Promise<NamespaceDescriptor> {
    const { kernel } = this.#host
    return this.#enter(async from => {
      const [opened] = await kernel.run([{ op: 'netns.open', as: 1, from, hold: true }])
      if (!opened.ok) throw opened.skipped ? new EgressError('EGRESSD_KERNEL') : kernelError(opened.fault, this.name)
      return new NamespaceDescriptor(opened.value.fd as number, fd => kernel.closeFd(fd))
    })
  }

  async destroy({ wait = 'reusable' }: DestroyOptions = {}): Promise<void> {
    this.#host.assertOpen()
    const end = () => this.#host.locks.run(`namespace ${this.name}`, () => destroyNamespace(this.#host, this.#live))
    await operation(this.#host, 'namespace.destroy', { network: this.network, namespace: this.name }, end)
    if (wait === 'gone') await this.#host.gone([this.#live.index])
  }

  /** As {@link destroy}; and nothing where it went with its handle, or before that was closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#host.closed && (this.anonymous || !isThere(this.#host, this.#live))) return
    await this.destroy()
  }

  /** For who enters it by its path. Throws as all that is done inside does. @internal */
  async assertPinned(): Promise<void> {
    await this.#enter(async () => {})
  }

  /** NB: by its name, or its descriptor's number, another may be found that was made since: what is done is begun in the turn of the last look. */
  async #enter<T>(work: (ref: NetnsRef) => Promise<T>): Promise<T> {
    this.#assertStands()
    if (!isKnownPin(this.#live)) {
      const fault = await pinFault(this.#host, this.#live)
      this.#assertStands()
      if (fault) throw fault
    }
    try {
      return await work(this.ref)
    } catch (error) {
      // What is refused where it does not stand any more is so for that reason.
      if (error instanceof Error && 'fault' in error) await this.assertPinned()
      throw error
    }
  }

  #assertStands(): void {
    this.#host.assertOpen()
    const { name } = this
    // The descriptor of an anonymous one goes first.
    const goes = this.anonymous && this.#live.fd === null
    if (isThere(this.#host, this.#live) && !goes) return
    throw new EgressError('EGRESSD_NOT_FOUND', `namespace ${name} was destroyed`, { field: 'namespace', value: name })
  }
}
