import { spawnSync } from 'node:child_process'
import { Egress } from 'egressd'

await using egress = await Egress.open()
const network = await egress.network({ name: 'br0', subnets: ['192.168.0.0/16'] })
await using watch = egress.watch({ mode: 'repair' })
await watch.ready

// Events are told from when they are first read on: so that is begun before.
async function untilRepaired(): Promise<void> {
  for await (const { type, name } of egress.events()) {
    console.log(name ? `${type} ${name}` : type)
    if (type === 'repaired') break
  }
}
const repaired = untilRepaired()

const namespace = await network.create({ name: 'ns0' })
spawnSync('nft', ['flush', 'ruleset'])
await repaired

const [echo] = await namespace.ping('8.8.8.8')
console.log(echo?.result, 'from', echo?.from)
await egress.down()
