import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { SpecInput } from '../../src/spec/schema.js'
import { createLibrary, type Library } from '../helpers/library.js'
import { fc, runs } from '../helpers/random.js'

const names = ['net0', 'net1', 'net2']
/** For each network two places to be. */
const subnets = names.map((_, i) => [
  { 4: `10.${i}.0.0/16`, 6: `fd00:${i}::/64`, host4: `10.${i}.0.`, host6: `fd00:${i}::` },
  { 4: `10.1${i}.0.0/24`, 6: `fd00:1${i}::/64`, host4: `10.1${i}.0.`, host6: `fd00:1${i}::` },
])

const network = fc.record({
  there: fc.boolean(),
  place: fc.nat(1),
  dual: fc.boolean(),
  gateway: fc.nat(1),
  mode: fc.constantFrom('bridge' as const, 'routed' as const),
  masquerade: fc.constantFrom(true, false, { fullyRandom: true }),
  isolated: fc.boolean(),
  hostAccess: fc.constantFrom('none' as const, 'gateway' as const, 'all' as const),
  mtu: fc.constantFrom('auto' as const, 1400),
})
const namespace = fc.record({
  there: fc.boolean(),
  network: fc.nat(2),
  interface: fc.constantFrom('eth0', 'ceth0'),
  mtu: fc.constantFrom(undefined, 1300),
  routes: fc.constantFrom([], false as const, [{ to: '172.16.0.0/12' }]),
})
const places = fc.shuffledSubarray([10, 11, 12, 13], { minLength: 4, maxLength: 4 })

/** A document in which every address is asked for: what is left to choose depends on what was there before. */
const spec = fc
  .record({
    networks: fc.tuple(network, network, network),
    namespaces: fc.tuple(namespace, namespace, namespace, namespace),
    places,
  })
  .map(({ networks, namespaces, places }): SpecInput => {
    const placeOf = (i: number) => (subnets[i] as (typeof subnets)[number])[networks[i]?.place as number]
    return {
      networks: networks.flatMap(({ there, dual, gateway, place: _, ...fields }, i) => {
        const at = placeOf(i)
        if (!there || !at) return []
        const gateways = [`${at.host4}${1 + gateway}`, ...(dual ? [`${at.host6}${1 + gateway}`] : [])]
        return [{ ...fields, name: names[i] as string, subnets: [at[4], ...(dual ? [at[6]] : [])], gateway: gateways }]
      }),
      namespaces: namespaces.flatMap(({ there, network: i, mtu, ...fields }, n) => {
        const at = placeOf(i)
        if (!there || !networks[i]?.there || !at) return []
        const addresses = [`${at.host4}${places[n]}`, ...(networks[i]?.dual ? [`${at.host6}${places[n]}`] : [])]
        return [{ ...fields, name: `ns${n}`, network: names[i] as string, addresses, ...(mtu && { mtu }) }]
      }),
    }
  })

/** What is there, by the tools, without what depends on the order of making: numbers, handles, MAC-less devices. */
function state({ host, netnsDir, egress, ...library }: Library): unknown {
  const list = (args: string[], name?: string) => {
    const inside = name === undefined ? {} : { netns: { path: join(netnsDir, name) } }
    return host.json<Record<string, unknown>[]>('ip', ['-j', '-d', ...args], inside)
  }
  const look = (name?: string) => ({
    links: list(['link'], name)
      .filter(({ ifname }) => ifname !== 'uplink0')
      .map(({ ifname, address, mtu, master, ifalias, inet6_addr_gen_mode, linkinfo }) => {
        const slave = (linkinfo as { info_slave_data?: { isolated?: boolean } } | undefined)?.info_slave_data
        return [ifname, address, mtu, master, ifalias, inet6_addr_gen_mode, slave?.isolated]
      })
      .sort(),
    addresses: list(['addr'], name)
      .flatMap(({ ifname, addr_info }) =>
        (addr_info as { local: string; prefixlen: number }[]).map(a => `${ifname} ${a.local}/${a.prefixlen}`),
      )
      .sort(),
    routes: [...list(['-4', 'route'], name), ...list(['-6', 'route'], name)]
      .map(({ dst, gateway, dev, protocol, prefsrc, type }) => [dst, gateway, dev, protocol, prefsrc, type].join())
      .sort(),
    neighbours: list(['neigh', 'show', 'nud', 'permanent'], name)
      .map(({ dst, dev, lladdr }) => [dst, dev, lladdr].join())
      .sort(),
  })
  const names = egress.namespaces.map(({ name }) => name).sort()
  const { nftables, xtables, forwarding, pins } = library.census() as Record<string, string>
  const sorted = (text: string) =>
    text
      .replaceAll(library.root, '')
      .replace(/ # handle \d+/g, '')
      .replace(/elements = \{([^}]*)\}/g, (_, all: string) =>
        all
          .split(',')
          .map(e => e.trim())
          .sort()
          .join(),
      )
  return {
    host: look(),
    inside: Object.fromEntries(names.map(name => [name, look(name)])),
    nftables: sorted(nftables as string),
    xtables: [xtables].flat().map(table => String(table).split('\n').sort()),
    forwarding,
    pins,
    records: egress.networks.map(({ name }) => name).sort(),
  }
}

const base: SpecInput = { networks: [{ name: 'base', subnets: ['10.99.0.0/16', 'fd99::/64'] }] }

test.each(['nftables', 'xtables'] as const)(
  'whatever was applied before, the end is that of the last document alone: %s',
  async firewall => {
    await fc.assert(
      fc.asyncProperty(fc.array(spec, { minLength: 2, maxLength: 4 }), async documents => {
        await using one = await createLibrary({ firewall })
        // So that both have turned forwarding on for both families.
        await one.egress.apply(base)
        for (const document of documents) {
          await one.egress.apply(document, { prune: true })
          expect(await one.egress.check(document, { prune: true })).toEqual({ inSync: true, changes: [] })
        }
        await one.egress.namespaces[0]?.ping('127.0.0.1', { timeoutMs: 100 })
        await using other = await createLibrary({ firewall })
        await other.egress.apply(base)
        await other.egress.apply(documents.at(-1) as SpecInput, { prune: true })
        await Promise.all([one.restart(), other.restart()])
        expect(state(one)).toEqual(state(other))
      }),
      // To make it small takes longer than the test may: give its seed, and leave this out.
      { numRuns: runs(15), endOnFailure: true },
    )
  },
  runs(15) * 40_000,
)
