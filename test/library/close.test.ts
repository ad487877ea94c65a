// The end of a handle, and what is called meanwhile and after it.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Egress } from '../../src/egress.js'
import { faults } from '../helpers/faults.js'
import { createLibrary, dual, refusal } from '../helpers/library.js'

test('who closes a second time waits for the first, and finds the state directory free', async () => {
  await using library = await createLibrary()
  const { egress, host, stateDir, netnsDir, etcNetnsDir } = library
  const network = await egress.network(dual)
  const making = network.createMany(Array.from({ length: 40 }, (_, i) => ({ name: `ns${i}` })))
  const first = egress.close()
  await nextTurn()
  await egress.close()
  await using again = await Egress.open({ host: { fd: host.kernel.hostFd }, stateDir, netnsDir, etcNetnsDir })
  expect((await making).filter(({ ok }) => ok).length).toBe(40)
  expect(again.namespaces.length).toBe(40)
  await first
  await again.down()
})

test('nothing is begun while it closes that would go on behind it', async () => {
  await using library = await createLibrary()
  const { egress } = library
  const network = await egress.network(dual)
  const pool = network.pool({ size: 1 })
  await pool.ready()
  const claimed = await pool.claim()
  const closing = egress.close()
  for (const work of [
    () => network.pool({ size: 1, name: 'late' }),
    () => egress.watch(),
    () => network.create({ name: 'late' }),
    () => network.createMany([{ name: 'late' }]),
    () => claimed.ping('192.168.0.1'),
  ])
    expect(await refusal((async () => work())())).toMatchObject({ code: 'EGRESSD_CLOSED' })
  await closing
  expect(await refusal(pool.release(claimed))).toMatchObject({ code: 'EGRESSD_CLOSED' })
  expect(await refusal(pool.claim())).toMatchObject({ code: 'EGRESSD_CLOSED' })
})

test('where the last of it fails it is told, and the state directory is free all the same', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const namespace = await network.create({ name: 'ns0' })
  // What is done a moment after a destroy finds the link still there, however long that takes.
  library.watch.always = { 'link.index': faults.ENOMEM, 'link.delete': faults.ENOMEM }
  await namespace.destroy()
  library.watch.always = { 'nft.commit': faults.ENOMEM }
  const closing = library.egress.close()
  expect(await refusal(closing)).toMatchObject({ code: 'EGRESSD_KERNEL' })
  library.watch.always = {}
  const { host, stateDir, netnsDir, etcNetnsDir } = library
  library.egress = await Egress.open({ host: { fd: host.kernel.hostFd }, stateDir, netnsDir, etcNetnsDir })
  expect(library.egress.networks.map(({ name }) => name)).toEqual(['br0'])
})

test('a namespace of another handle is not taken for one of this one, and is not said to be destroyed', async () => {
  await using one = await createLibrary()
  await using other = await createLibrary()
  const [here, there] = [await one.egress.network(dual), await other.egress.network(dual)]
  const namespace = await there.create({ name: 'ns0' })
  const before = await here.create({ name: 'ns0' })
  expect(await refusal(here.destroyMany([namespace]))).toMatchObject({
    code: 'EGRESSD_INVALID_SPEC',
    field: 'namespaces[0]',
  })
  expect(other.egress.namespaces).toEqual([namespace])
  // Of one that was closed too: it stands, and is another handle's now.
  await one.restart()
  expect(await refusal(one.egress.networks[0]?.destroyMany([before]) ?? Promise.resolve())).toMatchObject({
    field: 'namespaces[0]',
  })
  expect(one.egress.namespaces.map(({ id }) => id)).toEqual([before.id])
})
