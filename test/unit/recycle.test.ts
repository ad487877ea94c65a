// The comparison of a used namespace with a fresh one, by itself: bytes that do not parse, what passes by itself, and the reset.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Egress } from '../../src/egress.js'
import { FakeMachine } from '../../src/kernel/fake/fake.js'
import type { Route } from '../../src/kernel/ops-route.js'
import { compareLines } from '../../src/recycle/compare.js'
import { files } from '../../src/recycle/files.js'
import { forms, isPassing } from '../../src/recycle/forms.js'
import { messageLines } from '../../src/recycle/messages.js'
import { Own } from '../../src/recycle/own.js'
import { readFresh, resetNamespace } from '../../src/recycle/recycle.js'
import { countSockets, socketDifferences, socketFiles } from '../../src/recycle/sockets.js'
import { nftWords, routeWords, splitSettings } from '../../src/recycle/words.js'
import { fc } from '../helpers/random.js'

const own = new Own({
  mac: '02:00:00:00:00:02',
  hostMac: '02:00:00:00:00:01',
  alias: 'egressd:br0/ns0',
  addresses: [
    { family: 4, address: '192.168.0.2' },
    { family: 6, address: 'fd00::2' },
  ],
})

/** A message of type 20 with a header of 4 bytes. */
function message(header: number, ...attributes: [type: number, value: number[]][]): Buffer {
  const parts = attributes.map(([type, value]) => {
    const part = Buffer.alloc(4 + ((value.length + 3) & ~3))
    part.writeUInt16LE(4 + value.length)
    part.writeUInt16LE(type, 2)
    Buffer.from(value).copy(part, 4)
    return part
  })
  const head = Buffer.alloc(20)
  head.writeUInt32LE(20 + parts.reduce((sum, { length }) => sum + length, 0))
  head.writeUInt16LE(20, 4)
  head.writeUInt32LE(header, 16)
  return Buffer.concat([head, ...parts])
}

describe('messages', () => {
  test('in lines: own values by name, what says nothing left out, the order of no account', () => {
    const bytes = Buffer.concat([
      message(1, [5, [192, 168, 0, 2]], [3, [7]]),
      message(
        0,
        [1, [0x02, 0, 0, 0, 0, 2]],
        [9, [1, 2, 3, 4, 5, 6, 7, 8]],
        [0x8004, [8, 0, 1, 0, 1, 2, 3, 4, 5, 0, 2, 0, 6]],
      ),
    ])
    const form = { header: 4, omits: [3], cuts: { 9: 2 }, nests: { 4: { omits: [2] } } }
    expect(messageLines(bytes, form, own)).toEqual(['20 00000000 1={mac} 4{1=01020304} 9=0102', '20 01000000 5={ipv4}'])
    const passes = (header: DataView) => header.getUint32(0, true) === 1
    expect(messageLines(bytes, { ...form, passes }, own)).toHaveLength(1)
  })

  test('cut anywhere, or anything at all: lines, and never those of the whole', () => {
    const whole = message(1, [1, [1, 2, 3]], [4, [8, 0, 1, 0, 1, 2, 3, 4]])
    const form = { header: 4, nests: { 4: {} } }
    const lines = messageLines(whole, form, own)
    for (let length = 0; length < whole.length; length++)
      expect(messageLines(whole.subarray(0, length), form, own)).not.toEqual(lines)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        expect(messageLines(bytes, form, own)).toBeInstanceOf(Array)
      }),
    )
  })
})

