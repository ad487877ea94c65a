// A network is destroyed in the very moment in which namespaces are made in it: either it stays, or nothing is made in it.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Network } from '../../src/network.js'
import { faults } from '../helpers/faults.js'
import { createLibrary, type Library } from '../helpers/library.js'

const segment = { name: 'br0', subnets: ['192.168.0.0/16'] }
const routed = { name: 'rt0', mode: 'routed' as const, subnets: ['10.64.0.0/16'] }

/** Each begins to make two, and tells how many came of it. */
const ways: [string, (network: Network) => Promise<unknown[]>][] = [
  ['one by one', network => Promise.all(['a', 'b'].map(name => network.create({ name }).catch(error => error)))],
  [
    'many',
    async network =>
      (await network.createMany([{ name: 'a' }, { name: 'b' }])).map(made => (made.ok ? made : made.error)),
  ],
]

test.each(ways)('%s: the network stays, or they are refused', async (_, make) => {
  await using library = await createLibrary()
  for (const wanted of [segment, routed])
    for (let turns = 0; turns < 2; turns++) {
      const network = await library.egress.network(wanted)
      const [made, destroyed] = await Promise.all([
        make(network),
        after(turns, () => network.destroy().then(null, error => error)),
      ])
      await judge(library, made, destroyed)
    }
})

test.each(ways)('%s, while it goes: they are refused, and it is gone', async (_, make) => {
  await using library = await createLibrary()
  for (const wanted of [segment, routed]) {
    const network = await library.egress.network(wanted)
    const [destroyed, made] = await Promise.all([network.destroy(), make(network)])
    expect(destroyed).toBe(undefined)
    for (const refused of made) expect(refused).toMatchObject({ code: 'EGRESSD_NOT_FOUND', field: 'network' })
    await judge(library, made, destroyed)
  }
})

test('one that could not be removed takes namespaces again', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(segment)
  library.watch.always = { 'link.delete': faults.ENOMEM }
  await expect(network.destroy()).rejects.toMatchObject({ code: 'EGRESSD_KERNEL' })
  library.watch.always = {}
  expect((await network.create({ name: 'a' })).name).toBe('a')
})

async function after<T>(turns: number, work: () => Promise<T>): Promise<T> {
  for (let i = 0; i < turns; i++) await nextTurn()
  return work()
}

/** All that stands is of a network that stands, and a process that takes it up finds it so. */
async function judge(library: Library, made: unknown[], destroyed: unknown): Promise<void> {
  const isThere = (each: unknown) => !(each instanceof Error)
  const stays = made.some(isThere)
  expect(destroyed).toEqual(stays ? expect.objectContaining({ code: 'EGRESSD_MISMATCH' }) : undefined)
  const egress = await library.restart()
  expect(egress.networks).toHaveLength(stays ? 1 : 0)
  expect(egress.namespaces).toHaveLength(made.filter(isThere).length)
  const links = library.host.json<{ ifalias?: string }[]>('ip', ['-j', 'link'])
  expect(links.filter(({ ifalias }) => ifalias?.startsWith('egressd:'))).toHaveLength(
    stays ? 1 + egress.namespaces.length : 0,
  )
  await egress.down()
  await library.restart()
}
