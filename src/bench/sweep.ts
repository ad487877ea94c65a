import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { uplink } from '../demo/topology.js'
import { runAll, settle, type World } from './world.js'

/** Takes away whatever a side that failed left in the sandbox, where all is the harness's. */
export async function sweep(world: World): Promise<void> {
  const { kernel } = world
  for (const name of pins()) await kernel.run([{ op: 'netns.unpin', path: join('/run/netns', name) }])
  const [links, ruleset] = await runAll(kernel, [
    { op: 'link.list' },
    { op: 'nft.list', elements: false, rules: false },
  ])
  // NB: a table of iptables is emptied, not removed: the kernel keeps its use of the hooks.
  const changes = ruleset.tables.map(({ family, name }) => ({ change: 'table.delete' as const, family, name }))
  if (changes.length > 0) await runAll(kernel, [{ op: 'nft.commit', changes }])
  for (const { name, kind, index } of links)
    if (kind !== null && name !== uplink.name) await kernel.run([{ op: 'link.delete', index }])
  rmSync('/run/egressd', { recursive: true, force: true })
  await settle(world)
}

function pins(): string[] {
  try {
    return readdirSync('/run/netns')
  } catch {
    return []
  }
}
