import { Egress, isEgressError } from 'egressd'

await using egress = await Egress.open()

// All problems at once, each with its field, before anything is changed.
try {
  await egress.network({ name: 'br0', subnets: ['192.168.0.1/16', 'fd00::/128'], mtu: 20 })
} catch (error) {
  if (!isEgressError(error)) throw error
  for (const { field, code, message } of error.problems ?? []) console.log(field, code, message)
}

// Programs switch on the code; people read message and remedy.
const network = await egress.network({ name: 'br0', subnets: ['192.168.0.0/30'] })
await network.create({ name: 'ns0' })
try {
  await network.create({ name: 'ns1' })
} catch (error) {
  if (!isEgressError(error)) throw error
  switch (error.code) {
    case 'EGRESSD_ADDRESSES_EXHAUSTED':
      console.log(error.message)
      console.log('What to do:', error.remedy)
      break
    default:
      throw error
  }
}
await egress.down()
