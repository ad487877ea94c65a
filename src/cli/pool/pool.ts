import type { EgressApi, PoolApi } from '../../api.js'
import type { Globals } from '../command/globals.js'
import { interruptible } from '../command/interruptible.js'
import { kinds, notFound } from '../command/mistake.js'
import { findNamespace } from '../find.js'
import { openDaemon } from '../open-api.js'
import { printJson, printTable } from '../output/print.js'
import { namespaceViewOf } from '../views.js'

// NB: a pool of this process would end with it: these are of the daemon alone.
const open = (globals: Globals): Promise<EgressApi> => openDaemon(globals, 'pools are')

async function findPool(api: EgressApi, name: string): Promise<PoolApi> {
  const pool = await api.findPool(name)
  if (pool) return pool
  throw notFound(
    'pool',
    name,
    (await api.listPools()).map(each => each.name),
  )
}

export async function listPools({ json, ...globals }: Globals & { json?: boolean }): Promise<number> {
  await using api = await open(globals)
  const views = await Promise.all(
    (await api.listPools()).map(async pool => {
      const { name, network } = pool
      return { name, network, stats: await pool.readStats() }
    }),
  )
  if (json) printJson(views)
  else {
    const columns = ['NAME', 'NETWORK', 'READY', 'CLAIMED', 'MAKING', 'WAITING', 'CLAIMS', 'MISSES', 'LAST ERROR']
    await printTable(
      columns.map((head, i) => ({ head, right: i > 1 && i < 8 })),
      views.map(({ name, network, stats }) => {
        const { ready, claimed, making, waiting, claims, misses, lastError } = stats
        return [name, network, ...[ready, claimed, making, waiting, claims, misses].map(String), lastError?.code ?? '']
      }),
      `There is no pool. To have one, ${kinds.pool.none}.`,
    )
  }
  return 0
}

interface ClaimOptions extends Globals {
  name?: string
  label?: Record<string, string>
  /** Seconds. */
  dns?: string[]
  search?: string[]
  sysctl?: Record<string, string>
  timeout?: number
  quiet?: boolean
  json?: boolean
}

export async function claim(
  { name, label, dns, search, sysctl, timeout, quiet, json, ...globals }: ClaimOptions,
  of: string,
): Promise<number> {
  await using api = await open(globals)
  const pool = await findPool(api, of)
  const { signal, stop, number } = interruptible()
  try {
    const namespace = await pool.claim({
      signal,
      ...(name !== undefined && { name }),
      ...(label && { labels: label }),
      ...((dns || search) && { dns: { ...(dns && { servers: dns }), ...(search && { search }) } }),
      ...(sysctl && { sysctls: sysctl }),
      ...(timeout !== undefined && { timeoutMs: Math.ceil(timeout * 1000) }),
    })
    if (json) printJson(namespaceViewOf(namespace))
    else if (quiet) console.log(namespace.name)
    else console.log(`namespace ${namespace.name} claimed: ${namespace.addresses.join(' ')}`)
    return 0
  } catch (error) {
    if (signal.aborted) return 128 + number()
    throw error
  } finally {
    stop()
  }
}

export async function release(globals: Globals, of: string, name: string): Promise<number> {
  await using api = await open(globals)
  const pool = await findPool(api, of)
  await pool.release(await findNamespace(api, name))
  console.log(`namespace ${name} released`)
  return 0
}
