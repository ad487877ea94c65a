// What a document changes is not bent: nobody is told so while it is being changed, and nothing is put back that shall not be.
import { expect, test } from 'vitest'
import type { SpecInput } from '../../src/spec/schema.js'
import { watchedLibrary } from '../helpers/watched.js'

const document = (br0: string, rt0: string, mtu: number): SpecInput => ({
  networks: [
    { name: 'br0', subnets: [br0], mtu },
    { name: 'rt0', mode: 'routed', subnets: [rt0], mtu },
  ],
  namespaces: Array.from({ length: 8 }, (_, i) => ({ name: `ns${i}`, network: i < 4 ? 'br0' : 'rt0' })),
})

test('two networks change places, and their links are touched all the while', async () => {
  await using library = await watchedLibrary()
  const { egress, host, told } = library
  await egress.apply(document('10.64.0.0/16', '10.65.0.0/16', 1500))
  await using watch = await library.begin()
  const links = ['br0', 'rt0', ...egress.namespaces.map(({ hostInterface }) => hostInterface)]
  let touched = 0
  // The kernel tells of that, and nothing of ours depends on it.
  library.watch.answered = ops => {
    if (!ops.some(({ op }) => op === 'link.set' || op.startsWith('address.'))) return
    const input = links.map(link => `link set ${link} txqueuelen ${1000 + (++touched % 7)}\n`).join('')
    host.tool('ip', ['-batch', '-'], { input })
  }
  const after = document('10.65.0.0/16', '10.64.0.0/16', 1400)
  await egress.apply(after)
  library.watch.answered = null
  await watch.settled()
  expect(touched).toBeGreaterThan(20)
  await expect.poll(() => watch.stats().wakeups).toBeGreaterThan(0)
  await watch.settled()
  expect(told.events).toEqual([])
  expect((await egress.check(after)).inSync).toBe(true)

  // And it is looked at again from then on.
  host.tool('ip', ['link', 'set', 'br0', 'mtu', '1300'])
  expect(await told.until('repaired')).toMatchObject({ subject: { kind: 'network', name: 'br0' } })
})
