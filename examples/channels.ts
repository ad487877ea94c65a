import { subscribe } from 'node:diagnostics_channel'
import { type Change, Egress, isEgressError, type Operation } from 'egressd'

// For metrics and traces. Where nobody subscribes, nothing is measured.
subscribe('egressd:operation', message => {
  const { operation, items, failed, error } = message as Operation
  const result = isEgressError(error) ? error.code : 'ok'
  console.log(`operation ${operation}: ${items - failed} of ${items}, ${result}`)
})
subscribe('egressd:change', message => {
  const { kind, action, name, addresses = [] } = message as Change
  console.log(`${kind} ${name} ${action}`, ...addresses)
})

await using egress = await Egress.open()
const network = await egress.network({ name: 'br0', subnets: ['192.168.0.0/16'] })
const results = await network.createMany([{ name: 'a' }, { name: 'b', addresses: ['192.168.0.1'] }])
await network.destroyMany(results.flatMap(result => (result.ok ? [result.namespace] : [])))
await network.destroy()
