import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Globals } from '../command/globals.js'
import { socketOf, stateDirOf } from '../open-api.js'

export type NameKind = 'network' | 'namespace' | 'pool'

/** A shell waits for it. */
const patienceMs = 1_000

/** Names of what there is: of the daemon, or as recorded; none where this user may not know. */
export async function readNames(globals: Globals, kind: NameKind): Promise<string[]> {
  return (await ofDaemon(globals, kind)) ?? recorded(stateDirOf(globals), kind)
}

async function ofDaemon(globals: Globals, kind: NameKind): Promise<string[] | null> {
  try {
    const { connect } = await import('../../client/connect.js')
    await using client = await connect({ socket: socketOf(globals), timeoutMs: patienceMs })
    const lists = {
      network: () => client.listNetworks(),
      namespace: () => client.listNamespaces(),
      pool: () => client.listPools(),
    }
    const items: { name: string }[] = await lists[kind]()
    return items.map(({ name }) => name)
  } catch {
    return null
  }
}

/** NB: without the lock, which whoever has it keeps: names of files are all that is wanted. */
function recorded(stateDir: string, kind: NameKind): string[] {
  if (kind === 'pool') return []
  try {
    const files = readdirSync(join(stateDir, `${kind}s`))
    return files.flatMap(file => (file.endsWith('.json') ? [file.slice(0, -'.json'.length)] : [])).sort()
  } catch {
    return []
  }
}
