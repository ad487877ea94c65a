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

    test('what it has taken away may go out of scope behind it', async () => {
      await using subject = await open({ fresh: true })
      const br0 = await withNetwork(subject)
      await using ns0 = await br0.create({ name: 'ns0' })
      await using plain = await br0.create()
      await using gone = await br0.create({ name: 'gone' })
      await gone.destroy()
      await subject.api.down()
      expect([ns0.name, plain.anonymous]).toEqual(['ns0', true])
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
        () => api.listNetworks(),
        () => api.findNetwork('br0'),
        () => api.listNamespaces(),
        () => api.findNamespace('ns0'),
        () => api.listPools(),
        () => api.findPool('jobs'),
        () => api.diagnose(),
        () => api.events(),
        () => api.plan({}),
        () => api.check({}),
        () => api.apply({}),
        () => api.gc(),
        () => api.down(),
        () => br0.create({ name: 'ns1' }),
        () => br0.createMany([{ name: 'ns1' }]),
        () => br0.destroyMany([ns0]),
        () => br0.destroy(),
        () => br0.listNamespaces(),
        () => ns0.destroy(),
        () => ns0[Symbol.asyncDispose](),
        () => ns0.ping('192.168.0.1'),
        () => ns0.spawn('true'),
        () => ns0.connect({ address: '192.168.0.1', port: 9 }),
        () => ns0.listen(),
        () => ns0.datagram(),
      ])
        expect((await refusal((async () => work())())).code).toBe('EGRESSD_CLOSED')
      if (real) expect(namesOf(linksOf(subject, ns0).map(({ ifname: name }) => ({ name })))).toContain('eth0')
    })
  })
}
