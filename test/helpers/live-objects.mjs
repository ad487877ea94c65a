// How many objects of a process somebody can reach that something may be waiting with. Counted in a snapshot of its heap, which has
// those too that Node keeps for itself, as weak references in signals.
import { setTimeout as sleep } from 'node:timers/promises'
import v8 from 'node:v8'
import vm from 'node:vm'

v8.setFlagsFromString('--expose-gc')
const collect = vm.runInNewContext('gc')

/** Functions, closures among them, and weak references, once what is on its way out had its turn. */
export async function liveObjects() {
  // What finalizers let go of is found the next time.
  for (let i = 0; i < 3; i++) {
    collect()
    await sleep(5)
  }
  const chunks = []
  for await (const chunk of v8.getHeapSnapshot()) chunks.push(chunk)
  const { snapshot, nodes, strings } = JSON.parse(Buffer.concat(chunks).toString())
  const { node_fields: fields, node_types: types } = snapshot.meta
  const [type, name] = ['type', 'name'].map(field => fields.indexOf(field))
  const [closure, weak] = [types[type].indexOf('closure'), strings.indexOf('WeakRef')]
  const counts = { functions: 0, weak: 0 }
  for (let at = 0; at < nodes.length; at += fields.length)
    if (nodes[at + type] === closure) counts.functions++
    else if (nodes[at + name] === weak) counts.weak++
  return counts
}
