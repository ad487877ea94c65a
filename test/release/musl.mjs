// Run by scripts/test-musl, in a sandbox, on musl: that of the addons which fits is loaded, and makes a namespace.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Egress } from 'egressd'

const egress = await Egress.open()
const loaded = new Set(readFileSync('/proc/self/maps', 'utf8').match(/\/\S*egressd\S*\.node/g))
assert.deepEqual(
  [...loaded].map(path => path.split('/').slice(-2).join('/')),
  [`linux-${process.arch}/egressd.musl.node`],
)
const network = await egress.network({ name: 'br0', subnets: ['10.64.0.0/16'], masquerade: false })
const namespace = await network.create({ name: 'ns0' })
const [echo] = await namespace.ping('10.64.0.1')
assert.equal(echo.result, 'reply')
await namespace.destroy()
await egress.down()
await egress.close()
console.log([...loaded][0].split('/').slice(-2).join('/'))
