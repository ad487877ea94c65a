import type { EgressError } from '../errors.js'
import type { PoolSource } from '../pool/source.js'
import type { NamespaceSpec } from '../spec/namespace.js'
import type { Host } from './host.js'
import type { LiveNamespace, LiveNetwork } from './live.js'
import { destroyMany, ensureMany } from './many.js'

type Source = Pick<PoolSource<LiveNamespace, LiveNamespace, object>, 'make' | 'destroy'>

/** Where a pool's namespaces come from: anonymous ones, so that none is left where the process ends. */
export function poolSource(host: Host, network: LiveNetwork, spec: NamespaceSpec, nextName: () => string): Source {
  return {
    async make(count, signal) {
      const wanted = Array.from({ length: count }, () => ({ spec, name: nextName() }))
      try {
        const results = await ensureMany(host, network, wanted, { signal })
        const made = results.flatMap(result => (result.ok ? [result.value] : []))
        const bad = results.find(result => !result.ok)
        return { made, error: bad && !bad.ok ? bad.error : null }
      } catch (error) {
        return { made: [], error: error as EgressError }
      }
    },
    async destroy(items) {
      for (const result of await destroyMany(host, items))
        if (!result.ok) host.log.warn({ error: result.error }, 'pool: a namespace was not destroyed')
    },
  }
}
