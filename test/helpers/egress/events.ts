import { describe, expect, test } from 'vitest'
import type { EgressEvent } from '../../../src/engine/events.js'
import { type Kind, withNetwork } from './subject.js'

/** Follows until `count` came, or the end. */
async function take(events: AsyncIterable<EgressEvent>, count: number): Promise<EgressEvent[]> {
  const taken: EgressEvent[] = []
  // Not what a daemon says of itself.
  for await (const event of events) if (!event.type.startsWith('config.') && taken.push(event) === count) break
  return taken
}

const words = (events: readonly EgressEvent[]) => events.map(({ type, name }) => [type, name].join(' '))

export function events({ open }: Kind): void {
  describe('events', () => {
    test('are told in order from when they are followed, and from behind one that was seen', async () => {
      await using subject = await open()
      const { api } = subject
      const first = take(api.events(), 4)
      const br0 = await withNetwork(subject)
      const ns0 = await br0.create({ name: 'ns0' })
      await br0.create({ name: 'ns0' })
      await br0.createMany([{ name: 'ns1' }])
      await ns0.destroy()
      await ns0.destroy()
      const told = await first
      expect(words(told)).toEqual([
        'network.created br0',
        'namespace.created ns0',
        'namespace.created ns1',
        'namespace.destroyed ns0',
      ])
      expect(told[1]).toMatchObject({ network: 'br0', addresses: ns0.addresses, anonymous: false })
      expect(new Set(told.map(({ id }) => id)).size).toBe(4)
      for (const { time } of told) expect(new Date(time).toISOString()).toBe(time)
      await br0.create({ name: 'ns2' })
      const since = told[2]?.id as string
      expect(words(await take(api.events({ since }), 2))).toEqual(['namespace.destroyed ns0', 'namespace.created ns2'])
    })

    test('end for who leaves them while nothing comes', async () => {
      await using subject = await open()
      const following = subject.api.events()[Symbol.asyncIterator]()
      let next = following.next()
      await withNetwork(subject)
      while ((await next).value?.type !== 'network.created') next = following.next()
      const [waiting, left] = [following.next(), following.return?.()]
      expect([await waiting, await left, await following.next()]).toEqual(
        Array.from({ length: 3 }, () => ({ done: true, value: undefined })),
      )
    })

    test('of another run begin with a gap', async () => {
      await using subject = await open({ fresh: true })
      const begun = take(subject.api.events(), 1)
      await withNetwork(subject)
      await begun
      expect(words(await take(subject.api.events({ since: 'other-7' }), 2))).toEqual(['gap ', 'network.created br0'])
    })

    test('are told to all who follow, and end with the signal and with the handle', async () => {
      await using subject = await open()
      const { api } = subject
      const stop = new AbortController()
      const [a, b] = [take(api.events({ signal: stop.signal }), 9), take(api.events(), 9)]
      await withNetwork(subject)
      const seen = take(api.events(), 1)
      await (await withNetwork(subject)).create({ name: 'ns0' })
      expect(words(await seen)).toEqual(['namespace.created ns0'])
      stop.abort()
      const all = ['network.created br0', 'namespace.created ns0']
      expect(words(await a)).toEqual(all.slice(0, (await a).length))
      await api.close()
      expect(words(await b)).toEqual(all)
      expect(
        await take({ [Symbol.asyncIterator]: () => api.events()[Symbol.asyncIterator]() }, 1).catch(e => e.code),
      ).toBe('EGRESSD_CLOSED')
    })
  })
}
