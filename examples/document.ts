import { spawnSync } from 'node:child_process'
import { Egress, type SpecInput } from 'egressd'

const spec: SpecInput = {
  networks: [{ name: 'br0', subnets: ['192.168.0.0/16', 'fd00:192:168::/64'] }],
  namespaces: [{ name: 'ns0', network: 'br0', addresses: ['192.168.0.2'] }],
}

await using egress = await Egress.open()
const say = ({ changes }: { changes: { action: string; kind: string; name: string; does: string[] }[] }) => {
  for (const { action, kind, name, does } of changes) console.log(`${action} ${kind} ${name}: ${does.join('; ')}`)
}

say(await egress.plan(spec))
const first = await egress.apply(spec)
const second = await egress.apply(spec)
console.log('changed:', first.changed, 'and then', second.changed)

// Somebody bends it, and somebody wants something else.
spawnSync('ip', ['link', 'set', 'br0', 'down'])
spec.networks?.push({ name: 'br1', subnets: ['10.1.0.0/16'], isolated: true })
const { inSync, ...drift } = await egress.check(spec)
console.log('in sync:', inSync)
say(drift)
await egress.apply(spec)

// What is not in the document goes, where that is asked for.
say(await egress.apply({}, { prune: true }))
