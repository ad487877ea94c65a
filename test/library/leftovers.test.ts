import { expect, test } from 'vitest'
import type { NetworkInput } from '../../src/spec/schema.js'
import { backends, createLibrary, dual } from '../helpers/library.js'

test.each(backends)('a name that moves to a network of the other mode leaves nothing behind: %s', async firewall => {
  await using library = await createLibrary({ firewall })
  const { egress } = library
  const bridged = await egress.network(dual)
  const other: NetworkInput = { name: 'rt0', mode: 'routed', subnets: ['10.1.0.0/16'] }
  const routed = await egress.network(other)
  const names = { name: 'ns0', hostInterface: 'veth0' }
  for (const [first, second] of [
    [bridged, routed],
    [routed, bridged],
  ] as const) {
    const before = await first.create(names)
    // The kernel keeps the link of one that is held.
    const held = await before.descriptor()
    await before.destroy()
    const after = await second.create(names)
    expect((await after.ping('8.8.8.8'))[0]?.result).toBe('reply')
    held.close()
    expect(await egress.check({ networks: [dual, other], namespaces: [{ ...names, network: second.name }] })).toEqual({
      inSync: true,
      changes: [],
    })
    const sets = library.host.tool('nft', ['list', 'ruleset']).match(/elements = \{[^}]*"veth0"[^}]*\}/g)
    expect(sets?.filter(set => set.includes('"veth0"') && !set.includes(' . '))).toHaveLength(1)
    await after.destroy({ wait: 'gone' })
  }
})

test('closed while it is seen to what is left, nothing is left', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const namespaces = await Promise.all(Array.from({ length: 3 }, () => network.create()))
  const closed: Promise<void>[] = []
  library.watch.answered = ops => {
    if (closed.length === 0 && ops.some(({ op }) => op === 'conntrack.delete')) closed.push(library.egress.close())
  }
  await network.destroyMany(namespaces)
  await expect.poll(() => closed).toHaveLength(1)
  await Promise.all(closed)
  const rules = library.host.tool('nft', ['list', 'ruleset'])
  for (const { hostInterface } of namespaces) expect(rules).not.toContain(hostInterface)
})
