import { describe, expect, test } from 'vitest'
import type { NetworkOptions } from '../../../src/engine/options.js'
import { addressesOf, type Kind, linksOf, namesOf, network, refusal, withNetwork } from './subject.js'

export function networks({ real, open }: Kind): void {
  describe('networks', () => {
    test('are made as asked, found and listed', async () => {
      await using subject = await open()
      const { api } = subject
      expect(await api.listNetworks()).toEqual([])
      expect(await api.findNetwork('br0')).toBe(null)
      const br0 = await api.network({ ...network, mtu: 1400 })
      const expected = {
        name: 'br0',
        mode: 'bridge',
        bridge: 'br0',
        subnets: ['192.168.0.0/16', 'fd00::/64'],
        gateways: ['192.168.0.1', 'fd00::1'],
        masquerade: true,
        backend: 'nftables',
        mtu: 1400,
      }
      const fields = (one: object | null | undefined) =>
        Object.fromEntries(Object.keys(expected).map(key => [key, (one as Record<string, unknown>)[key]]))
      expect(fields(br0)).toEqual(expected)
      expect(fields(await api.findNetwork('br0'))).toEqual(expected)
      const other: NetworkOptions = { name: 'r1', mode: 'routed', subnets: ['10.9.0.0/24'], masquerade: false }
      expect(await api.network(other)).toMatchObject({ mode: 'routed', masquerade: false, gateways: ['10.9.0.1'] })
      expect(namesOf(await api.listNetworks())).toEqual(['br0', 'r1'])
      if (!real) return
      const links = linksOf(subject)
      expect(addressesOf(links, 'br0')).toEqual(['192.168.0.1/16', 'fd00::1/64'])
      expect(links.find(({ ifname }) => ifname === 'br0')?.mtu).toBe(1400)
      expect(addressesOf(links, 'r1')).toEqual(['10.9.0.1/32'])
    })

    test('twice are one', async () => {
      await using subject = await open()
      await subject.api.network(network)
      const before = real && linksOf(subject)
      expect((await subject.api.network(network)).name).toBe('br0')
      expect(real && linksOf(subject)).toEqual(before)
      expect(await subject.api.listNetworks()).toHaveLength(1)
    })

    test.each([
      [{ name: 'a b', subnets: ['10.1.0.0/16'] }, 'EGRESSD_INVALID_NAME', 'name'],
      [{ name: 'a/b', subnets: ['10.1.0.0/16'] }, 'EGRESSD_INVALID_NAME', 'name'],
      [{ name: 'a%2fb?x=y#z', subnets: ['10.1.0.0/16'] }, 'EGRESSD_INVALID_NAME', 'name'],
      [{ name: '..', subnets: ['10.1.0.0/16'] }, 'EGRESSD_INVALID_NAME', 'name'],
      [{ name: '', subnets: ['10.1.0.0/16'] }, 'EGRESSD_INVALID_NAME', 'name'],
      [{ name: 'x'.repeat(65), subnets: ['10.1.0.0/16'] }, 'EGRESSD_INVALID_NAME', 'name'],
      [{ name: 'a', subnets: ['10.1.0.1/16'] }, 'EGRESSD_INVALID_SUBNET', 'subnets[0]'],
      [{ name: 'a', subnets: [] }, 'EGRESSD_INVALID_SPEC', 'subnets'],
      [{ name: 'a', subnets: ['10.1.0.0/16'], colour: 'red' }, 'EGRESSD_INVALID_SPEC', 'colour'],
      [{ name: 'a', subnets: ['10.1.0.0/16'], gateway: ['10.2.0.1'] }, 'EGRESSD_ADDRESS_OUTSIDE_SUBNET', 'gateway[0]'],
      [{ name: 'a', subnets: ['10.1.0.0/16'], mtu: 1 }, 'EGRESSD_INVALID_SPEC', 'mtu'],
    ])('%j is refused by its field, and nothing is changed', async (options, code, field) => {
      await using subject = await open()
      const before = real && linksOf(subject)
      const error = await refusal(subject.api.network(options as never))
      expect(error).toMatchObject({ code, field, problems: [{ code, field }] })
      expect(error.message).toContain(field)
      expect(await subject.api.listNetworks()).toEqual([])
      expect(real && linksOf(subject)).toEqual(before)
    })

    test('tell all that is wrong at once', async () => {
      await using subject = await open()
      const named = await refusal(subject.api.network({ name: 'a/b', subnets: ['10.1.0.1/16'], mtu: 1 }))
      expect(named.problems?.map(({ field }) => field).sort()).toEqual(['mtu', 'name', 'subnets[0]'])
      expect(named.message).toMatch(/^3 problems:\n +name: "a\/b" /)
      for (const not of [null, 3, 'br0', []])
        expect(await refusal(subject.api.network(not as never))).toMatchObject({ code: 'EGRESSD_INVALID_SPEC' })
      const error = await refusal(
        subject.api.network({ name: 'a', subnets: ['10.1.0.1/16'], mtu: 1, admit: 3 } as never),
      )
      expect(error.code).toBe('EGRESSD_INVALID_SPEC')
      expect(error.problems?.map(({ field }) => field).sort()).toEqual(['admit', 'mtu', 'subnets[0]'])
    })

    test('that clash are refused', async () => {
      await using subject = await open()
      await withNetwork(subject)
      const overlap = { name: 'br1', subnets: ['192.168.4.0/24'] }
      expect(await refusal(subject.api.network(overlap))).toMatchObject({ code: 'EGRESSD_SUBNET_OVERLAP' })
      const changed = { ...network, masquerade: false }
      expect(await refusal(subject.api.network(changed))).toMatchObject({ code: 'EGRESSD_MISMATCH' })
      if (!real) return
      subject.host?.tool('ip', ['link', 'add', 'br7', 'type', 'bridge'])
      const taken = await refusal(subject.api.network({ name: 'br7', subnets: ['10.7.0.0/16'] }))
      expect(taken.code).toBe('EGRESSD_NAME_TAKEN')
    })

    test('are destroyed once nobody is in them', async () => {
      await using subject = await open()
      const br0 = await withNetwork(subject)
      const ns0 = await br0.create({ name: 'ns0' })
      expect(await refusal(br0.destroy())).toMatchObject({ code: 'EGRESSD_MISMATCH' })
      await ns0.destroy()
      await br0.destroy()
      await br0.destroy()
      expect(await subject.api.findNetwork('br0')).toBe(null)
      expect(await refusal(br0.create({ name: 'ns1' }))).toMatchObject({ code: 'EGRESSD_NOT_FOUND' })
      if (real) expect(namesOf(linksOf(subject).map(({ ifname: name }) => ({ name })))).not.toContain('br0')
    })
  })
}