test('differences are told once, in words where there are any', () => {
  const lines = (words: Record<string, string[]>, bytes: Record<string, string[]> = {}, settings = 'a=1\nb=2\n') =>
    ({ words: new Map(Object.entries(words)), bytes: new Map(Object.entries(bytes)), settings }) as never
  const fresh = lines({ route: ['a', 'b', 'b'] }, { route: ['1'], rule: ['2'] })
  expect(compareLines(fresh, fresh)).toEqual([])
  expect(compareLines(fresh, lines({ route: ['b', 'a', 'b'] }, { rule: ['2'], route: ['1'] }))).toEqual([])
  expect(compareLines(fresh, lines({ route: ['a', 'b', 'c'] }, { route: ['3'], rule: ['2', '2'] }))).toEqual([
    { aspect: 'route', change: 'extra', what: 'c' },
    { aspect: 'route', change: 'missing', what: 'b' },
    { aspect: 'rule', change: 'extra', what: '2' },
  ])
  expect(compareLines(fresh, lines({ route: ['b', 'b'], rule: ['c'] }, { route: ['3'], rule: ['2'] }))).toEqual([
    { aspect: 'route', change: 'missing', what: 'a' },
    { aspect: 'rule', change: 'extra', what: 'c' },
  ])
  expect(compareLines(lines({}), lines({}, {}, 'a=1\nb=3\n'))).toEqual([
    { aspect: 'sysctl', change: 'extra', what: 'b=3' },
    { aspect: 'sysctl', change: 'missing', what: 'b=2' },
  ])
})

test('neighbours that the kernel makes and takes away by itself pass', () => {
  // NUD_NONE, _INCOMPLETE, _FAILED, _NOARP; and NUD_REACHABLE, _STALE, _DELAY, _PROBE, _PERMANENT.
  expect([0, 0x01, 0x20, 0x40].map(isPassing)).toEqual([true, true, true, true])
  expect([0x02, 0x04, 0x08, 0x10, 0x80].map(isPassing)).toEqual([false, false, false, false, false])
  // struct ndmsg: family, padding, index, state, flags, type.
  const header = (state: number) => new DataView(Uint8Array.of(2, 0, 0, 0, 2, 0, 0, 0, state, 0, 0, 1).buffer)
  expect([0x20, 0x02].map(state => forms.neighbour.passes?.(header(state)))).toEqual([true, false])
})

test('groups that it is a member of, whoever’s timer runs', () => {
  const igmp =
    'Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n2\teth0      :     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n'
  expect(files.igmp?.lines(igmp, own)).toEqual(['eth0 010000E0 1'])
  expect(files.igmp?.lines(igmp.replace('0:00000000', '1:0000000A'), own)).toEqual(['eth0 010000E0 1'])
  const igmp6 = '2    eth0            ff0200000000000000000001ff000002     1 00000004 0\n'
  expect(files.igmp6?.lines(igmp6, own)).toEqual(['eth0 {solicited} 1'])
  expect(files.dev_mcast?.lines('2    eth0            1     0     3333ff000002\n', own)).toEqual([
    '2 eth0 1 0 {solicited-mac}',
  ])
})

test('sockets by their kind, and those that no list has', () => {
  const counts = countSockets('sockets: used 4\nTCP: inuse 1 orphan 0 tw 3 alloc 5 mem 1\n')
  expect(counts).toEqual({ used: 4, timeWait: 3 })
  const lists = socketFiles.map(kind => {
    if (kind === 'unix')
      return 'Num RefCount Protocol Flags Type St Inode Path\n0: 00000002 00000000 00010000 0001 01 9 @a b\n'
    if (kind === 'netlink') return 'sk Eth Pid Groups\n0 0 0 0\n0 0 77 0\n'
    return kind === 'tcp' ? 'sl local\n0: 0\n' : null
  })
  expect(socketDifferences(counts, lists).map(({ what }) => what)).toEqual([
    'a socket of tcp',
    'a socket of unix: @a b',
    'a socket of netlink',
    '1 of another kind',
    '3 connections in TIME_WAIT',
  ])
  expect(socketDifferences(countSockets('sockets: used 0\n'), [])).toEqual([])
  const netlink = socketFiles.map(kind =>
    kind === 'netlink' ? 'sk Eth Pid Groups\n0 0 0 0\n0 0 77 0\n0 0 78 0\n' : null,
  )
  expect(socketDifferences({ used: 2, timeWait: 1 }, netlink).map(({ what }) => what)).toEqual([
    'a socket of netlink',
    'a socket of netlink',
    '1 connections in TIME_WAIT',
  ])
  expect(socketDifferences(countSockets(''), [])).toHaveLength(1)
})

test('tracked connections are no setting', () => {
  const text = 'net/netfilter/nf_conntrack_count=2\nnet/netfilter/nf_conntrack_max=9\n'
  expect(splitSettings(text)).toEqual({
    settings: 'net/netfilter/nf_conntrack_max=9\n',
    conntrack: ['2 connections are tracked'],
  })
  expect(splitSettings(text.replace('=2', '=1')).conntrack).toHaveLength(1)
  expect(splitSettings(text.replace('=2', '=0')).conntrack).toEqual([])
  expect(splitSettings('a=1\n')).toEqual({ settings: 'a=1\n', conntrack: [] })
})

