import type { Echo, EgressApi } from 'egressd'
import { connect } from 'egressd/client'

/** Needs not know whether a daemon does the work, or this process. */
async function tryOut(egress: EgressApi): Promise<Echo[]> {
  const network = await egress.network({ name: 'br0', subnets: ['192.168.0.0/16'] })
  const namespace = await network.create({ name: 'ns0' })
  const echoes = await namespace.ping('8.8.8.8')
  await namespace.destroy()
  await network.destroy()
  return echoes
}

async function follow(egress: EgressApi, last: string): Promise<void> {
  for await (const { type, name } of egress.events({ signal: AbortSignal.timeout(30_000) })) {
    console.log(type, name)
    if (type === last) break
  }
}

await using egress = await connect({ timeoutMs: 10_000 })
const followed = follow(egress, 'network.destroyed')
const [echo] = await tryOut(egress)
await followed
console.log(echo?.result, 'from', echo?.from)
