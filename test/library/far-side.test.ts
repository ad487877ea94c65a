import { expect, test } from 'vitest'
import { uplink } from '../../src/demo/topology.js'
import { seen } from '../helpers/far-side.js'
import { backends, createLibrary, dual, families, named } from '../helpers/library.js'

const inside = { 4: '192.168.0.2', 6: 'fd00::2' }
const cases = backends.flatMap(firewall => families.map(family => [firewall, family] as const))

test.each(cases)('%s, IPv%i: the far side sees the host, never the namespace', async (firewall, family) => {
  await using library = await createLibrary()
  const network = await library.egress.network({ ...dual, firewall })
  expect(network.backend).toBe(firewall)
  const namespace = await network.create(named)
  const target = uplink[family].public
  const got = await seen(library.internet, family, () => namespace.ping(target, { timeoutMs: 5000 }))
  expect(got).toEqual({ source: uplink[family].host, result: 'reply' })
})

test.each(cases)(
  '%s, IPv%i: without masquerade it sees the namespace, and no answer comes',
  async (firewall, family) => {
    await using library = await createLibrary()
    const network = await library.egress.network({ ...dual, firewall, masquerade: false })
    const namespace = await network.create(named)
    const target = uplink[family].public
    const got = await seen(library.internet, family, () => namespace.ping(target, { timeoutMs: 500 }))
    // The internet has no route back, and says nothing of it to anyone.
    expect(got).toEqual({ source: inside[family], result: 'timeout' })
  },
)

test.each(backends)('%s: what goes from one namespace to another keeps its source', async firewall => {
  await using library = await createLibrary()
  const network = await library.egress.network({ ...dual, firewall })
  const near = await network.create(named)
  const far = await network.create()
  for (const [i, family] of families.entries()) {
    const { fd } = far.ref as { fd: number }
    const got = await seen(fd, family, () => near.ping(far.addresses[i] as string, { timeoutMs: 5000 }))
    expect(got).toEqual({ source: inside[family], result: 'reply' })
  }
})
