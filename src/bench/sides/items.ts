import type { Namespace } from '../../namespace.js'
import type { Network } from '../../network.js'

// Until the library has them: one by one, all at once.

type Item<T> = { ok: true; namespace: T } | { ok: false; error: unknown }
interface Bulk {
  createMany(items: readonly { name?: string }[], options: { signal: AbortSignal }): Promise<Item<Namespace>[]>
  destroyMany(
    namespaces: readonly Namespace[],
    options: { wait: 'gone'; signal: AbortSignal },
  ): Promise<Item<Namespace>[]>
}

export function bulkOf(network: Pick<Network, 'create'>): Bulk {
  if ('createMany' in network) return network as unknown as Bulk
  return {
    createMany: async items =>
      (await Promise.all(items.map(item => network.create(item)))).map(namespace => ({ ok: true, namespace })),
    destroyMany: async namespaces => {
      await Promise.all(namespaces.slice(1).map(namespace => namespace.destroy()))
      await namespaces[0]?.destroy({ wait: 'gone' })
      return namespaces.map(namespace => ({ ok: true, namespace }))
    },
  }
}

/** What came of all of them; throws the first error. */
export function itemsOf<T>(results: readonly Item<T>[]): T[] {
  return results.map(result => {
    if (result.ok) return result.namespace
    throw result.error
  })
}
