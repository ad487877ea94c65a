// Somebody removes the state directory, or records, beneath the process that has it.
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Egress } from '../../src/egress.js'
import type { SpecInput } from '../../src/spec/schema.js'
import { faults } from '../helpers/faults.js'
import { createLibrary, dual, type Library, refusal } from '../helpers/library.js'
import { watchedLibrary } from '../helpers/watched.js'

const spec: SpecInput = {
  networks: [dual, { name: 'rt0', mode: 'routed', subnets: ['10.64.0.0/16'] }],
  namespaces: [
    { name: 'ns0', network: 'br0' },
    { name: 'r0', network: 'rt0', dns: { servers: ['9.9.9.9'] } },
  ],
}

const removals: [what: string, remove: (stateDir: string) => void][] = [
  ['the directory', stateDir => rmSync(stateDir, { recursive: true })],
  [
    'all that is in it',
    stateDir => {
      for (const name of readdirSync(stateDir)) rmSync(join(stateDir, name), { recursive: true })
    },
  ],
  ['the records of namespaces', stateDir => rmSync(join(stateDir, 'namespaces'), { recursive: true })],
  ['one record', stateDir => rmSync(join(stateDir, 'networks/rt0.json'))],
]

const idsOf = (egress: Egress) => egress.namespaces.map(({ name, id, addresses }) => [name, id, addresses]).sort()

/** What stands, and is told, is taken up by the next process as it is. */
async function outlives(library: Library, before: ReturnType<Library['census']>): Promise<void> {
  expect(library.census()).toEqual(before)
  const ids = idsOf(library.egress)
  const egress = await library.restart()
  expect(idsOf(egress)).toEqual(ids)
  expect(await egress.check(spec)).toEqual({ inSync: true, changes: [] })
  expect(library.census()).toEqual(before)
}

test.each(removals)('%s: written anew by the next apply, and nothing is lost', async (_, remove) => {
  await using library = await createLibrary()
  await library.egress.apply(spec)
  const before = library.census()
  remove(library.stateDir)
  expect(await library.egress.apply(spec)).toEqual({ changed: false, changes: [] })
  await outlives(library, before)
})

test.each([removals[0], removals[3]] as typeof removals)('%s: written anew where it is watched', async (_, remove) => {
  await using library = await watchedLibrary()
  await library.egress.apply(spec)
  const before = library.census()
  {
    await using _watch = await library.begin({ pollMs: 100 })
    remove(library.stateDir)
    await expect
      .poll(() => readdirSync(library.root, { recursive: true }).filter(name => `${name}`.endsWith('0.json')))
      .toHaveLength(4)
    expect(library.told.events).toEqual([])
  }
  const { stateDir, netnsDir, host } = library
  const other = Egress.open({ stateDir, netnsDir, host: { fd: host.kernel.hostFd } })
  expect(await refusal(other)).toMatchObject({ code: 'EGRESSD_STATE_LOCKED', details: { pid: process.pid } })
  await outlives(library, before)
})

test.each(['one', 'many'])('destroyed meanwhile (%s): there is nothing to be written anew', async count => {
  await using library = await createLibrary()
  await library.egress.apply(spec)
  const before = library.census()
  const names = ['a', 'b', 'c']
  const network = await library.egress.network(dual)
  const made = await network.createMany(names.map(name => ({ name })))
  const namespaces = made.map(each => (each.ok ? each.namespace : expect.unreachable()))
  // At each answer of the kernel: one of them is that the pin is gone, and the record with it.
  let unpinned = 0
  library.watch.answered = ops => {
    if (ops.some(({ op }) => op === 'netns.unpin')) unpinned++
    library.egress.restoreRecords()
  }
  if (count === 'many') await network.destroyMany(namespaces, { wait: 'gone' })
  else for (const namespace of namespaces) await namespace.destroy({ wait: 'gone' })
  library.watch.answered = null
  expect(unpinned).toBe(3)
  expect(readdirSync(join(library.stateDir, 'namespaces')).sort()).toEqual(['ns0.json', 'r0.json'])
  await outlives(library, before)
})

test('of one that could not be destroyed it is written anew', async () => {
  await using library = await createLibrary()
  await library.egress.apply(spec)
  const record = join(library.stateDir, 'namespaces/ns0.json')
  library.watch.always = { 'netns.unpin': faults.EPERM }
  const namespace = await library.egress.findNamespace('ns0')
  expect(await refusal(namespace?.destroy() as Promise<void>)).toMatchObject({ fault: { errno: 'EPERM' } })
  library.watch.reset()
  rmSync(record, { force: true })
  library.egress.restoreRecords()
  expect(existsSync(record)).toBe(true)
  await namespace?.destroy()
  expect(existsSync(record)).toBe(false)
})

test('addresses that rest do so on', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const { addresses } = await network.create({ name: 'a' })
  await (await library.egress.findNamespace('a'))?.destroy()
  rmSync(library.stateDir, { recursive: true })
  await library.egress.apply({ networks: [dual] })
  const egress = await library.restart()
  const next = await (await egress.network(dual)).create({ name: 'b' })
  for (const address of addresses) expect(next.addresses).not.toContain(address)
})

test('another process has it meanwhile: nothing is written, and it is said', async () => {
  await using library = await createLibrary()
  const { stateDir, netnsDir, host, root } = library
  await library.egress.apply(spec)
  const before = library.census()
  renameSync(stateDir, join(root, 'moved'))
  const other = await Egress.open({ stateDir, netnsDir, host: { fd: host.kernel.hostFd }, collect: false })
  expect(await refusal(library.egress.apply(spec))).toMatchObject({ code: 'EGRESSD_STATE_LOCKED' })
  expect(readdirSync(join(stateDir, 'networks'))).toEqual([])
  await other.close()
  await library.egress.apply(spec)
  await outlives(library, before)
})
