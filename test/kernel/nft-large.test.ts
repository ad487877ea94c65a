import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { cidrElements, ipOf, ipv4, ipv6, nftType, rangeElements, rangesOf } from '../../src/kernel/nft-types.js'
import type { NftElement } from '../../src/kernel/ops-nft.js'
import type { NftExpr } from '../../src/kernel/ops-nft-expr.js'
import { createHost, type TestHost } from '../helpers/host.js'
import { addChain, addElements, addRule, addSet, addTable, at, commit, list, refusal } from '../helpers/nft.js'

interface SetJson {
  nftables: { set?: { name: string; elem?: unknown[] } }[]
}

function elementsByNft(host: TestHost, name: string): unknown[] {
  const { nftables } = host.json<SetJson>('nft', ['-j', 'list', 'set', 'inet', 't', name])
  return nftables.flatMap(entry => entry.set?.elem ?? [])
}

const address = (i: number) => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`

test('5,000 elements are added in one transaction, read back whole, and deleted in one', async () => {
  await using host = await createHost()
  const addresses = Array.from({ length: 5_000 }, (_, i) => address(i))
  const elements = addresses.map((text, i): NftElement => ({ key: ipv4(text), ...(i % 2 ? { comment: text } : {}) }))
  await commit(host, [addTable, addSet('many', nftType.ipv4Addr), addElements('many', elements)])

  const read = (await list(host)).sets[0]?.elements ?? []
  expect(read.map(element => ipOf(element.key)).sort()).toEqual([...addresses].sort())
  for (const element of read.slice(0, 100)) {
    const text = ipOf(element.key)
    expect(element.comment).toBe(addresses.indexOf(text) % 2 ? text : undefined)
  }
  expect(elementsByNft(host, 'many')).toHaveLength(5_000)

  await commit(host, [{ change: 'element.delete', ...at, set: 'many', elements: elements.slice(1) }])
  expect(elementsByNft(host, 'many')).toEqual([addresses[0]])
  await commit(host, [{ change: 'element.flush', ...at, set: 'many' }])
  expect(elementsByNft(host, 'many')).toEqual([])
})

test('a set is read whole while the kernel still resizes it', { timeout: 600_000 }, async () => {
  await using host = await createHost()
  await commit(host, [addTable, addSet('many', nftType.ipv4Addr)])
  for (let round = 0; round < 100; round++) {
    const count = round % 2 ? 50 : 3_000
    const elements = Array.from({ length: count }, (_, i): NftElement => ({ key: ipv4(address(i)) }))
    await commit(host, [{ change: 'element.flush', ...at, set: 'many' }, addElements('many', elements)])
    const read = (await list(host)).sets[0]?.elements ?? []
    expect(new Set(read.map(element => ipOf(element.key))).size).toBe(count)
    expect(read).toHaveLength(count)
  }
})

// What may pass net.core.wmem_max: root of the first user namespace.
const mayGrow = /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'))

test('a transaction larger than the send buffer grows it, or is refused where that is not allowed', async () => {
  await using host = await createHost()
  // The buffer is 4 MiB, which the kernel doubles; this is about 12 MB.
  const exprs: NftExpr[] = Array(100).fill({ expr: 'counter', packets: 1n, bytes: 1n })
  const rules = Array.from({ length: 2_500 }, () => addRule('c', ...exprs))
  const changes = [addTable, addChain('c'), ...rules]
  if (!mayGrow) {
    const message = expect.stringMatching(/^\d{8} bytes do not fit the socket's \d+$/)
    expect(await refusal(host, changes)).toMatchObject({ errno: 'EMSGSIZE', message })
    return
  }
  await commit(host, changes)
  const { rules: read } = await list(host)
  expect(read).toHaveLength(2_500)
  expect(read.every(rule => rule.exprs.length === 100)).toBe(true)
})

const intervals: string[][] = [
  ['0.0.0.0/0'],
  ['255.255.255.255/32'],
  ['255.255.255.0/24'],
  ['0.0.0.0/8', '128.0.0.0/1'],
  ['10.0.0.0/24', '10.0.1.0/24'],
  ['192.168.0.1', '192.168.0.3', '172.16.0.0/12'],
  ['::/0'],
  ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128'],
  ['ff00::/8', 'fe80::/10', '::1/128'],
  ['2001:db8::/64', '2001:db8:0:1::/64'],
]

test.each(intervals.map(cidrs => [cidrs.join(', '), cidrs] as const))('an interval set of %s', async (text, cidrs) => {
  await using host = await createHost()
  const v6 = text.includes(':')
  const type = v6 ? nftType.ipv6Addr : nftType.ipv4Addr
  const ours = cidrs.flatMap(cidrElements)
  await commit(host, [addTable, addSet('ours', type, { interval: true }), addElements('ours', ours)])
  host.tool('nft', ['add set inet t theirs', `{ type ${v6 ? 'ipv6_addr' : 'ipv4_addr'}; flags interval; }`])
  host.tool('nft', [`add element inet t theirs { ${text} }`])

  // nft sees in ours what it sees in its own, and we read the same ranges in both.
  expect(elementsByNft(host, 'ours')).toEqual(elementsByNft(host, 'theirs'))
  const { sets } = await list(host)
  const ranges = sets.map(set => rangesOf(set.elements).map(({ first, last }) => `${ipOf(first)}-${ipOf(last)}`))
  expect(ranges[0]).toHaveLength(cidrs.length)
  expect(ranges[0]).toEqual(ranges[1])

  // One taken out leaves the others as they are, in ours and in one that nft made.
  const first = cidrElements(cidrs[0] ?? '')
  for (const set of ['ours', 'theirs']) await commit(host, [{ change: 'element.delete', ...at, set, elements: first }])
  expect(elementsByNft(host, 'ours')).toHaveLength(cidrs.length - 1)
  expect(elementsByNft(host, 'ours')).toEqual(elementsByNft(host, 'theirs'))
})

test('a range that is no CIDR, up to the last address', async () => {
  await using host = await createHost()
  const last = { 4: '255.255.255.255', 6: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' }
  await commit(host, [
    addTable,
    addSet('four', nftType.ipv4Addr, { interval: true }),
    addSet('six', nftType.ipv6Addr, { interval: true }),
    addElements('four', rangeElements(ipv4('10.0.0.3'), ipv4(last[4]))),
    addElements('six', rangeElements(ipv6('fe80::3'), ipv6(last[6]))),
  ])
  expect(elementsByNft(host, 'four')).toEqual([{ range: ['10.0.0.3', last[4]] }])
  expect(elementsByNft(host, 'six')).toEqual([{ range: ['fe80::3', last[6]] }])
})

test('5,000 intervals in one transaction', async () => {
  await using host = await createHost()
  const cidrs = Array.from({ length: 5_000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/25`)
  await commit(host, [
    addTable,
    addSet('many', nftType.ipv4Addr, { interval: true }),
    addElements('many', cidrs.flatMap(cidrElements)),
  ])
  const { sets } = await list(host)
  const read = rangesOf(sets[0]?.elements ?? []).map(({ first, last }) => `${ipOf(first)}-${ipOf(last)}`)
  expect(read).toEqual(cidrs.map(cidr => `${cidr.slice(0, -3)}-${cidr.slice(0, -4)}127`))
})