test('routes and rules in words: all that they have, but for what is each one’s own', () => {
  const route = {
    family: 4,
    prefix: 0,
    index: 2,
    source: '192.168.0.2',
    metric: null,
    table: 254,
    protocol: 3,
  } as const
  const rest = { scope: 0, type: 1, onLink: false, mtu: null, nextHops: [] }
  const words = (more: Pick<Route, 'destination' | 'gateway'>) =>
    routeWords({ ...route, ...rest, ...more }, index => `eth${index}`, own)
  const said = 'source {ipv4}, table 254, protocol 3, scope 0, type 1, onLink false, nextHops []'
  expect(words({ destination: null, gateway: '192.168.0.1' })).toBe(`IPv4 default via 192.168.0.1 by eth2: ${said}`)
  expect(words({ destination: '192.168.0.2', gateway: null })).toBe(`{ipv4}/0 by eth2: ${said}`)
  const limit = { expr: 'limit', rate: 5n, unit: 'second', over: true } as const
  const rules = [{ family: 'ip', table: 't', chain: 'c', handle: 7n, exprs: [limit] }] as const
  expect(nftWords({ generation: 1, tables: [], chains: [], rules: [...rules] as never, sets: [] })).toEqual([
    'rule family ip, table t, chain c, exprs [{"expr":"limit","rate":"5","unit":"second","over":true}]',
  ])
})

test('on the fake kernel: as fresh, put back, or different', async () => {
  const machine = new FakeMachine()
  const stateDir = mkdtempSync(join(tmpdir(), 'egressd-recycle-'))
  try {
    await using egress = await Egress.open({ kernel: machine, stateDir })
    const network = await egress.network({
      name: 'br0',
      subnets: ['192.168.0.0/16', 'fd00::/64'],
      firewall: 'nftables',
    })
    const kernel = machine.open()
    const links = async (ref: { fd: number }) => {
      const [, listed] = await kernel.run([
        { op: 'netns.open', as: 1, from: ref },
        { op: 'link.get', in: 1, name: 'eth0' },
      ])
      return listed.ok ? listed.value : null
    }
    const make = async () => {
      const namespace = await network.create()
      const link = await links(namespace.ref as { fd: number })
      return {
        ref: namespace.ref,
        values: {
          mac: link?.mac ?? '',
          hostMac: '',
          alias: link?.alias ?? '',
          addresses: namespace.addresses.map(address => ({ family: address.includes(':') ? 6 : 4, address }) as const),
        },
      }
    }
    const [pattern, used] = [await make(), await make()]
    const fresh = await readFresh(kernel, pattern.ref, pattern.values)
    const reset = () => resetNamespace(kernel, used.ref, used.values, fresh)
    expect(await reset()).toEqual([])
    const before = machine.writes
    expect(await reset()).toEqual([])
    expect(machine.writes).toBe(before)
    await kernel.run([
      { op: 'netns.open', as: 1, from: used.ref },
      { op: 'address.add', in: 1, index: 2, address: '10.9.9.9', prefix: 24 },
      { op: 'route.add', in: 1, family: 4, destination: '10.8.0.0', prefix: 16, gateway: '10.9.9.1' },
      { op: 'neighbour.add', in: 1, index: 2, address: '192.168.9.9', mac: '02:00:00:00:00:09' },
      { op: 'nft.commit', in: 1, changes: [{ change: 'table.add', family: 'inet', name: 'evil' }] },
    ])
    expect(await reset()).toEqual([])
    expect(machine.writes).toBeGreaterThan(before)
    await kernel.run([
      { op: 'netns.open', as: 1, from: used.ref },
      { op: 'link.set', in: 1, index: 2, mtu: 1400 },
    ])
    expect((await reset()).map(({ aspect, change }) => `${aspect} ${change}`)).toEqual(['link extra', 'link missing'])
    await kernel.close()
  } finally {
    rmSync(stateDir, { recursive: true })
  }
})
