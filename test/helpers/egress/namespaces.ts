import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { NamespaceApi } from '../../../src/api.js'
import { addressesOf, type Kind, linksOf, namesOf, poolName, refusal, thrown, withNetwork } from './subject.js'

export function namespaces({ real, open }: Kind): void {
  describe('namespaces', () => {
    test('are what they are: a handle ends none that has its name after it', async () => {
      await using subject = await open()
      const { api } = subject
      const br0 = await withNetwork(subject)
      const first = await br0.create({ name: 'ns0' })
      expect(first.id).toMatch(/^[\w-]{12}$/)
      expect((await br0.create({ name: 'ns0' })).id).toBe(first.id)
      const again = await api.findNamespace('ns0')
      expect(again?.id).toBe(first.id)
      await again?.destroy()
      const next = await br0.create({ name: 'ns0' })
      expect(next.id).not.toBe(first.id)
      await first.destroy()
      expect(await br0.destroyMany([first])).toEqual([{ ok: true }])
      expect((await api.findNamespace('ns0'))?.id).toBe(next.id)
      await next.destroy()
      expect(await api.findNamespace('ns0')).toBe(null)
    })

    test('are destroyed together as one by one: none that has a name after another', async () => {
      await using subject = await open()
      const br0 = await withNetwork(subject)
      const first = await br0.create({ name: 'ns0' })
      await (await subject.api.findNamespace('ns0'))?.destroy()
      const next = await br0.create({ name: 'ns0' })
      expect(await br0.destroyMany([first])).toEqual([{ ok: true }])
      expect((await subject.api.findNamespace('ns0'))?.id).toBe(next.id)
      await next.destroy()
    })

    test('that another handle destroyed answer no ping by what has their name', async () => {
      await using subject = await open()
      const br0 = await withNetwork(subject)
      const first = await br0.create({ name: 'ns0' })
      await (await subject.api.findNamespace('ns0'))?.destroy()
      await using next = await br0.create({ name: 'ns0' })
      expect((await next.ping('192.168.0.1'))[0]?.result).toBe('reply')
      // A client learns of it by its daemon's answer.
      expect((await refusal(first.ping('192.168.0.1')))?.code).toMatch(/^EGRESSD_(NOT_FOUND|REPLACED)$/)
    })

    test('are over with their handle: it is never inside of one that has its name after it', async () => {
      await using subject = await open({ pool: { size: 1 } })
      const br0 = await withNetwork(subject)
      const [named, plain] = [await br0.create({ name: 'ns0' }), await br0.create()]
      const pool = await subject.api.findPool(poolName)
      const claimed = (await pool?.claim({ name: 'job' })) as NamespaceApi
      await named.destroy()
      expect(await br0.destroyMany([plain])).toEqual([{ ok: true }])
      await pool?.release(claimed)
      const after = [await br0.create({ name: 'ns0' }), await br0.create(), await br0.create({ name: 'job' })]
      for (const over of [named, plain, claimed])
        for (const work of [
          () => over.ping('192.168.0.1'),
          () => over.spawn('true'),
          () => over.connect({ address: '192.168.0.1', port: 9 }),
          () => over.listen(),
          () => over.datagram(),
        ])
          expect(await refusal(work())).toMatchObject({
            code: 'EGRESSD_NOT_FOUND',
            field: 'namespace',
            value: over.name,
          })
      for (const each of after) await each.destroy()
    })

    test('are destroyed together, those that had the name of another before among them', async () => {
      await using subject = await open()
      const br0 = await withNetwork(subject)
      const first = await br0.create({ name: 'ns0' })
      await (await subject.api.findNamespace('ns0'))?.destroy()
      const [next, other] = [await br0.create({ name: 'ns0' }), await br0.create({ name: 'ns1' })]
      const well = [{ ok: true }, { ok: true }, { ok: true }, { ok: true }]
      expect(await br0.destroyMany([first, next, other, next])).toEqual(well)
      expect(await br0.listNamespaces()).toEqual([])
    })

    test('two at once, of which each has what the other waits for', async () => {
      await using subject = await open()
      const br0 = await withNetwork(subject)
      const a = await br0.create({ name: 'a' })
      await (await subject.api.findNamespace('a'))?.destroy()
      const [again, b] = [await br0.create({ name: 'a' }), await br0.create({ name: 'b' })]
      const both = await Promise.all([br0.destroyMany([a, b]), br0.destroyMany([again, b])])
      expect(both.flat()).toEqual([{ ok: true }, { ok: true }, { ok: true }, { ok: true }])
      expect(await br0.listNamespaces()).toEqual([])
    })

    test('are made as asked, found, listed, and end', async () => {
      await using subject = await open()
      const { api, netnsDir } = subject
      const br0 = await withNetwork(subject)
      const options = { name: 'ns0', interface: 'ceth0', hostInterface: 'veth0', addresses: ['192.168.0.2'], mtu: 1300 }
      const ns0 = await br0.create(options)
      const expected = {
        name: 'ns0',
        network: 'br0',
        labels: {},
        anonymous: false,
        path: join(netnsDir, 'ns0'),
        ref: { path: join(netnsDir, 'ns0') },
        interface: 'ceth0',
        hostInterface: 'veth0',
      }
      expect(ns0).toMatchObject(expected)
      expect(ns0.addresses[0]).toBe('192.168.0.2')
      const found = await api.findNamespace('ns0')
      expect(found).toMatchObject(expected)
      expect(found?.addresses).toEqual(ns0.addresses)
      expect(namesOf(await br0.listNamespaces())).toEqual(['ns0'])
      if (real) {
        const inside = linksOf(subject, ns0)
        expect(addressesOf(inside, 'ceth0')).toEqual(['192.168.0.2/16', `${ns0.addresses[1]}/64`])
        expect(inside.find(({ ifname }) => ifname === 'ceth0')?.mtu).toBe(1300)
        expect(linksOf(subject).find(({ ifname }) => ifname === 'veth0')?.master).toBe('br0')
      }
      await ns0.destroy({ wait: 'gone' })
      await ns0.destroy()
      expect(await api.findNamespace('ns0')).toBe(null)
      expect(await br0.listNamespaces()).toEqual([])
      if (real) {
        expect(existsSync(join(netnsDir, 'ns0'))).toBe(false)
        expect(linksOf(subject).map(({ ifname }) => ifname)).not.toContain('veth0')
      }
    })

    test('twice are one, and nothing of it is touched', async () => {
      await using subject = await open()
      const br0 = await withNetwork(subject)
      const first = await br0.create({ name: 'ns0' })
      const before = real && [linksOf(subject), linksOf(subject, first)]
      const again = await Promise.all([br0.create({ name: 'ns0' }), br0.create({ name: 'ns0' })])
      for (const one of again) expect(one.addresses).toEqual(first.addresses)
      expect(real && [linksOf(subject), linksOf(subject, first)]).toEqual(before)
      const other = await refusal(br0.create({ name: 'ns0', interface: 'other0' }))
      expect(other.code).toBe('EGRESSD_MISMATCH')
    })

    test('without a name are held by a descriptor', async () => {
      await using subject = await open()
      const br0 = await withNetwork(subject)
      const [a, b] = [await br0.create(), await br0.create({ interface: 'ceth0' })]
      expect(a).toMatchObject({ anonymous: true, path: null, network: 'br0' })
      expect(a.name).not.toBe(b.name)
      expect((await subject.api.findNamespace(a.name))?.addresses).toEqual(a.addresses)
      if (real)
        expect(addressesOf(linksOf(subject, b), 'ceth0')).toEqual([`${b.addresses[0]}/16`, `${b.addresses[1]}/64`])
      await a.destroy()
      await b[Symbol.asyncDispose]()
      expect(await subject.api.listNamespaces()).toEqual([])
    })

    test('that are destroyed leave alone who has their name then', async () => {
      await using subject = await open()
      const br0 = await withNetwork(subject)
      const old = await br0.create({ name: 'ns0' })
      await old.destroy()
      const next = await br0.create({ name: 'ns0' })
      await old.destroy()
      await br0.destroyMany([old])
      expect((await subject.api.findNamespace('ns0'))?.addresses).toEqual(next.addresses)
      expect(namesOf(await br0.listNamespaces())).toEqual(['ns0'])
    })

    test.each([
      [{ name: 'a/b' }, 'EGRESSD_INVALID_NAME', 'name'],
      [{ name: '..' }, 'EGRESSD_INVALID_NAME', 'name'],
      [{ name: '.' }, 'EGRESSD_INVALID_NAME', 'name'],
      [{ name: '' }, 'EGRESSD_INVALID_NAME', 'name'],
      [{ name: 'é%/../x' }, 'EGRESSD_INVALID_NAME', 'name'],
      [{ name: 7 }, 'EGRESSD_INVALID_SPEC', 'name'],
      [{ name: 'a', addresses: ['10.0.0.1'] }, 'EGRESSD_ADDRESS_OUTSIDE_SUBNET', 'addresses[0]'],
      [{ name: 'a', addresses: ['192.168.0.1'] }, 'EGRESSD_ADDRESS_RESERVED', 'addresses[0]'],
      [{ name: 'a', addresses: ['192.168.0.9', 'x'] }, 'EGRESSD_INVALID_ADDRESS', 'addresses[1]'],
      [{ name: 'a', addresses: ['192.168.0.5'] }, 'EGRESSD_ADDRESS_IN_USE', 'addresses[0]'],
      [{ name: 'a', interface: 'a/b' }, 'EGRESSD_INVALID_INTERFACE_NAME', 'interface'],
      [{ name: 'a', colour: 'red' }, 'EGRESSD_INVALID_SPEC', 'colour'],
      [{ name: 'a', network: 'br0' }, 'EGRESSD_INVALID_SPEC', 'network'],
      [{ addresses: 'none' }, 'EGRESSD_INVALID_SPEC', 'addresses'],
      [{ name: 'a', dns: { servers: ['here'] } }, 'EGRESSD_INVALID_ADDRESS', 'dns.servers[0]'],
      [{ name: 'a', sysctls: { 'kernel.hostname': 'x' } }, 'EGRESSD_INVALID_SPEC', 'sysctls'],
    ])('%j is refused by its field, alone and among others', async (options, code, field) => {
      await using subject = await open()
      const br0 = await withNetwork(subject)
      await br0.create({ name: 'five', addresses: ['192.168.0.5'] })
      const alone = await refusal(br0.create(options as never))
      const [many, good] = await br0.createMany([options as never, { name: 'good' }])
      for (const error of [alone, many?.ok === false ? many.error : null]) {
        expect(error?.code).toBe(code)
        expect(error?.field?.startsWith(field)).toBe(true)
      }
      expect(good?.ok).toBe(true)
      expect(namesOf(await subject.api.listNamespaces())).toEqual(['five', 'good'])
    })

    test('tell all that is wrong at once', async () => {
      await using subject = await open()
      const br0 = await withNetwork(subject)
      const error = await refusal(br0.create({ name: 'a b', addresses: ['192.168.0.9', 'x'], mtu: 1 }))
      expect(error.code).toBe('EGRESSD_INVALID_SPEC')
      const fields = error.problems?.map(problem => [problem.field, problem.code])
      expect(fields?.sort()).toEqual([
        ['addresses[1]', 'EGRESSD_INVALID_ADDRESS'],
        ['mtu', 'EGRESSD_INVALID_SPEC'],
        ['name', 'EGRESSD_INVALID_NAME'],
      ])
      for (const not of [null, 3, 'ns0', ['ns0']])
        expect(await refusal(br0.create(not as never))).toMatchObject({ code: 'EGRESSD_INVALID_SPEC', field: '' })
    })

    if (real)
      test('that the kernel refuses are told with its words, and nothing of them is left', async () => {
        await using subject = await open()
        const br0 = await withNetwork(subject)
        const before = linksOf(subject)
        const sysctls = { 'net.ipv4.there_is_no_such': 1 }
        const error = await refusal(br0.create({ name: 'ns0', sysctls }))
        expect(error).toMatchObject({ code: 'EGRESSD_REFUSED_VALUE', fault: { op: 'sysctl.set', errno: 'ENOENT' } })
        expect(error.undone?.length).toBeGreaterThan(0)
        expect(error.left ?? []).toEqual([])
        expect(await subject.api.listNamespaces()).toEqual([])
        expect(linksOf(subject).map(({ ifname }) => ifname)).toEqual(before.map(({ ifname }) => ifname))
      })

    test('are found by network and in the order of their names', async () => {
      await using subject = await open()
      const { api } = subject
      const br0 = await withNetwork(subject)
      const r1 = await api.network({ name: 'r1', mode: 'routed', subnets: ['10.9.0.0/24'] })
      await br0.createMany(['b', 'a-1', 'B', 'a', '_'].map(name => ({ name })))
      await r1.create({ name: 'c' })
      expect(namesOf(await api.listNamespaces())).toEqual(['B', '_', 'a', 'a-1', 'b', 'c'])
      expect(namesOf(await api.listNamespaces({ network: 'r1' }))).toEqual(['c'])
      expect(namesOf(await r1.listNamespaces())).toEqual(['c'])
      expect(await api.listNamespaces({ network: 'none' })).toEqual([])
      expect(await api.listNamespaces({ labels: { a: 'b' } })).toEqual([])
      for (const name of ['none', '..', '', 'a/b']) expect(await api.findNamespace(name)).toBe(null)
    })
  })

  describe('a ping', () => {
    test('goes where it should', async () => {
      await using subject = await open()
      const ns0 = await (await withNetwork(subject)).create({ name: 'ns0' })
      expect(await ns0.ping('192.168.0.1', { count: 2, intervalMs: 10 })).toMatchObject([
        { sequence: 1, result: 'reply', from: '192.168.0.1', errno: null },
        { sequence: 2, result: 'reply' },
      ])
      expect((await ns0.ping('fd00::1'))[0]).toMatchObject({ result: 'reply', from: 'fd00::1' })
      if (real) expect((await ns0.ping('8.8.8.8'))[0]).toMatchObject({ result: 'reply', from: '8.8.8.8' })
      expect((await ns0.ping('192.168.9.9', { timeoutMs: 50 }))[0]?.result).toBe('timeout')
    })

    if (real)
      test('ends with its signal, and says what is wrong with it', async () => {
        await using subject = await open()
        const ns0 = await (await withNetwork(subject)).create({ name: 'ns0' })
        const stop = new AbortController()
        const long = thrown(ns0.ping('192.168.9.9', { timeoutMs: 60_000, signal: stop.signal }))
        const reason = new Error('enough')
        stop.abort(reason)
        expect(await long).toBe(reason)
        expect(await thrown(ns0.ping('192.168.0.1', { signal: stop.signal }))).toBe(reason)
        for (const bad of [{ count: 0 }, { ttl: 999 }, { size: 1e9 }, { timeout: 5 } as object])
          expect(await thrown(ns0.ping('192.168.0.1', bad))).toMatchObject({
            code: expect.stringMatching(/^EGRESSD_INVALID/),
          })
        expect(await thrown(ns0.ping('nowhere'))).toMatchObject({ code: expect.stringMatching(/^EGRESSD_INVALID/) })
      })
  })
}
