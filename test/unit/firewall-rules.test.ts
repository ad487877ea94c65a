// What the firewall holds for certain networks, written down: other tests hold plans against plans, and would not notice a rule that is wrong in both.
import { describe, expect, test } from 'vitest'
import type { NftElement } from '../../src/kernel/ops-nft.js'
import type { NftExpr } from '../../src/kernel/ops-nft-expr.js'
import type { XtRule } from '../../src/kernel/ops-xt.js'
import type { FirewallNamespace, FirewallNetwork } from '../../src/plan/firewall.js'
import { nftText } from '../../src/plan/foreign-words.js'
import { type ActualNft, planNftables, shapesOf, tablesOf } from '../../src/plan/nftables.js'
import { linkElementsGone, mutingElements, senderChanges, senderElements } from '../../src/plan/nftables-elements.js'
import { inetShape } from '../../src/plan/nftables-inet.js'
import { ruleText } from '../../src/plan/xt-text.js'
import { type ActualXt, planXtables } from '../../src/plan/xtables.js'
import { xtBlocks } from '../../src/plan/xtables-rules.js'

const four = { family: 4, subnet: '10.1.0.0/16', prefix: 16, gateway: '10.1.0.1' } as const
const six = { family: 6, subnet: 'fd00:1::/64', prefix: 64, gateway: 'fd00:1::1' } as const
const network = (more: Partial<FirewallNetwork> = {}): FirewallNetwork => ({
  name: 'net1',
  backend: 'nftables',
  mode: 'bridge',
  bridge: 'br1',
  subnets: [four, six],
  masquerade: { to: [], fullyRandom: false },
  admit: true,
  isolated: false,
  hostAccess: 'gateway',
  ...more,
})
const other = network({
  ...{ name: 'net2', bridge: 'br2', masquerade: null },
  subnets: [{ family: 4, subnet: '10.2.0.0/16', prefix: 16, gateway: '10.2.0.1' }],
})
const namespace: FirewallNamespace = {
  network: 'net1',
  hostInterface: 've1',
  mac: '02:65:0a:01:00:02',
  addresses: [
    { family: 4, address: '10.1.0.2' },
    { family: 6, address: 'fd00:1::2' },
  ],
}

