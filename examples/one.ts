import { Egress } from 'egressd'

await using egress = await Egress.open()
const network = await egress.network({ name: 'br0', subnets: ['192.168.0.0/16'] })
const namespace = await network.create({ name: 'ns0' })
console.log(namespace.path, namespace.interface, namespace.addresses)

const [echo] = await namespace.ping('8.8.8.8')
console.log(echo?.result, 'from', echo?.from)

const child = await namespace.spawn('ip', ['-brief', 'address', 'show', 'eth0'], { stdio: 'inherit' })
await new Promise(resolve => child.once('exit', resolve))

await namespace.destroy()
await network.destroy()
