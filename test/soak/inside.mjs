// In the daemon that is under test, in front of it: a message is answered with the bytes in use once all that nobody can reach is
// collected. Nothing of the product knows of it.
import { readFileSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import v8 from 'node:v8'
import vm from 'node:vm'

v8.setFlagsFromString('--expose-gc')
const collect = vm.runInNewContext('gc')

const status = field =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024

process.on('message', async () => {
  const asItWas = status('VmRSS')
  // What finalizers and weak references let go of is found the next time.
  for (let i = 0; i < 3; i++) {
    collect()
    await nextTurn()
  }
  const { total_physical_size: pages } = v8.getHeapStatistics()
  const { heapUsed, external } = process.memoryUsage()
  process.send({ resident: asItWas, heap: heapUsed + external, native: status('RssAnon') - pages })
})
// NB: listening to messages alone does not keep the daemon from its end.
process.channel.unref()
