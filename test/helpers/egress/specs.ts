import { describe, expect, test } from 'vitest'
import type { SpecInput } from '../../../src/spec/schema.js'
import { type Kind, linksOf, namesOf, network, refusal, thrown, withNetwork } from './subject.js'

const spec: SpecInput = {
  networks: [network],
  namespaces: [
    { name: 'ns0', network: 'br0', addresses: ['192.168.0.2'] },
    { name: 'ns1', network: 'br0' },
  ],
}
const brief = (changes: readonly { kind: string; name: string; action: string }[]) =>
  changes.map(({ kind, name, action }) => `${action} ${kind} ${name}`)

export function specs({ real, open }: Kind): void {
  describe('a spec', () => {
    test('is planned, applied, in sync, changed and pruned', async () => {
      await using subject = await open()
      const { api } = subject
      const wanted = ['create network br0', 'create namespace ns0', 'create namespace ns1']
      const planned = await api.plan(spec)
      expect(planned.inSync).toBe(false)
      expect(brief(planned.changes).filter(line => !line.includes('forwarding'))).toEqual(wanted)
      expect(planned.changes[0]?.does.length).toBeGreaterThan(0)
      expect(await api.apply(spec, { dryRun: true })).toMatchObject({ changed: false })
      expect(await api.listNetworks()).toEqual([])

      const applied = await api.apply(spec)
      expect(applied.changed).toBe(true)
      expect(new Set(applied.changes.map(({ result }) => result))).toEqual(new Set(['done']))
      expect((await api.findNamespace('ns0'))?.addresses[0]).toBe('192.168.0.2')
      for (const same of [await api.check(spec), await api.plan(spec)])
        expect(same).toEqual({ inSync: true, changes: [] })
      expect(await api.apply(spec)).toEqual({ changed: false, changes: [] })

      const less: SpecInput = { ...spec, namespaces: spec.namespaces?.slice(0, 1) }
      expect((await api.check(less)).inSync).toBe(true)
      expect(brief((await api.plan(less, { prune: true })).changes)).toEqual(['delete namespace ns1'])
      expect(brief((await api.apply(less, { prune: true })).changes)).toEqual(['delete namespace ns1'])
      expect(namesOf(await api.listNamespaces())).toEqual(['ns0'])
    })

    if (real)
      test('drift is seen and put right', async () => {
        await using subject = await open()
        const { api, host } = subject
        await api.apply(spec)
        host?.tool('ip', ['link', 'set', 'br0', 'mtu', '1400'])
        host?.tool('nft', ['flush', 'ruleset'])
        const drift = await api.check(spec)
        expect(drift.inSync).toBe(false)
        expect(brief(drift.changes)).toContain('repair network br0')
        expect((await api.apply(spec)).changed).toBe(true)
        expect((await api.check(spec)).inSync).toBe(true)
        expect(linksOf(subject).find(({ ifname }) => ifname === 'br0')?.mtu).toBe(1500)
        expect((await (await api.findNamespace('ns0'))?.ping('8.8.8.8'))?.[0]?.result).toBe('reply')
      })

    test('that is wrong is refused with the fields of all that is, and nothing is changed', async () => {
      await using subject = await open()
      const { api } = subject
      const wrong = {
        networks: [network, { name: 'br 1', subnets: ['10.2.0.0/16'] }],
        namespaces: [{ name: 'ns 0', network: 'br0', mtu: 1 }],
      }
      const fields = ['networks[1].name', 'namespaces[0].name', 'namespaces[0].mtu']
      for (const method of ['plan', 'check', 'apply'] as const) {
        const error = await refusal(api[method](wrong))
        expect(error.code).toBe('EGRESSD_INVALID_SPEC')
        expect(new Set(error.problems?.map(({ field }) => field))).toEqual(new Set(fields))
        expect(error.message).toMatch(/^ *networks\[1\]\.name: /m)
      }
      for (const [not, field] of [
        [null, ''],
        [[], ''],
        ['x', ''],
        [{ nets: [] }, 'nets'],
        [{ networks: 3 }, 'networks'],
      ] as const)
        expect(await refusal(api.plan(not as never))).toMatchObject({ code: 'EGRESSD_INVALID_SPEC', field })
      const overlap = { networks: [network, { name: 'br1', subnets: ['192.168.4.0/24'] }] }
      expect(await refusal(api.plan(overlap))).toMatchObject({ field: 'networks[1].subnets' })
      expect(await api.listNetworks()).toEqual([])
    })

    if (real)
      test('of which a part fails: the rest is done, and what came of each is told', async () => {
        await using subject = await open()
        const { api } = subject
        const sysctls = { 'net.ipv4.there_is_no_such': 1 }
        const bad = [{ name: 'bad', network: 'br0', sysctls }, ...(spec.namespaces ?? [])]
        const error = await refusal(api.apply({ ...spec, namespaces: bad }))
        expect(error).toMatchObject({ code: 'EGRESSD_REFUSED_VALUE', fault: { errno: 'ENOENT' } })
        const changes = error.details?.changes as { name: string; result: string; error?: unknown }[]
        const results = Object.fromEntries(changes.map(({ name, result }) => [name, result]))
        expect(results).toMatchObject({ br0: 'done', ns0: 'done', ns1: 'done', bad: 'failed' })
        const cause = changes.find(({ name }) => name === 'bad')?.error
        expect(cause).toMatchObject({ code: 'EGRESSD_REFUSED_VALUE', fault: { errno: 'ENOENT' } })
        expect(cause).toBeInstanceOf(Error)
        expect(namesOf(await api.listNamespaces())).toEqual(['ns0', 'ns1'])
      })

    test('is not begun where the signal came before', async () => {
      await using subject = await open()
      const reason = new Error('enough')
      const error = await thrown(subject.api.apply(spec, { signal: AbortSignal.abort(reason) }))
      expect(error).toBe(reason)
      expect(await subject.api.listNamespaces()).toEqual([])
    })
  })

  if (!real) return

  describe('garbage', () => {
    test('is what is marked as ours and belongs to nobody', async () => {
      await using subject = await open()
      const { api, host } = subject
      const br0 = await withNetwork(subject)
      await br0.create({ name: 'ns0' })
      expect(await api.gc()).toEqual({ remove: [], kept: [], files: [], left: [] })
      host?.tool('ip', ['link', 'add', 'lost0', 'type', 'bridge'])
      host?.tool('ip', ['link', 'set', 'lost0', 'alias', 'egressd:br0/lost'])
      host?.tool('ip', ['link', 'add', 'else0', 'type', 'bridge'])
      host?.tool('ip', ['link', 'set', 'else0', 'alias', 'egressd:else/where'])
      const said = await api.gc({ dryRun: true })
      expect(said.remove).toMatchObject([{ alias: 'egressd:br0/lost', links: [{ name: 'lost0' }] }])
      expect(said.kept).toMatchObject([{ alias: 'egressd:else/where', why: expect.any(String) }])
      expect(await api.gc()).toEqual(said)
      const names = linksOf(subject).map(({ ifname }) => ifname)
      expect([names.includes('lost0'), names.includes('else0')]).toEqual([false, true])
      expect((await api.gc({ all: true })).remove).toMatchObject([{ alias: 'egressd:else/where' }])
      expect(linksOf(subject).map(({ ifname }) => ifname)).not.toContain('else0')
      expect(namesOf(await br0.listNamespaces())).toEqual(['ns0'])
    })
  })

  describe('a diagnosis', () => {
    test('looks at this host', async () => {
      await using subject = await open()
      await (await withNetwork(subject)).create({ name: 'ns0' })
      const { ok, checks } = await subject.api.diagnose({ namespaces: 5 })
      expect(ok).toBe(checks.every(({ status }) => status !== 'stop'))
      const ids = checks.map(({ id }) => id)
      expect(new Set(ids).size).toBe(ids.length)
      expect(ids).toContain('privileges')
      for (const check of checks) expect(check).toMatchObject({ title: expect.any(String), status: expect.any(String) })
      // What it looks at is what it has made: with the bridge gone it says so.
      subject.host?.tool('ip', ['link', 'del', 'br0'])
      const after = await subject.api.diagnose({ namespaces: 5 })
      expect(after.checks).not.toEqual(checks)
      expect(JSON.stringify(after.checks)).toContain('br0')
    })
  })
}