describe('xtables', () => {
  const lines = (networks: FirewallNetwork[], family: 4 | 6 = 4, guard: readonly (4 | 6)[] = []) =>
    xtBlocks({ networks, namespaces: [], guard }, family).flatMap(({ chain, front, back }) => [
      ...front.map(rule => `${chain} ${ruleText(rule).replace(/ -m comment --comment egressd:/, ' # ')}`),
      ...back.map(rule => `… ${chain} ${ruleText(rule).replace(/ ?-m comment --comment egressd:/, ' # ')}`),
    ])
  const xt = (more: Partial<FirewallNetwork> = {}) => network({ backend: 'xtables', ...more })

  test('on a bridge', () =>
    expect(lines([xt()], 4, [4])).toMatchInlineSnapshot(`
    [
      "INPUT ! -s 10.1.0.0/16 -i br1 # net1 -j DROP",
      "INPUT -i br1 # net1 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
      "INPUT -d 10.1.0.1/32 -i br1 -p icmp -m icmp --icmp-type 8 # net1 -j ACCEPT",
      "INPUT -d 10.1.0.1/32 -i br1 -p udp -m udp --dport 53 # net1 -j ACCEPT",
      "INPUT -d 10.1.0.1/32 -i br1 -p tcp -m tcp --dport 53 # net1 -j ACCEPT",
      "INPUT -i br1 # net1 -j DROP",
      "FORWARD ! -s 10.1.0.0/16 -i br1 # net1 -j DROP",
      "FORWARD -d 169.254.0.0/16 -i br1 # net1 -j DROP",
      "FORWARD -i br1 ! -o br1 # net1 -m conntrack --ctstate INVALID,UNTRACKED -j DROP",
      "FORWARD -i br1 # net1 -j ACCEPT",
      "FORWARD -o br1 # net1 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
      "… FORWARD  # guard -m conntrack --ctstate DNAT -j RETURN",
      "… FORWARD  # guard -j DROP",
      "… POSTROUTING -s 10.1.0.0/16 ! -o br1 # net1 -j MASQUERADE",
    ]
  `))
  test('on a bridge, IPv6', () =>
    expect(lines([xt()], 6, [4])).toMatchInlineSnapshot(`
    [
      "INPUT ! -s fd00:1::/64 -i br1 # net1 -j DROP",
      "INPUT -i br1 # net1 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
      "INPUT -i br1 -p ipv6-icmp -m icmp6 --icmpv6-type 135 # net1 -j ACCEPT",
      "INPUT -i br1 -p ipv6-icmp -m icmp6 --icmpv6-type 136 # net1 -j ACCEPT",
      "INPUT -d fd00:1::1/128 -i br1 -p ipv6-icmp -m icmp6 --icmpv6-type 128 # net1 -j ACCEPT",
      "INPUT -d fd00:1::1/128 -i br1 -p udp -m udp --dport 53 # net1 -j ACCEPT",
      "INPUT -d fd00:1::1/128 -i br1 -p tcp -m tcp --dport 53 # net1 -j ACCEPT",
      "INPUT -i br1 # net1 -j DROP",
      "FORWARD ! -s fd00:1::/64 -i br1 # net1 -j DROP",
      "FORWARD -d fd00:ec2::254/128 -i br1 # net1 -j DROP",
      "FORWARD -i br1 ! -o br1 # net1 -m conntrack --ctstate INVALID,UNTRACKED -j DROP",
      "FORWARD -i br1 # net1 -j ACCEPT",
      "FORWARD -o br1 # net1 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
      "… POSTROUTING -s fd00:1::/64 ! -o br1 # net1 -j MASQUERADE",
    ]
  `))
  test('routed, isolated, by an address', () =>
    expect(
      lines([
        xt({
          mode: 'routed',
          isolated: true,
          masquerade: { to: [{ family: 4, address: '203.0.113.7' }], fullyRandom: true },
        }),
      ]),
    ).toMatchInlineSnapshot(`
      [
        "INPUT -s 10.1.0.0/16 # net1 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
        "INPUT -s 10.1.0.0/16 -d 10.1.0.1/32 -p icmp -m icmp --icmp-type 8 # net1 -j ACCEPT",
        "INPUT -s 10.1.0.0/16 -d 10.1.0.1/32 -p udp -m udp --dport 53 # net1 -j ACCEPT",
        "INPUT -s 10.1.0.0/16 -d 10.1.0.1/32 -p tcp -m tcp --dport 53 # net1 -j ACCEPT",
        "INPUT -s 10.1.0.0/16 # net1 -j DROP",
        "FORWARD -s 10.1.0.0/16 -d 169.254.0.0/16 # net1 -j DROP",
        "FORWARD -s 10.1.0.0/16 -d 10.1.0.0/16 # net1 -j DROP",
        "FORWARD -s 10.1.0.0/16 ! -d 10.1.0.0/16 # net1 -m conntrack --ctstate INVALID,UNTRACKED -j DROP",
        "FORWARD -s 10.1.0.0/16 # net1 -j ACCEPT",
        "FORWARD -d 10.1.0.0/16 # net1 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
        "… POSTROUTING -s 10.1.0.0/16 ! -d 10.1.0.0/16 # net1 -j SNAT --to-source 203.0.113.7 --random-fully",
      ]
    `))
  test('all of the host, and no masquerade', () =>
    expect(lines([xt({ hostAccess: 'all', masquerade: null })])).toMatchInlineSnapshot(`
      [
        "INPUT ! -s 10.1.0.0/16 -i br1 # net1 -j DROP",
        "FORWARD ! -s 10.1.0.0/16 -i br1 # net1 -j DROP",
        "FORWARD -i br1 # net1 -j ACCEPT",
        "FORWARD -o br1 # net1 -j ACCEPT",
      ]
    `))
  test('nothing of the host, beside networks of nf_tables', () =>
    expect(lines([xt({ hostAccess: 'none' }), other], 4, [4, 6])).toMatchInlineSnapshot(`
      [
        "INPUT ! -s 10.1.0.0/16 -i br1 # net1 -j DROP",
        "INPUT -i br1 # net1 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
        "INPUT -i br1 # net1 -j DROP",
        "FORWARD ! -s 10.1.0.0/16 -i br1 # net1 -j DROP",
        "FORWARD -d 169.254.0.0/16 -i br1 # net1 -j DROP",
        "FORWARD -i br1 ! -o br1 # net1 -m conntrack --ctstate INVALID,UNTRACKED -j DROP",
        "FORWARD -i br1 # net1 -j ACCEPT",
        "FORWARD -o br1 # net1 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
        "… FORWARD -i br2 # net2 -j RETURN",
        "… FORWARD -o br2 # net2 -j RETURN",
        "… FORWARD  # guard -m conntrack --ctstate DNAT -j RETURN",
        "… FORWARD  # guard -j DROP",
        "… POSTROUTING -s 10.1.0.0/16 -d 10.2.0.0/16 # net1 -j ACCEPT",
        "… POSTROUTING -s 10.1.0.0/16 ! -o br1 # net1 -j MASQUERADE",
      ]
    `))
  test('none', () => expect(lines([network(), other], 4, [4])).toEqual([]))

  test('the edits that lead there: by table and chain, of rules that are ours and no others', () => {
    const wanted = { networks: [xt()], namespaces: [], guard: [] }
    const blocks = xtBlocks(wanted, 4)
    const listed = (rule: object, whole = true) => ({ whole, rule, matches: [], packets: 0n, bytes: 0n })
    const tables = (edit: (chain: string, rules: ReturnType<typeof listed>[]) => ReturnType<typeof listed>[]) =>
      (['nat', 'filter'] as const).map(table => ({
        family: 4 as const,
        table,
        chains: blocks
          .filter(block => block.table === table)
          .map(({ chain, front, back }) => ({
            name: chain,
            rules: edit(
              chain,
              [...front, ...back].map(one => listed(one)),
            ),
          })),
      }))
    const edits = (actual: ReturnType<typeof tables>) =>
      planXtables(wanted, actual as unknown as ActualXt[]).flatMap(({ table, edits: all }) =>
        all.map(
          ({ edit, chain, ...rest }) =>
            `${table} ${chain} ${edit} ${'rule' in rest ? ruleText(rest.rule as XtRule) : ''}`,
        ),
      )
    expect(edits(tables((_, rules) => rules))).toEqual([])
    const all = edits(tables(() => []))
    expect(all).toHaveLength(blocks.flatMap(({ front, back }) => [...front, ...back]).length)
    expect(all.map(line => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'nat POSTROUTING append',
      ...Array<string>(6).fill('filter INPUT insert'),
      ...Array<string>(5).fill('filter FORWARD insert'),
    ])
    // Not ours: without our comment, or with more than can be said.
    const strange = listed({ comment: 'theirs', target: 'ACCEPT' })
    const partly = listed({ comment: 'egressd:net1', target: 'ACCEPT' }, false)
    const plain = listed({ target: 'DROP' })
    expect(edits(tables((_, rules) => [strange, ...rules, partly, plain]))).toEqual([])
    // Ours, and not wanted: it alone goes.
    const old = listed({ comment: 'egressd:net9', target: 'DROP' })
    expect(edits(tables((chain, rules) => (chain === 'INPUT' ? [...rules, old] : rules)))).toEqual([
      'filter INPUT delete -m comment --comment egressd:net9 -j DROP',
    ])
    // One of several is gone from the front: what stands is one run, and it comes before that.
    expect(edits(tables((chain, rules) => (chain === 'FORWARD' ? rules.slice(1) : rules)))).toEqual([
      'filter FORWARD insert ! -s 10.1.0.0/16 -i br1 -m comment --comment egressd:net1 -j DROP',
    ])
  })
})

