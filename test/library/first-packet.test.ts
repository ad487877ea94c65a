import { expect, test } from 'vitest'
import { createLibrary } from '../helpers/library.js'

// One in twenty was lost, where nobody waited for the kernel's work queues: linkwatch for the carrier, addrconf for the
// local route of an IPv6 address.
test.each(['bridge', 'routed'] as const)(
  'the first packet of a new namespace is not lost: %s',
  async mode => {
    await using library = await createLibrary()
    const network = await library.egress.network({ name: 'net0', mode, subnets: ['10.0.0.0/16', 'fd00::/64'] })
    const results: (string | undefined)[] = []
    for (const target of ['10.0.0.1', 'fd00::1'])
      for (let i = 0; i < 60; i++) {
        await using namespace = await network.create()
        results.push((await namespace.ping(target, { timeoutMs: 900 }))[0]?.result)
      }
    expect(results.filter(result => result !== 'reply')).toEqual([])
  },
  60_000,
)

test.each(['bridge', 'routed'] as const)(
  'nor is that of the first namespace of a network: %s',
  async mode => {
    await using library = await createLibrary()
    const results: (string | undefined)[] = []
    for (let i = 0; i < 12; i++) {
      const network = await library.egress.network({ name: 'net0', mode, subnets: ['10.0.0.0/16', 'fd00::/64'] })
      const namespace = await network.create()
      const target = i % 2 ? '10.0.0.1' : 'fd00::1'
      results.push((await namespace.ping(target, { timeoutMs: 900 }))[0]?.result)
      await namespace.destroy({ wait: 'gone' })
      await network.destroy()
    }
    expect(results.filter(result => result !== 'reply')).toEqual([])
  },
  60_000,
)

// IPv4 alone, for nothing is waited for then: one in five was lost, where nobody saw to it that the bridge has a carrier at once.
test('nor is that of the first namespace on a bridge, when it is made and when all others are gone', async () => {
  await using library = await createLibrary()
  const results: (string | undefined)[] = []
  for (let i = 0; i < 20; i++) {
    const network = await library.egress.network({ name: 'net0', mode: 'bridge', subnets: ['10.0.0.0/16'] })
    for (let n = 0; n < 2; n++) {
      const namespace = await network.create()
      results.push((await namespace.ping('10.0.0.1', { timeoutMs: 900 }))[0]?.result)
      await namespace.destroy({ wait: 'gone' })
    }
    await network.destroy()
  }
  expect(results.filter(result => result !== 'reply')).toEqual([])
}, 60_000)
