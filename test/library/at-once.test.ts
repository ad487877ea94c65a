// Two calls at once, of which one takes away what the other stands on: the second begins at each answer of the kernel to the first.
import { expect, test } from 'vitest'
import type { EgressError } from '../../src/errors.js'
import { createLibrary, dual, type Library } from '../helpers/library.js'

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: EgressError) => error.code,
  )

/** What came of both; null where the first was over before its answer number `at`. */
async function interleave(
  { watch }: Library,
  at: number,
  first: () => Promise<unknown>,
  second: () => Promise<unknown>,
): Promise<[string, string] | null> {
  let answers = 0
  const begun: Promise<string>[] = []
  watch.answered = () => {
    if (answers++ === at) begun.push(codeOf(second()))
  }
  const one = await codeOf(first())
  watch.answered = null
  const [other] = await Promise.all(begun)
  return other === undefined ? null : [one, other]
}

async function sweep(
  library: Library,
  every: number,
  ways: (
    network: Awaited<ReturnType<Library['egress']['network']>>,
  ) => [() => Promise<unknown>, () => Promise<unknown>],
): Promise<Set<string>> {
  const outcomes = new Set<string>()
  for (let at = 0; at < 100; at += every) {
    const network = await library.egress.network(dual)
    const came = await interleave(library, at, ...ways(network))
    const networks = library.egress.networks.map(({ name }) => name)
    const namespaces = library.egress.namespaces.map(({ name }) => name)
    // What stands is in a network that stands, and so it is after a restart.
    expect({ at, networks, namespaces }).toEqual({
      at,
      networks: namespaces.length > 0 ? ['br0'] : networks,
      namespaces,
    })
    const egress = await library.restart()
    expect(egress.networks.map(({ name }) => name)).toEqual(networks)
    expect(egress.namespaces.map(({ name }) => name)).toEqual(namespaces.filter(name => !name.startsWith('anonymous')))
    for (const namespace of egress.namespaces) expect((await namespace.ping('8.8.8.8'))[0]?.result).toBe('reply')
    for (const network of egress.networks) {
      await network.destroyMany(network.namespaces)
      await network.destroy()
    }
    if (!came) return outcomes
    outcomes.add(came.join(', '))
  }
  throw new Error('it never came to an end')
}

test('a network that is destroyed while a namespace is made in it: one of both is refused', async () => {
  await using library = await createLibrary()
  const outcomes = await sweep(library, 2, network => [() => network.create({ name: 'ns0' }), () => network.destroy()])
  expect([...outcomes]).toEqual(['done, EGRESSD_MISMATCH'])
})

test('a namespace that is made while its network is destroyed: it is refused', async () => {
  await using library = await createLibrary()
  const outcomes = await sweep(library, 2, network => [() => network.destroy(), () => network.create({ name: 'ns0' })])
  expect([...outcomes]).toEqual(['done, EGRESSD_NOT_FOUND'])
})

const moved = { networks: [{ name: 'br0', subnets: ['10.7.0.0/24'] }] }

test('a network that is given another subnet while a namespace is made in it: that is refused, or it follows', async () => {
  await using library = await createLibrary()
  const outcomes = await sweep(library, 4, network => [
    () => network.create({ name: 'ns0' }),
    () => library.egress.apply(moved),
  ])
  for (const outcome of outcomes) expect(['done, done', 'done, EGRESSD_MISMATCH']).toContain(outcome)
})

test('a namespace that is made while its network is given another subnet: it has an address of one that is there', async () => {
  await using library = await createLibrary()
  const outcomes = await sweep(library, 4, network => [
    () => library.egress.apply(moved),
    () => network.create({ name: 'ns0' }),
  ])
  for (const outcome of outcomes) expect(['done, done', 'EGRESSD_MISMATCH, done']).toContain(outcome)
})