describe('nftables', () => {
  const hex = (bytes: Uint8Array) =>
    Buffer.from(bytes)
      .toString('hex')
      .replace(/(00){4,}/g, '*')
  const element = ({ key, keyEnd, intervalEnd, data }: NftElement) =>
    [
      `${hex(key)}${keyEnd ? ` to ${hex(keyEnd)}` : ''}${intervalEnd ? ' ends' : ''}`,
      data === undefined ? '' : data instanceof Uint8Array ? hex(data) : Object.values(data).join(' '),
    ]
      .join(' ')
      .trim()
  const elementsOf = (networks: FirewallNetwork[], namespaces: FirewallNamespace[] = []) =>
    shapesOf({ networks, namespaces, guard: [] }).map(({ family, elements }) =>
      [...elements].flatMap(([set, all]) => all.map(one => `${family} ${set}: ${element(one)}`)),
    )
  const flagsOf = (exprs: NftExpr[]) => exprs.map(each => ('flags' in each ? ` with flags ${each.flags}` : '')).join('')
  const shape = (guard: readonly (4 | 6)[]) =>
    shapesOf({ networks: [network()], namespaces: [], guard }).map(({ family, chains, rules, sets }) => ({
      family,
      sets: sets.map(({ name, interval, keyLength, data, ...set }) =>
        [name, keyLength, interval ? 'interval' : '', data?.type ?? '', Buffer.from(set.typeof ?? []).toString('hex')]
          .join(' ')
          .trim(),
      ),
      rules: chains.flatMap(({ name, type, hook, priority }) => [
        [name, type, hook, priority].join(' ').trim(),
        ...rules.filter(({ chain }) => chain === name).map(({ exprs }) => `  ${nftText(exprs)}${flagsOf(exprs)}`),
      ]),
    }))

  test('all rules, with a guard of IPv4', () =>
    expect(shape([4])).toMatchInlineSnapshot(`
      [
        {
          "family": "inet",
          "rules": [
            "prerouting filter prerouting -300",
            "  iifname != @bridges accept",
            "  ip daddr 169.254.0.0/16 ip saddr != @open4 drop",
            "  ip6 daddr fd00:ec2::254 ip6 saddr != @open6 drop",
            "  iifkind 0x62726964676500000000000000000000 accept",
            "  l4proto ipv6-icmp transport header bytes 0 to 0 0x86 drop",
            "  l4proto ipv6-icmp transport header bytes 0 to 0 0x89 drop",
            "  iiftype 0x0100 ip saddr @senders4 accept",
            "  iiftype 0x0100 ip6 saddr @senders6 accept",
            "  drop",
            "input filter input 0",
            "  iifname != @bridges accept",
            "  ct state established,related accept",
            "  l4proto ipv6-icmp transport header bytes 0 to 0 0x87 accept",
            "  l4proto ipv6-icmp transport header bytes 0 to 0 0x88 accept",
            "  ip daddr map @host4",
            "  ip6 daddr map @host6",
            "  drop",
            "gateway",
            "  l4proto icmp transport header bytes 0 to 0 0x08 accept",
            "  l4proto ipv6-icmp transport header bytes 0 to 0 0x80 accept",
            "  l4proto udp transport header bytes 2 to 3 0x0035 accept",
            "  l4proto tcp transport header bytes 2 to 3 0x0035 accept",
            "  drop",
            "forward filter forward 0",
            "  ip daddr @isolated4 drop",
            "  ip6 daddr @isolated6 drop",
            "  ct state invalid oifname != @bridges ip saddr @hidden4 drop",
            "  ct state invalid oifname != @bridges ip6 saddr @hidden6 drop",
            "  iifname != @bridges oifname != @bridges goto guard",
            "guard",
            "  ct status != 0x00000000 accept",
            "  drop",
            "postrouting nat postrouting 100",
            "  oifname @bridges accept",
            "  ip saddr map @outwards4",
            "  ip6 saddr map @outwards6",
            "masq",
            "  masquerade",
            "masq_random",
            "  masquerade with flags 16",
            "source",
            "  ip saddr map @sources4 snat",
            "  ip6 saddr map @sources6 snat",
            "source_random",
            "  ip saddr map @sources4 snat with flags 16",
            "  ip6 saddr map @sources6 snat with flags 16",
          ],
          "sets": [
            "bridges 16",
            "outwards4 4 interval verdict",
            "sources4 4 interval 7",
            "host4 8 interval verdict",
            "open4 4 interval",
            "isolated4 8 interval",
            "hidden4 4 interval",
            "senders4 28",
            "outwards6 16 interval verdict",
            "sources6 16 interval 8",
            "host6 32 interval verdict",
            "open6 16 interval",
            "isolated6 32 interval",
            "hidden6 16 interval",
            "senders6 40",
          ],
        },
        {
          "family": "bridge",
          "rules": [
            "prerouting filter prerouting -400",
            "  iifname != @ports accept",
            "  link header bytes 12 to 13 0x0800 ip saddr @senders4 accept",
            "  link header bytes 12 to 13 0x86dd ip6 saddr @senders6 goto ipv6",
            "  link header bytes 12 to 13 0x0806 network header bytes 0 to 3 0x00010800 network header bytes 4 to 5 0x0604 goto arps",
            "  drop",
            "arps",
            "  link header bytes 12 to 13 0x0806 network header bytes 14 to 17 @senders4 network header bytes 14 to 17 @senders4 accept",
            "  drop",
            "ipv6",
            "  link header bytes 12 to 13 0x86dd l4proto ipv6-icmp transport header bytes 0 to 0 0x86 drop",
            "  link header bytes 12 to 13 0x86dd l4proto ipv6-icmp transport header bytes 0 to 0 0x89 drop",
            "  link header bytes 12 to 13 0x86dd l4proto ipv6-icmp transport header bytes 0 to 0 0x88 goto adverts",
            "  accept",
            "adverts",
            "  transport header bytes 8 to 23 @targets6 accept",
            "  drop",
          ],
          "sets": [
            "ports 16",
            "senders4 28",
            "senders6 40",
            "targets6 40   00040d000000014e000e00040900000001060004060000000114000407000000010c0004110000000104020000000226000407000000011e000400000000010400000000020403000000030440000000040480000000",
          ],
        },
      ]
    `))
  test('and without', () => {
    const rules = shape([]).flatMap(each => each.rules)
    expect(rules.filter(line => line.includes('guard'))).toEqual([])
  })
  test('the elements of a network', () =>
    expect(elementsOf([network()], [namespace])).toMatchInlineSnapshot(`
    [
      [
        "inet bridges: 627231*",
        "inet outwards4: 0a010000 goto masq",
        "inet outwards4: 0a020000 ends",
        "inet hidden4: 0a010000",
        "inet hidden4: 0a020000 ends",
        "inet host4: 0a0100000a010001 to 0a01ffff0a010001 goto gateway",
        "inet outwards6: fd000001* goto masq",
        "inet outwards6: fd00000100000001* ends",
        "inet hidden6: fd000001*",
        "inet hidden6: fd00000100000001* ends",
        "inet host6: fd000001*fd000001*01 to fd000001*fffffffffffffffffd000001*01 goto gateway",
      ],
      [
        "bridge ports: 766531*",
        "bridge senders4: 766531*02650a01000200000a010002",
        "bridge senders6: 766531*02650a0100020000fd000001*02",
        "bridge targets6: 766531*02650a0100020000fd000001*02",
      ],
    ]
  `))
  test('routed, isolated, by an address', () =>
    expect(
      elementsOf(
        [
          network({
            ...{ mode: 'routed', isolated: true, hostAccess: 'none' },
            masquerade: { to: [{ family: 4, address: '203.0.113.7' }], fullyRandom: true },
          }),
        ],
        [namespace],
      ),
    ).toMatchInlineSnapshot(`
      [
        [
          "inet bridges: 627231*",
          "inet bridges: 766531*",
          "inet outwards4: 0a010000 goto source_random",
          "inet outwards4: 0a020000 ends",
          "inet sources4: 0a010000 cb007107",
          "inet sources4: 0a020000 ends",
          "inet hidden4: 0a010000",
          "inet hidden4: 0a020000 ends",
          "inet isolated4: 0a0100000a010000 to 0a01ffff0a01ffff",
          "inet outwards6: fd000001* goto masq_random",
          "inet outwards6: fd00000100000001* ends",
          "inet hidden6: fd000001*",
          "inet hidden6: fd00000100000001* ends",
          "inet isolated6: fd000001*fd000001* to fd000001*fffffffffffffffffd000001*ffffffffffffffff",
          "inet senders4: 766531*02650a01000200000a010002",
          "inet senders6: 766531*02650a0100020000fd000001*02",
        ],
      ]
    `))
  test('all of the host, and no masquerade', () =>
    expect(elementsOf([network({ hostAccess: 'all', masquerade: null })])).toMatchInlineSnapshot(`
      [
        [
          "inet bridges: 627231*",
          "inet host4: 0a01* to 0a01ffffffffffff accept",
          "inet open4: 0a010000",
          "inet open4: 0a020000 ends",
          "inet host6: fd000001* to fd000001*ffffffffffffffffffffffffffffffffffffffffffffffff accept",
          "inet open6: fd000001*",
          "inet open6: fd00000100000001* ends",
        ],
        [],
      ]
    `))

  test('the tables of each kind of network, alone and beside others', () => {
    const kinds = [
      network(),
      network({ mode: 'routed' }),
      network({ backend: 'xtables' }),
      network({ backend: 'xtables', mode: 'routed' }),
    ]
    const tables = (...networks: FirewallNetwork[]) => tablesOf(networks).map(({ family }) => family)
    expect(kinds.map(kind => tables(kind))).toEqual([['inet', 'bridge'], ['inet'], ['bridge'], ['inet']])
    expect(kinds.map(kind => tables(kind, other))).toEqual([
      ['inet', 'bridge'],
      ['inet', 'bridge'],
      ['inet', 'bridge'],
      ['inet', 'bridge'],
    ])
    expect(tables()).toEqual([])
  })
  test('of a network of xtables nothing is dropped or rewritten here', () =>
    expect(elementsOf([network({ backend: 'xtables', isolated: true }), other])).toMatchInlineSnapshot(`
      [
        [
          "inet bridges: 627231*",
          "inet bridges: 627232*",
          "inet host4: 0a01* to 0a01ffffffffffff accept",
          "inet host4: 0a0200000a020001 to 0a02ffff0a020001 goto gateway",
          "inet open4: 0a010000",
          "inet open4: 0a020000 ends",
          "inet host6: fd000001* to fd000001*ffffffffffffffffffffffffffffffffffffffffffffffff accept",
          "inet open6: fd000001*",
          "inet open6: fd00000100000001* ends",
        ],
        [],
      ]
    `))
  test('a table that sleeps, is another’s, or has another frame is made anew', () => {
    const wanted = { networks: [network({ mode: 'routed' })], namespaces: [], guard: [] }
    const [{ family, table, chains, rules, sets, elements } = inetShape([])] = shapesOf(wanted)
    const stands = (more: object = {}, frame: object = {}) => ({
      tables: [{ family, name: table, comment: 'ours', flags: 0, ...more }],
      chains,
      rules: rules.map((rule, i) => ({ ...rule, handle: BigInt(i) })),
      sets: sets.map(set => ({ ...set, elements: elements.get(set.name) ?? [] })),
      ...frame,
    })
    const changes = (actual: object) => planNftables(wanted, actual as ActualNft, 'ours').map(({ change }) => change)
    expect(changes(stands())).toEqual([])
    // NFT_TABLE_F_DORMANT (<linux/netfilter/nf_tables.h>)
    for (const actual of [stands({ flags: 1 }), stands({ comment: 'theirs' }), stands({}, { chains: chains.slice(1) })])
      expect(changes(actual).slice(0, 2)).toEqual(['table.delete', 'table.add'])
    for (const bent of [
      { interval: true },
      { constant: true },
      { dynamic: true },
      { size: 7 },
      { timeoutMs: 7 },
      { concat: [16] },
      { exprs: [{ expr: 'counter' }] },
      { data: { type: 'verdict' } },
      { typeof: Uint8Array.of(1) },
      { keyLength: 4 },
      { keyType: 7 },
    ]) {
      const [first, ...rest] = stands().sets
      expect(changes(stands({}, { sets: [{ ...first, ...bent }, ...rest] }))[0]).toBe('table.delete')
    }
    for (const bent of [{ priority: 1 }, { policy: 'drop' }, { hook: 'input' }, { type: 'nat' }]) {
      const [first, ...rest] = chains
      expect(changes(stands({}, { chains: [{ ...first, ...bent }, ...rest] }))[0]).toBe('table.delete')
    }
    // One rule of several: its chain alone is written anew.
    const [, second] = rules
    const bentRules = stands().rules.map(rule => (rule.exprs === second?.exprs ? { ...rule, exprs: [] } : rule))
    const inPrerouting = rules.filter(({ chain }) => chain === 'prerouting').map(() => 'rule.add')
    expect(changes(stands({}, { rules: bentRules }))).toEqual(['rule.flush', ...inPrerouting])
    // Sets of rules themselves are no sets of ours.
    const own = { ...stands().sets[0], name: '__set0', anonymous: true }
    expect(changes(stands({}, { sets: [...stands().sets, own] }))).toEqual([])
    expect(changes({ tables: [], chains: [], rules: [], sets: [] })[0]).toBe('table.add')
  })
  test('a namespace of one family has nothing in the sets of the other', () => {
    const one = { ...namespace, addresses: namespace.addresses.slice(0, 1) }
    const sets = (mode: 'bridge' | 'routed') => senderElements(one, { mode }).map(({ set }) => set)
    expect([sets('bridge'), sets('routed')]).toEqual([
      ['ports', 'senders4'],
      ['bridges', 'senders4'],
    ])
  })
  test('what goes of a namespace that is cut off, and what when its link is gone', () => {
    const said = (changes: ReturnType<typeof mutingElements>) => changes.map(({ change, set }) => `${change} ${set}`)
    expect(said(mutingElements(namespace, { mode: 'routed' }))).toEqual([
      'element.delete senders4',
      'element.delete senders6',
    ])
    expect(said(linkElementsGone(namespace, { mode: 'routed' }))).toEqual(['element.delete bridges'])
    expect(said(linkElementsGone(namespace, { mode: 'bridge' }))).toEqual(['element.delete ports'])
  })
  test('what goes with a namespace', () =>
    expect(senderChanges(namespace, { mode: 'bridge' }).gone.map(({ change, set }) => `${change} ${set}`)).toEqual([
      'element.delete senders4',
      'element.delete senders6',
      'element.delete targets6',
      'element.delete ports',
    ]))
})
