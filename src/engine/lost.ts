import { collectGarbage, type Garbage, type GarbageOptions } from './garbage.js'
import type { Host } from './host.js'
import { destroyNamespace } from './namespace-end.js'
import { isForeignPin } from './pin-owner.js'

/** As {@link collectGarbage}; and namespaces whose name somebody else has by now, of which files are the records. */
export async function collectAll(host: Host, options: GarbageOptions): Promise<Garbage> {
  const lost = await forgetLost(host, options)
  const garbage = await collectGarbage(host, options)
  return { ...garbage, files: [...lost, ...garbage.files] }
}

/**
 * Forgets namespaces whose name somebody else has by now, with what is left of them on the host and in the firewall. The other's stays as it
 * is. Paths of their records.
 */
async function forgetLost(host: Host, { dryRun = false }: { dryRun?: boolean }): Promise<string[]> {
  const files: string[] = []
  for (const namespace of [...host.namespaces.values()]) {
    const { name } = namespace.desired
    if (!(await isForeignPin(host, namespace))) continue
    if (!dryRun) await host.locks.run(`namespace ${name}`, () => destroyNamespace(host, namespace))
    files.push(host.state.namespaces.path(name))
  }
  return files
}
