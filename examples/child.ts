import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Egress } from 'egressd'

await using egress = await Egress.open()
const network = await egress.network({ name: 'br0', subnets: ['192.168.0.0/16'] })

// Without a name: no pin and no record. It is there for as long as somebody holds it.
const namespace = await network.create()
console.log(namespace.anonymous, namespace.path)

{
  // As descriptor 3 of a child, which enters it: a virtual machine monitor, a container runtime, …
  using descriptor = await namespace.descriptor()
  const stdio = ['inherit', 'inherit', 'inherit', descriptor.fd] as const
  const child = spawn('nsenter', ['--net=/proc/self/fd/3', 'ip', '-oneline', '-4', 'address'], { stdio: [...stdio] })
  await once(child, 'exit')
}

await namespace.destroy()
await network.destroy()
