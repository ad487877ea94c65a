import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { Egress } from 'egressd'

await using egress = await Egress.open()
const network = await egress.network({ name: 'br0', subnets: ['192.168.0.0/16'] })
const [web, other] = [await network.create(), await network.create()]

// Any server of Node's: its socket is made inside, all else is this process.
const server = http.createServer((request, response) => response.end(`you are ${request.socket.remoteAddress}\n`))
await web.listen({ port: 80 }, server)
console.log('listening on', (server.address() as AddressInfo).port, 'of', web.addresses)

const socket = await other.connect({ address: web.addresses[0] ?? '', port: 80 })
const request = http.get({ createConnection: () => socket, headers: { connection: 'close' } })
const [response] = (await once(request, 'response')) as [http.IncomingMessage]
for await (const chunk of response) process.stdout.write(chunk)

server.close()
await network.destroyMany([web, other])
await network.destroy()
