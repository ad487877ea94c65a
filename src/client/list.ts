import type { NamespaceFilter } from '../api.js'
import type { NamespaceView } from '../http/shapes.js'
import type { Context } from './context.js'
import { isObject, strange } from './faults.js'
import { ClientNamespace } from './namespace.js'

const pageSize = 1_000

/** All pages, by name. */
export async function listNamespaces(
  context: Context,
  { network, labels = {} }: NamespaceFilter,
): Promise<ClientNamespace[]> {
  const fixed: [string, string][] = Object.entries(labels).map(([key, value]) => ['label', `${key}=${value}`])
  if (network !== undefined) fixed.push(['network', network])
  const found: ClientNamespace[] = []
  let after: string | null = null
  do {
    const query = new URLSearchParams([...fixed, ['limit', String(pageSize)]])
    if (after !== null) query.set('after', after)
    const { items, next } = await readPage<NamespaceView>(context, `/v1/namespaces?${query.toString()}`)
    found.push(...items.map(view => new ClientNamespace(context, view)))
    if (next !== null && after !== null && next <= after)
      throw strange('GET /v1/namespaces', 'its pages go in a circle')
    after = next
  } while (after !== null)
  return found
}

export async function readPage<T>({ transport }: Context, path: string): Promise<{ items: T[]; next: string | null }> {
  const page = await transport.ask({ method: 'GET', path })
  if (!isObject(page) || !Array.isArray(page.items)) throw strange(`GET ${path}`, 'its answer has no "items"')
  return { items: page.items as T[], next: typeof page.next === 'string' ? page.next : null }
}
