// What is asked of a namespace while it is being destroyed: it is refused as by one that was destroyed.
import { expect, test } from 'vitest'
import type { Namespace } from '../../src/namespace.js'
import { createLibrary, dual, refusal } from '../helpers/library.js'

const works: ((namespace: Namespace) => Promise<unknown>)[] = [
  namespace => namespace.ping('192.168.0.1'),
  namespace => namespace.spawn('true'),
  namespace => namespace.connect({ address: '192.168.0.1', port: 9 }),
  namespace => namespace.listen(),
  namespace => namespace.datagram(),
  namespace => namespace.descriptor(),
]
const kinds = [
  ['an anonymous one', {}],
  ['one with a name', { name: 'ns0' }],
] as const

test.each(kinds)('%s is nothing any more once it is cut off', async (_, options) => {
  await using library = await createLibrary()
  const namespace = await (await library.egress.network(dual)).create(options)
  const refusals: Promise<unknown>[] = []
  // The kernel has taken pin or descriptor away, and this process has not come to know.
  library.watch.answered = ops => {
    if (options === kinds[0][1] || ops.some(({ op }) => op === 'netns.unpin'))
      for (const work of works) refusals.push(refusal(work(namespace)))
  }
  await namespace.destroy()
  library.watch.answered = null
  expect(refusals.length).toBeGreaterThanOrEqual(works.length)
  for (const error of await Promise.all(refusals))
    expect(error).toMatchObject({ code: 'EGRESSD_NOT_FOUND', field: 'namespace', value: namespace.name })
})

test.each(kinds)('a ping that waits for its turn while %s is destroyed', async (_, options) => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const [namespace, other] = [await network.create(options), await network.create({ name: 'other' })]
  // NB: nor does the kernel find out in three seconds that nobody is there, which would give the late one its turn.
  const nobody = ['neigh', 'add', '192.168.9.9', 'lladdr', '02:00:00:00:09:09', 'dev', other.interface]
  library.host.tool('ip', nobody, { netns: other.ref })
  // As many as are sent at once.
  const stops = Array.from({ length: 64 }, () => new AbortController())
  const before = stops.map(({ signal }) => other.ping('192.168.9.9', { timeoutMs: 3_600_000, signal }))
  const late = refusal(namespace.ping('fe80::1%eth0'))
  await namespace.destroy({ wait: 'gone' })
  for (const stop of stops) stop.abort()
  await Promise.allSettled(before)
  expect(await late).toMatchObject({ code: 'EGRESSD_NOT_FOUND', message: `namespace ${namespace.name} was destroyed` })
})
