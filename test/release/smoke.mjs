// Run where the package is installed and nothing else, in a sandbox: a namespace with egress, by the prebuilt addon.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Egress, errorCodes, isEgressError } from 'egressd'
import { connect } from 'egressd/client'

const egress = await Egress.open()
const loaded = new Set(readFileSync('/proc/self/maps', 'utf8').match(/\/\S*egressd\S*\.node/g))
assert.equal(loaded.size, 1)
assert.match([...loaded][0], /\/node_modules\/egressd\/prebuilds\/linux-\w+\/egressd\.\w+\.node$/)

const network = await egress.network({ name: 'br0', subnets: ['10.64.0.0/16'], masquerade: false })
const namespace = await network.create({ name: 'ns0' })
const [echo] = await namespace.ping('10.64.0.1')
assert.equal(echo.result, 'reply')
const child = await namespace.spawn(process.execPath, [
  '-p',
  "Object.keys(require('node:os').networkInterfaces()).join()",
])
let output = ''
for await (const chunk of child.stdout) output += chunk
assert.match(output, /eth0/)
await namespace.destroy()
await egress.down()
await egress.close()

await assert.rejects(connect({ socket: '/run/none.sock' }), error => isEgressError(error) && error.code in errorCodes)
console.log(`${process.version} ${process.arch} ${[...loaded][0].split('/').slice(-2).join('/')}`)
