import type { NamespaceFilter } from '../api.js'
import { assertLabels } from '../asserts.js'
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
  assertLabels(labels)
  const wanted = Object.entries(labels)
  const fixed: [string, string][] = wanted.filter(fitsQuery).map(([key, value]) => ['label', `${key}=${value}`])
  const others = wanted.filter(label => !fitsQuery(label))
  const hasOthers = ({ labels: own }: NamespaceView) =>
    others.every(([key, value]) => Object.hasOwn(own, key) && own[key] === value)
  if (network !== undefined) fixed.push(['network', network])
  const found: ClientNamespace[] = []
  let after: string | null = null
  do {
    const query = new URLSearchParams([...fixed, ['limit', String(pageSize)]])
    if (after !== null) query.set('after', after)
    const { items, next } = await readPage<NamespaceView>(context, `/v1/namespaces?${query.toString()}`)
    found.push(...items.filter(hasOthers).map(view => new ClientNamespace(context, view)))
    if (next !== null && after !== null && next <= after)
      throw strange('GET /v1/namespaces', 'its pages go in a circle')
    after = next
  } while (after !== null)
  return found
}

/** Others would be read there as something else: what has them is picked out here. */
const fitsQuery = ([key, value]: [string, string]) =>
  key !== '' && !key.includes('=') && !/\p{Surrogate}/u.test(key + value)

export async function readPage<T>({ transport }: Context, path: string): Promise<{ items: T[]; next: string | null }> {
  const page = await transport.ask({ method: 'GET', path })
  if (!isObject(page) || !Array.isArray(page.items)) throw strange(`GET ${path}`, 'its answer has no "items"')
  return { items: page.items as T[], next: typeof page.next === 'string' ? page.next : null }
}
