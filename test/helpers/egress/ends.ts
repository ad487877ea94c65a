import { describe, expect, test } from 'vitest'
import { type Kind, linksOf, namesOf, network, refusal, withNetwork } from './subject.js'

export function ends({ real, open }: Kind): void {
  describe('ends', () => {
    test('down removes everything, says what, and closes', async () => {
      await using subject = await open({ fresh: true })
      const { api } = subject
      const br0 = await withNetwork(subject)
      await br0.createMany([{ name: 'ns0' }, { name: 'ns1' }])
      const down = await api.down()
      expect(down.networks).toEqual(['br0'])
      expect(down.namespaces.toSorted()).toEqual(['ns0', 'ns1'])
      expect(down.forwardingLeftOn).toEqual([4, 6])
      if (real) expect(linksOf(subject).map(({ ifname }) => ifname)).toEqual(['lo', 'uplink0'])
      expect((await refusal(br0.create())).code).toBe('EGRESSD_CLOSED')
      await api.close()
    })

    test('a closed one refuses everything, twice closed is well, and what has a name stands', async () => {
      await using subject = await open()
      const { api } = subject
      const br0 = await withNetwork(subject)
      const ns0 = await br0.create({ name: 'ns0' })
      await Promise.all([api.close(), api.close()])
      await api[Symbol.asyncDispose]()
      for (const work of [
        () => api.network(network),
        () => api.plan({}),
        () => api.apply({}),
        () => api.gc(),
        () => api.down(),
        () => br0.create({ name: 'ns1' }),
        () => br0.createMany([{ name: 'ns1' }]),
        () => br0.destroyMany([ns0]),
        () => br0.destroy(),
        () => ns0.destroy(),
        () => ns0.ping('192.168.0.1'),
      ])
        expect((await refusal((async () => work())())).code).toBe('EGRESSD_CLOSED')
      if (real) expect(namesOf(linksOf(subject, ns0).map(({ ifname: name }) => ({ name })))).toContain('eth0')
    })
  })
}
