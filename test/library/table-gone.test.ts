import { expect, test } from 'vitest'
import { nativeKernel } from '../../src/kernel/native.js'
import type { SpecInput } from '../../src/spec/schema.js'
import { createLibrary, dual } from '../helpers/library.js'

test('a namespace is made though somebody has just flushed all rules', async () => {
  // NB: the kernel itself: it has a namespace begun ahead, which the first attempt uses up.
  await using library = await createLibrary({ kernel: nativeKernel, firewall: 'nftables' })
  const network = await library.egress.network(dual)
  for (const options of [{ name: 'ns0' }, {}]) {
    library.host.tool('nft', ['flush', 'ruleset'])
    const namespace = await network.create(options)
    expect((await namespace.ping('8.8.8.8'))[0]?.result).toBe('reply')
    expect(library.host.tool('nft', ['list', 'ruleset'])).toContain(`"${namespace.hostInterface}"`)
  }
})

test('where networks of both backends stand, it is told where something is gone, and put back', async () => {
  await using library = await createLibrary()
  const { egress, host } = library
  const spec: SpecInput = {
    networks: [
      { name: 'br0', subnets: ['10.8.0.0/16', 'fd08::/64'], firewall: 'nftables' },
      { name: 'br1', subnets: ['10.9.0.0/16'], firewall: 'xtables' },
    ],
    namespaces: [
      { name: 'a', network: 'br0' },
      { name: 'b', network: 'br1' },
    ],
  }
  await egress.apply(spec)
  const before = library.census()
  const noNftables = () => host.tool('nft', ['delete', 'table', 'inet', 'egressd'])
  // What namespace b is held to its address by is in nf_tables as well.
  const noPorts = () => host.tool('nft', ['delete', 'table', 'bridge', 'egressd'])
  const noXtables = () => host.tool('iptables-legacy', ['-t', 'nat', '-F'])
  for (const [bends, names] of [
    [[noNftables], ['nftables']],
    [[noPorts], ['nftables']],
    [[noXtables], ['xtables']],
    [
      [noNftables, noXtables],
      ['nftables', 'xtables'],
    ],
  ] as const) {
    for (const bend of bends) bend()
    const { changes } = await egress.check(spec)
    expect(changes.map(({ kind, name }) => [kind, name])).toEqual(names.map(name => ['firewall', name]))
    for (const { name, does } of changes)
      for (const what of does) expect(what.startsWith('iptables'), what).toBe(name === 'xtables')
    expect((await egress.apply(spec)).changes.map(({ name, result }) => [name, result])).toEqual(
      names.map(name => [name, 'done']),
    )
    expect(withoutHandles(library.census())).toEqual(withoutHandles(before))
  }
})

// Tables that are made anew are others, and listed behind those that stayed.
const withoutHandles = (census: Record<string, unknown>) => ({
  ...census,
  nftables: String(census.nftables)
    .replace(/ # handle \d+/g, '')
    .split(/^(?=table )/m)
    .sort(),
})
