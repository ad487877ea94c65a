import { Egress } from 'egressd'

await using egress = await Egress.open()
const network = await egress.network({ name: 'br0', subnets: ['192.168.0.0/16'] })

// Each is tried before it is ready; one that has no way out is destroyed, and another made.
await using pool = network.pool({
  size: 8,
  prepare: async namespace => {
    const [echo] = await namespace.ping('8.8.8.8')
    if (echo?.result !== 'reply') throw new Error(`no egress: ${echo?.result}`)
  },
})
await pool.ready({ signal: AbortSignal.timeout(30_000) })

const namespace = await pool.claim({ name: 'job-17', labels: { customer: '42' } })
console.log(namespace.path, namespace.labels)
await pool.release(namespace)

await pool.ready({ signal: AbortSignal.timeout(30_000) })
const { ready, claims, misses, destroyed } = pool.stats
console.log({ ready, claims, misses, destroyed })
await pool.close()
await network.destroy()
