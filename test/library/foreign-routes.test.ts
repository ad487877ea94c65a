// A router has a whole table of routes that are nobody's business here: a look reads none of them.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { dual, type Library, named } from '../helpers/library.js'
import { watchedLibrary } from '../helpers/watched.js'

const foreign = 10_000

/** As a routing daemon does: prefixes of others, by the uplink. */
function fillTable(library: Library): void {
  const file = join(library.root, 'routes')
  const lines = Array.from(
    { length: foreign },
    (_, i) => `route add 20.${i >> 8}.${i & 255}.0/24 via 203.0.113.1 proto bgp`,
  )
  writeFileSync(file, lines.join('\n'))
  library.host.tool('ip', ['-batch', file])
}

let reads: { filtered: boolean; routes: number }[] = []
/** Of all that was read since: how often the whole table, and how many routes came. */
const read = () => {
  const seen = reads
  reads = []
  return {
    whole: seen.filter(({ filtered }) => !filtered).length,
    routes: seen.reduce((sum, { routes }) => sum + routes, 0),
  }
}

/** Counts what the door answers to those who list the routes of the host. */
function count({ watch }: Library): void {
  watch.answered = (ops, verdicts) => {
    for (const [i, op] of ops.entries()) {
      const verdict = verdicts[i]
      if (op.op !== 'route.list' || ('in' in op && op.in !== undefined) || !verdict?.ok) continue
      const filtered = op.index !== undefined || op.protocol !== undefined
      reads.push({ filtered, routes: (verdict.value as unknown[]).length })
    }
  }
}
afterEach(() => {
  reads = []
})

test.each(['bridge', 'routed'] as const)(
  'of ten thousand foreign routes a look at a %s network reads none',
  async mode => {
    await using library = await watchedLibrary()
    const network = { ...dual, mode }
    const { egress, begin } = library
    const made = await egress.network(network)
    await made.create(named)
    fillTable(library)
    expect(library.host.json('ip', ['-j', 'route', 'show', 'proto', 'bgp'])).toHaveLength(foreign)
    count(library)

    const watch = await begin({ mode: 'report' })
    expect(watch.stats().looks).toBeGreaterThan(2)
    const looked = read()
    expect(looked.whole).toBe(0)
    expect(looked.routes).toBeLessThan(20)
    await watch.close()

    // As the daemon does it at its start and at each request; the size of its packets is given.
    await egress.network(network)
    await made.create(named)
    const fixed = { networks: [{ ...network, mtu: 1500 }], namespaces: [{ ...named, network: 'br0' }] }
    await egress.apply(fixed)
    read()
    expect((await egress.check(fixed)).inSync).toBe(true)
    const checked = read()
    expect(checked.whole).toBe(0)
    expect(checked.routes).toBeLessThan(20)

    // What needs to know them all, reads them, once: where else the traffic goes, and what a new subnet would overlap.
    const wanted = { ...fixed, networks: [...fixed.networks, { name: 'br1', subnets: ['20.0.0.0/16'] }] }
    await expect(egress.check(wanted)).rejects.toMatchObject({ code: 'EGRESSD_SUBNET_OVERLAP' })
    expect(read().whole).toBe(1)
  },
)
