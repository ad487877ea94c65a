import { describe, expect, test } from 'vitest'
import type { CreatedApi } from '../../../src/api.js'
import { addressesOf, type Kind, linksOf, namesOf, network, refusal, withNetwork } from './subject.js'

const words = (all: readonly ({ ok: true } | { ok: false; error: { code: string } })[]) =>
  all.map(one => (one.ok ? 'ok' : one.error.code))
const made = (all: readonly CreatedApi[]) => all.flatMap(one => (one.ok ? [one.namespace] : []))
const items = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `n${i}` }))

export function many({ real, open }: Kind): void {
  describe('many', () => {
    test('are made in order, with progress, and destroyed', async () => {
      await using subject = await open()
      const br0 = await withNetwork(subject)
      const progress: { done: number; total: number }[] = []
      const created = await br0.createMany(items(50), { onProgress: how => progress.push(how) })
      expect(namesOf(made(created))).toEqual(namesOf(items(50)))
      expect(progress.at(-1)).toEqual({ done: 50, total: 50 })
      expect(progress.map(({ done }) => done)).toEqual(progress.map(({ done }) => done).toSorted((a, b) => a - b))
      expect(new Set(made(created).flatMap(({ addresses }) => addresses)).size).toBe(100)
      expect(await subject.api.listNamespaces({ network: 'br0' })).toHaveLength(50)
      const all = [...items(50)].map(item => ({ ...item, network: 'br0' }))
      expect(await subject.api.check({ networks: [network], namespaces: all })).toEqual({ inSync: true, changes: [] })
      const seventh = made(created)[7]
      if (real && seventh) {
        const [v4, v6] = seventh.addresses
        expect(addressesOf(linksOf(subject, seventh), 'eth0')).toEqual([`${v4}/16`, `${v6}/64`])
      }
      const ended = await br0.destroyMany(made(created).slice(10), { wait: 'gone' })
      expect(words(ended)).toEqual(Array.from({ length: 40 }, () => 'ok'))
      expect(await br0.listNamespaces()).toHaveLength(10)
      // The uplink and ten.
      if (real) expect(linksOf(subject).filter(({ ifname }) => /^(v|up)/.test(ifname)).length).toBeLessThanOrEqual(11)
    })

    test('a progress that throws disturbs nothing', async () => {
      await using subject = await open()
      const br0 = await withNetwork(subject)
      const mine = new Error('mine')
      const onProgress = () => {
        throw mine
      }
      const others = process.listeners('uncaughtException')
      const uncaught: unknown[] = []
      process.removeAllListeners('uncaughtException').on('uncaughtException', error => uncaught.push(error))
      try {
        const created = await br0.createMany(items(40), { onProgress })
        expect(words(created)).toEqual(items(40).map(() => 'ok'))
        expect(words(await br0.destroyMany(made(created), { onProgress }))).toEqual(items(40).map(() => 'ok'))
        await new Promise(resolve => setImmediate(resolve)) // behind those that throw
        expect(new Set(uncaught)).toEqual(new Set([mine]))
      } finally {
        process.removeAllListeners('uncaughtException')
        for (const other of others) process.on('uncaughtException', other)
      }
    })

    test('one that is of no plain values fails alone too', async () => {
      await using subject = await open()
      const br0 = await withNetwork(subject)
      const circle: object = { name: 'c' }
      Object.assign(circle, { circle })
      const bad = [{ name: 'b', mtu: 1_300n }, circle] as object[]
      const created = await br0.createMany([{ name: 'a' }, ...bad, { name: 'z' }])
      expect(words(created)).toEqual(['ok', 'EGRESSD_INVALID_SPEC', 'EGRESSD_INVALID_SPEC', 'ok'])
      for (const each of bad) expect((await refusal(br0.create(each))).code).toBe('EGRESSD_INVALID_SPEC')
      const { api } = subject
      const networks = [{ name: 'br1', subnets: ['10.0.0.0/24'], mtu: 1_300n as never }]
      expect((await refusal(api.network(networks[0] as never))).code).toBe('EGRESSD_INVALID_SPEC')
      expect((await refusal(api.plan({ networks }))).code).toBe('EGRESSD_INVALID_SPEC')
      expect((await refusal(api.apply({ networks }))).code).toBe('EGRESSD_INVALID_SPEC')
      expect((await refusal(br0.create([] as never))).code).toBe('EGRESSD_INVALID_SPEC')
      await br0.destroyMany(made(created))
    })

    test('what is no namespace is not taken for one', async () => {
      await using subject = await open()
      const br0 = await withNetwork(subject)
      const ns0 = await br0.create({ name: 'ns0' })
      for (const junk of [null, 5, 'ns0', {}, { name: 5 }])
        expect(await refusal(br0.destroyMany([ns0, junk as never]))).toMatchObject({
          code: 'EGRESSD_INVALID_SPEC',
          field: 'namespaces[1]',
        })
      expect(namesOf(await br0.listNamespaces())).toEqual(['ns0'])
      await ns0.destroy()
    })

    test('one that fails fails alone, and what is there stays as it is', async () => {
      await using subject = await open()
      const br0 = await withNetwork(subject)
      const there = await br0.create({ name: 'there' })
      const created = await br0.createMany([
        { name: 'a' },
        { name: 'bad name' },
        {},
        { name: 'taken', addresses: [there.addresses[0] as string] },
        { name: 'there' },
        { name: 'a' },
        null as never,
        { name: 'z', colour: 'red' } as never,
      ])
      expect(words(created)).toEqual([
        'ok',
        'EGRESSD_INVALID_NAME',
        'ok',
        'EGRESSD_ADDRESS_IN_USE',
        'ok',
        'ok',
        'EGRESSD_INVALID_SPEC',
        'EGRESSD_INVALID_SPEC',
      ])
      const [a, , anonymous, , again, twice] = created.map(one => (one.ok ? one.namespace : null))
      expect(anonymous?.anonymous).toBe(true)
      expect(again?.addresses).toEqual(there.addresses)
      expect(twice?.addresses).toEqual(a?.addresses)
      expect(namesOf(await subject.api.listNamespaces()).filter(name => name !== anonymous?.name)).toEqual([
        'a',
        'there',
      ])
      expect(created[1]).toMatchObject({ error: { field: 'name', problems: [{ field: 'name' }] } })
    })

    test('what was not begun when the signal came fails with EGRESSD_ABORTED, the rest is whole', async () => {
      await using subject = await open()
      const br0 = await subject.api.network({ ...network, mode: 'routed' })
      const stop = new AbortController()
      const reason = new Error('enough')
      const created = await br0.createMany(items(2_000), { signal: stop.signal, onProgress: () => stop.abort(reason) })
      const outcomes = words(created)
      const good = outcomes.filter(word => word === 'ok').length
      expect(outcomes.filter(word => word === 'EGRESSD_ABORTED')).toHaveLength(2_000 - good)
      expect(good).toBeGreaterThan(0)
      expect(good).toBeLessThan(2_000)
      expect(created.at(-1)).toMatchObject({ ok: false, error: { code: 'EGRESSD_ABORTED', cause: reason } })
      expect(await br0.listNamespaces()).toHaveLength(good)
      const stopped = await br0.destroyMany(made(created), { signal: stop.signal })
      expect(new Set(words(stopped))).toEqual(new Set(['EGRESSD_ABORTED']))
      expect(await br0.listNamespaces()).toHaveLength(good)
      expect(new Set(words(await br0.destroyMany(made(created))))).toEqual(new Set(['ok']))
    })

    test('what is no list is refused as such', async () => {
      await using subject = await open()
      const br0 = await withNetwork(subject)
      for (const odd of [3, null, undefined, 'ns0', { length: 1 }]) {
        const invalid = (field: string) => ({ code: 'EGRESSD_INVALID_SPEC', field })
        await expect(br0.createMany(odd as never)).rejects.toMatchObject(invalid('items'))
        await expect(br0.destroyMany(odd as never)).rejects.toMatchObject(invalid('namespaces'))
      }
    })

    test('none are well', async () => {
      await using subject = await open()
      const br0 = await withNetwork(subject)
      expect(await br0.createMany([])).toEqual([])
      expect(await br0.destroyMany([])).toEqual([])
      const ns0 = await br0.create({ name: 'ns0' })
      await ns0.destroy()
      expect(await br0.destroyMany([ns0, ns0])).toEqual([{ ok: true }, { ok: true }])
    })
  })
}
