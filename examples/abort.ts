import { Egress, isEgressError } from 'egressd'

await using egress = await Egress.open()
const network = await egress.network({ name: 'br0', subnets: ['192.168.0.0/16'] })
const namespace = await network.create()

// What waits rejects with the reason of the signal.
const tooLong = namespace.ping('192.168.77.7', { count: 10, signal: AbortSignal.timeout(200) })
console.log((await tooLong.catch(error => error)).name)

// What is about many says of each what came of it; what was begun is ended, and whole.
const stop = new AbortController()
const items = Array.from({ length: 500 }, () => ({}))
const results = await network.createMany(items, {
  signal: stop.signal,
  onProgress: ({ done }) => done >= 64 && stop.abort(),
})
const made = results.flatMap(result => (result.ok ? [result.namespace] : []))
const codes = new Set(results.flatMap(result => (result.ok || !isEgressError(result.error) ? [] : [result.error.code])))
console.log(made.length >= 64 && made.length < 500, [...codes])

await network.destroyMany([namespace, ...made])
await network.destroy()
