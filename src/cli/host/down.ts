import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Down } from '../../api.js'
import { forwardingNote } from '../../demo/text.js'
import { kept } from '../../demo/world.js'
import { Egress } from '../../egress.js'
import type { HostRecord } from '../../state/directory.js'
import { readJson } from '../../state/files.js'
import { defaultStateDir, type Globals } from '../command/globals.js'
import { findDaemon } from '../open-api.js'
import { printJson } from '../output/print.js'

interface Removed extends Down {
  /** Paths of namespaces that were made to be the host. */
  sandboxes: string[]
}

/** Removes what the daemon has, or what state directories record. Returns the exit status. */
export async function down({ json, ...globals }: Globals & { json?: boolean }): Promise<number> {
  const daemon = await findDaemon(globals)
  const removed: Removed[] = []
  if (daemon) removed.push({ ...(await daemon.down()), sandboxes: [] })
  else
    for (const directory of globals.stateDir ? [globals.stateDir] : [defaultStateDir, kept.stateDir])
      if (existsSync(directory)) removed.push(await removeAll(directory))
  const of = <K extends keyof Removed>(key: K) => removed.flatMap(each => each[key] as unknown[])
  if (json)
    printJson({
      namespaces: of('namespaces'),
      networks: of('networks'),
      sandboxes: of('sandboxes'),
      forwardingLeftOn: of('forwardingLeftOn'),
    })
  else tell(removed)
  return 0
}

function tell(removed: readonly Removed[]): void {
  const lines = removed.flatMap(({ namespaces, networks, sandboxes }) => [
    ...namespaces.map(name => `namespace ${name}`),
    ...networks.map(name => `network ${name}, with its bridge and its firewall rules`),
    ...sandboxes.map(path => `sandbox ${path}`),
  ])
  for (const line of lines) console.log(`removed ${line}`)
  if (lines.length === 0) console.log('There is nothing to remove.')
  for (const { forwardingLeftOn } of removed) for (const family of forwardingLeftOn) console.log(forwardingNote(family))
}

async function removeAll(stateDir: string): Promise<Removed> {
  const sandboxes = readJson<HostRecord>(join(stateDir, 'host.json'))?.sandbox ?? []
  const egress = await Egress.open({ stateDir, host: sandboxes[0] })
  const { forwardingLeftOn, ...names } = await egress.down()
  return { ...names, sandboxes, forwardingLeftOn: sandboxes.length > 0 ? [] : forwardingLeftOn }
}
