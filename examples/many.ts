import { Egress } from 'egressd'

await using egress = await Egress.open()
const network = await egress.network({ name: 'sandboxes', bridge: 'rt0', mode: 'routed', subnets: ['10.64.0.0/16'] })

const names = Array.from({ length: 100 }, (_, i) => ({ name: `job-${i + 1}` }))
const results = await network.createMany([...names, { name: 'job 101' }])
for (const result of results) if (!result.ok) console.log(result.error.code, result.error.message)

const made = results.flatMap(result => (result.ok ? [result.namespace] : []))
console.log(made.length, 'made, the last with', made.at(-1)?.addresses)

const echoes = await Promise.all(made.map(namespace => namespace.ping('8.8.8.8')))
console.log(echoes.flat().filter(({ result }) => result === 'reply').length, 'reach the internet')

const gone = await network.destroyMany(made, { wait: 'gone' })
console.log(gone.filter(({ ok }) => ok).length, 'gone')
await network.destroy()
