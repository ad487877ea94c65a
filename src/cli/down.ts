import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { forwardingNote } from '../demo/text.js'
import { kept } from '../demo/world.js'
import { Egress } from '../egress.js'
import type { HostRecord } from '../state/directory.js'
import { readJson } from '../state/files.js'

/** Removes what state directories record. Returns the exit status. */
export async function down({ stateDir }: { stateDir?: string }): Promise<number> {
  let removed = 0
  for (const directory of stateDir ? [stateDir] : ['/run/egressd', kept.stateDir])
    if (existsSync(directory)) removed += await removeAll(directory)
  if (removed === 0) console.log('There is nothing to remove.')
  return 0
}

async function removeAll(stateDir: string): Promise<number> {
  const [sandbox, ...others] = readJson<HostRecord>(join(stateDir, 'host.json'))?.sandbox ?? []
  const egress = await Egress.open({ stateDir, host: sandbox })
  const { namespaces, networks, forwardingLeftOn } = await egress.down()
  const lines = [
    ...namespaces.map(name => `namespace ${name}`),
    ...networks.map(name => `network ${name}, with its bridge and its firewall rules`),
    ...[sandbox, ...others].filter(path => path !== undefined).map(path => `sandbox ${path}`),
  ]
  for (const line of lines) console.log(`removed ${line}`)
  if (!sandbox) for (const family of forwardingLeftOn) console.log(forwardingNote(family))
  return lines.length
}
