import { randomUUID } from 'node:crypto'
import type { CreatedApi, DestroyedApi, NamespaceApi, NetworkApi } from '../api.js'
import { assertList, assertNamespaces } from '../asserts.js'
import type { DestroyOptions, ManyOptions, NamespaceOptions } from '../engine/options.js'
import { EgressError } from '../errors.js'
import type { BatchLine, NamespaceView, NetworkView } from '../http/shapes.js'
import { namespaceNameFault } from '../spec/names.js'
import { batch, type Outcome } from './batch.js'
import type { Context } from './context.js'
import { asJson } from './exchange.js'
import { isObject, strange } from './faults.js'
import { listNamespaces } from './list.js'
import { ClientNamespace, isReplaced } from './namespace.js'

/** A network of the daemon's: what each method does and throws is told at the library's Network. */
export class ClientNetwork implements NetworkApi {
  readonly #context: Context
  readonly #view: NetworkView

  constructor(context: Context, view: NetworkView) {
    this.#context = context
    this.#view = view
  }

  get name(): string {
    return this.#view.name
  }

  get mode(): 'bridge' | 'routed' {
    return this.#view.mode
  }

  get bridge(): string {
    return this.#view.bridge
  }

  get subnets(): string[] {
    return [...this.#view.subnets]
  }

  get gateways(): string[] {
    return [...this.#view.gateways]
  }

  get masquerade(): boolean {
    return this.#view.masquerade
  }

  get backend(): 'nftables' | 'xtables' {
    return this.#view.backend
  }

  get mtu(): number {
    return this.#view.mtu
  }

  async listNamespaces(): Promise<ClientNamespace[]> {
    return listNamespaces(this.#context, { network: this.name })
  }

  async create(options: NamespaceOptions = {}): Promise<ClientNamespace> {
    const { transport } = this.#context
    transport.assertOpen()
    assertForm(options, own)
    const { name, ...rest } = options
    if (name !== undefined && (typeof name !== 'string' || namespaceNameFault(name) !== null))
      return this.#createByBatch(options)
    const body = { ...rest, network: this.name }
    const view = await transport.ask(
      name === undefined
        ? {
            method: 'POST',
            path: '/v1/namespaces',
            body,
            headers: { 'idempotency-key': randomUUID() },
            repeatable: true,
          }
        : { method: 'PUT', path: `/v1/namespaces/${encodeURIComponent(name)}`, body },
    )
    return new ClientNamespace(this.#context, view as NamespaceView)
  }

  /** In one request, whose lines the daemon works at side by side. */
  async createMany(items: readonly NamespaceOptions[], options: ManyOptions = {}): Promise<CreatedApi[]> {
    assertList(items, 'items')
    const lines: string[] = []
    const faults = items.map(item => {
      try {
        assertForm(item, own)
        lines.push(asJson({ ...item, op: 'create', network: this.name } satisfies BatchLine))
        return null
      } catch (error) {
        return error as EgressError
      }
    })
    const good = items.filter((_, i) => !faults[i])
    const outcomes = await batch(this.#context.transport, lines, {
      ...options,
      // Anonymous ones have no name by which they would be the same.
      repeatable: good.every(({ name }) => name !== undefined),
    })
    let next = 0
    return faults.map(error => (error ? { ok: false, error } : this.#created(outcomes[next++] as Outcome)))
  }

  async destroyMany(
    namespaces: readonly NamespaceApi[],
    { wait = 'reusable', ...options }: DestroyOptions & ManyOptions = {},
  ): Promise<DestroyedApi[]> {
    assertList(namespaces, 'namespaces')
    assertNamespaces(namespaces, each => isObject(each) && typeof each.name === 'string')
    const standing = namespaces.filter(one => !(one instanceof ClientNamespace && ClientNamespace.hasEnded(one)))
    const lines = standing.map(({ name, id }) => asJson({ op: 'destroy', name, id, wait } satisfies BatchLine))
    const outcomes = await batch(this.#context.transport, lines, { ...options, repeatable: true })
    const failed = new Map<NamespaceApi, DestroyedApi>()
    for (const [i, namespace] of standing.entries()) {
      const outcome = outcomes[i] as Outcome
      if (!outcome.ok && !isReplaced(outcome.error)) failed.set(namespace, outcome)
      else if (namespace instanceof ClientNamespace) ClientNamespace.markEnded(namespace)
    }
    return namespaces.map(namespace => failed.get(namespace) ?? { ok: true })
  }

  async destroy(): Promise<void> {
    await this.#context.transport.ask({ method: 'DELETE', path: `/v1/networks/${encodeURIComponent(this.name)}` })
  }

  // A line has the name in it, whatever it is: what is wrong with that is told with all else that is wrong.
  async #createByBatch(options: NamespaceOptions): Promise<ClientNamespace> {
    const [created] = await this.createMany([options])
    if (!created?.ok) throw created?.error ?? strange('POST /v1/namespaces:batch', 'it says nothing')
    return created.namespace as ClientNamespace
  }

  #created(outcome: Outcome): CreatedApi {
    if (!outcome.ok) return outcome
    if (outcome.namespace) return { ok: true, namespace: new ClientNamespace(this.#context, outcome.namespace) }
    return { ok: false, error: strange('POST /v1/namespaces:batch', 'it does not say what was made') }
  }
}

/** Whether it can be part of a path: URLs have a meaning of their own for the others. */
export const fitsPath = (name: unknown): name is string =>
  typeof name === 'string' && name !== '' && name !== '.' && name !== '..' && !/\p{Surrogate}/u.test(name)

/** Fields that are not the caller's: the client itself gives them. */
const own = ['op', 'network']

export function assertForm(options: unknown, own: readonly string[] = []): void {
  const refusal = (field: string, value: unknown, what: string) => {
    const message = `${field || 'input'}: ${what}`
    const problem = { field, value, code: 'EGRESSD_INVALID_SPEC' as const, message }
    return new EgressError('EGRESSD_INVALID_SPEC', message, { ...problem, problems: [problem] })
  }
  if (!isObject(options) || Array.isArray(options)) throw refusal('', options, 'is not an object')
  const field = own.find(name => options[name] !== undefined)
  if (field !== undefined) throw refusal(field, options[field], 'is not known')
}
