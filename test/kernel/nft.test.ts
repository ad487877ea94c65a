import { expect, test } from 'vitest'
import {
  accept,
  counter,
  ctState,
  drop,
  iifname,
  ip6Saddr,
  ipDaddr,
  ipSaddr,
  jump,
  masquerade,
  not,
  oifname,
  reject,
  rule,
  set,
  snat,
  vmap,
} from '../../src/kernel/nft-rule.js'
import { cidrElements, ifname, ipv4, keyOf, nftType } from '../../src/kernel/nft-types.js'
import type { NftChange } from '../../src/kernel/ops-nft.js'
import { createHost, values } from '../helpers/host.js'

const family = 'inet'
const table = 'egressd'
const at = { family, table } as const

const egress: NftChange[] = [
  { change: 'table.add', family, name: table, comment: 'made by egressd' },
  { change: 'set.add', ...at, name: 'bridges', ...keyOf(nftType.ifname), comment: 'our bridges' },
  { change: 'set.add', ...at, name: 'masquerade4', ...keyOf(nftType.ipv4Addr), interval: true },
  { change: 'set.add', ...at, name: 'verdicts', ...keyOf(nftType.ipv4Addr), data: { type: 'verdict' } },
  {
    change: 'element.add',
    ...at,
    set: 'bridges',
    elements: [{ key: ifname('br0') }, { key: ifname('br1'), comment: 'two' }],
  },
  { change: 'element.add', ...at, set: 'masquerade4', elements: cidrElements('192.168.0.0/16') },
  {
    change: 'chain.add',
    ...at,
    name: 'postrouting',
    type: 'nat',
    hook: 'postrouting',
    priority: 100,
  },
  { change: 'chain.add', ...at, name: 'forward', type: 'filter', hook: 'forward', priority: 0, policy: 'accept' },
  { change: 'chain.add', ...at, name: 'closed' },
  {
    change: 'element.add',
    ...at,
    set: 'verdicts',
    elements: [
      { key: ipv4('192.168.0.2'), data: { verdict: 'jump', chain: 'closed' } },
      { key: ipv4('192.168.0.3'), data: { verdict: 'accept' } },
    ],
  },
  {
    change: 'rule.add',
    ...at,
    chain: 'postrouting',
    exprs: rule(oifname(not(set('bridges'))), ipSaddr(set('masquerade4')), masquerade()),
    comment: 'private sources',
  },
  {
    change: 'rule.add',
    ...at,
    chain: 'forward',
    exprs: rule(iifname(not(set('bridges'))), oifname(not(set('bridges'))), counter(), drop()),
  },
]

test('nft prints what we made as a person would write it', async () => {
  await using host = await createHost()
  values(await host.kernel.run([{ op: 'nft.commit', changes: egress }]))
  expect(host.tool('nft', ['list', 'ruleset'])).toBe(`table inet egressd {
	comment "made by egressd"
	set bridges {
		type ifname
		comment "our bridges"
		elements = { "br0",
			     "br1" comment "two" }
	}

	set masquerade4 {
		type ipv4_addr
		flags interval
		elements = { 192.168.0.0/16 }
	}

	map verdicts {
		type ipv4_addr : verdict
		elements = { 192.168.0.2 : jump closed, 192.168.0.3 : accept }
	}

	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		oifname != @bridges ip saddr @masquerade4 masquerade comment "private sources"
	}

	chain forward {
		type filter hook forward priority filter; policy accept;
		iifname != @bridges oifname != @bridges counter packets 0 bytes 0 drop
	}

	chain closed {
	}
}
`)
})

const statements: [string, ReturnType<typeof rule>][] = [
  ['iifname "br0" accept', rule(iifname('br0'), accept())],
  ['oifname != "eth0" drop', rule(oifname(not('eth0')), drop())],
  ['ct state established,related accept', rule(ctState('established', 'related'), accept())],
  ['ct state invalid drop', rule(ctState('invalid'), drop())],
  ['ip saddr 10.0.0.0/8 accept', rule(ipSaddr('10.0.0.0/8'), accept())],
  ['ip daddr 172.16.0.0/12 drop', rule(ipDaddr('172.16.0.0/12'), drop())],
  ['ip saddr != 10.0.0.0/8 drop', rule(ipSaddr(not('10.0.0.0/8')), drop())],
  ['ip saddr 10.0.0.1 ip daddr 10.0.0.2 accept', rule(ipSaddr('10.0.0.1'), ipDaddr('10.0.0.2'), accept())],
  ['ip6 saddr 2001:db8::/32 accept', rule(ip6Saddr('2001:db8::/32'), accept())],
  ['ip6 saddr fe80::/10 drop', rule(ip6Saddr('fe80::/10'), drop())],
  ['ip saddr vmap @verdicts', rule(ipSaddr(vmap('verdicts')))],
  ['iifname @bridges jump closed', rule(iifname(set('bridges')), jump('closed'))],
  ['reject', rule(reject())],
  ['reject with icmpx admin-prohibited', rule(reject('admin-prohibited'))],
  ['counter packets 0 bytes 0', rule(counter())],
]
const natStatements: typeof statements = [
  ['masquerade', rule(masquerade())],
  ['masquerade fully-random', rule(masquerade({ fullyRandom: true }))],
  ['masquerade random,persistent', rule(masquerade({ random: true, persistent: true }))],
  ['ip saddr @masquerade4 snat ip to 203.0.113.7', rule(ipSaddr(set('masquerade4')), snat('203.0.113.7'))],
]

test('each builder makes the statement that nft prints', async () => {
  await using host = await createHost()
  const rulesOf = (chain: string, of: typeof statements): NftChange[] =>
    of.map(([, exprs]) => ({ change: 'rule.add', ...at, chain, exprs }))
  values(
    await host.kernel.run([
      {
        op: 'nft.commit',
        changes: [
          ...egress,
          { change: 'rule.flush', ...at, chain: 'forward' },
          { change: 'rule.flush', ...at, chain: 'postrouting' },
          ...rulesOf('forward', statements),
          ...rulesOf('postrouting', natStatements),
        ],
      },
    ]),
  )
  for (const [chain, of] of [
    ['forward', statements],
    ['postrouting', natStatements],
  ] as const) {
    const printed = host.tool('nft', ['list', 'chain', family, table, chain])
    const lines = printed.split('\n').slice(3, -3)
    expect(lines.map(line => line.trim())).toEqual(of.map(([text]) => text))
  }
})
