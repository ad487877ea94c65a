// What is said of chains of others that drop: why, of whom, how sure that is, and whose they are.
import { describe, expect, test } from 'vitest'
import * as nft from '../../src/kernel/nft-rule.js'
import type { NftExpr } from '../../src/kernel/ops-nft-expr.js'
import { explainForeign } from '../../src/plan/foreign.js'
import { nftBaseChains } from '../../src/plan/foreign-nft.js'
import { type Packet, packetsOf } from '../../src/plan/foreign-packet.js'
import type { BaseChain } from '../../src/plan/foreign-walk.js'
import { commentInfo, conntrackInfo } from '../../src/plan/foreign-xt-match.js'
import { explain, networkOf, rulesetOf, type TableOf, together, uplinks } from '../helpers/rulesets.js'

const xtEstablished: NftExpr = {
  expr: 'match',
  name: 'conntrack',
  revision: 3,
  info: conntrackInfo('ESTABLISHED', 'RELATED'),
}
const tcp: NftExpr[] = [
  { expr: 'meta', key: 'l4proto' },
  { expr: 'cmp', op: 'eq', data: Uint8Array.of(6) },
]
const drop = { policy: 'drop' } as const

test('the words for it', () => {
  const both = nftBaseChains(
    together(
      rulesetOf({
        rules: [nft.jump('bad')],
        chains: { bad: [nft.rule(nft.iifname('br0'), nft.ipSaddr('192.168.0.0/16'), nft.drop())] },
      }),
      rulesetOf({
        family: 'ip',
        table: 'filter',
        base: { name: 'FORWARD' },
        rules: [
          [
            ...tcp,
            xtEstablished,
            ...nft.counter(),
            { expr: 'target', name: 'REJECT', revision: 0, info: new Uint8Array(4) },
          ],
        ],
      }),
    ),
  )
  const where = {
    hook: 'forward',
    family: 'inet',
    table: 'f',
    chain: 'forward',
    backend: 'nftables',
    owner: 'nftables',
  }
  expect(explainForeign(both, [networkOf()], uplinks)).toEqual([
    {
      network: 'br0',
      where,
      families: [4],
      why: 'TCP, UDP and ICMP from the namespaces: the rule "iifname br0 ip saddr 192.168.0.0/16 drop" of bad, to which forward leads',
      certain: true,
      admitted: false,
    },
    {
      network: 'br0',
      where: {
        ...where,
        family: 'ip',
        table: 'filter',
        chain: 'FORWARD',
        backend: 'iptables-nft',
        owner: 'iptables-nft',
      },
      families: [4],
      why: 'TCP in answer to them: the rule "l4proto tcp ct state established,related REJECT" of FORWARD',
      certain: true,
      admitted: false,
    },
  ])
})

describe('what is said of it', () => {
  const subnets = ['192.168.0.0/16', 'fd00:5::/64']
  const limit: NftExpr = { expr: 'limit', rate: 1n, unit: 'second' }

  test.each<[string, TableOf, (4 | 6)[]]>([
    ['both', { base: drop }, [4, 6]],
    ['of a table of the one', { family: 'ip', base: drop }, [4]],
    ['of a table of the other', { family: 'ip6', base: drop }, [6]],
    ['of a rule about the one', { rules: [nft.rule(nft.ipSaddr('192.168.0.0/16'), nft.drop())] }, [4]],
    ['of a rule about the other', { rules: [nft.rule(nft.ip6Saddr('fd00:5::/64'), nft.drop())] }, [6]],
  ])('families: %s', (_what, table, expected) => {
    const found = explain(table, { subnets })
    expect(found.map(({ families }) => families)).toEqual([expected])
    expect(found[0]?.why).not.toContain('no rule of ours')
  })

  test('what perhaps drops', () => {
    expect(explain({ rules: [nft.rule(nft.iifname('br0'), [limit], nft.drop())] })).toMatchObject([
      {
        why: 'TCP, UDP and ICMP from the namespaces: the rule "iifname br0 limit drop" may match',
        certain: false,
        admitted: false,
      },
    ])
  })

  test('of what drops for sure alone, where there is both; and that ours lets it through', () => {
    const established = nft.rule(tcp, nft.ctState('established'), nft.drop())
    const rules = [established, nft.rule(nft.iifname('br0'), [limit], nft.drop())]
    const why = 'TCP in answer to them: the rule "l4proto tcp ct state established drop" of forward'
    expect(explain({ rules })).toMatchObject([{ why, certain: true, admitted: false }])
    const mark: NftExpr = { expr: 'match', name: 'comment', revision: 0, info: commentInfo('egressd:br0') }
    expect(explain({ rules: [nft.rule(nft.oifname('br0'), [mark], nft.accept()), ...rules] })).toMatchObject([
      { why, certain: true, admitted: true },
    ])
  })

  test('before connections are tracked, that no rule of ours could', () => {
    expect(explain({ base: { ...drop, hook: 'prerouting', priority: -300 } }, { subnets })).toMatchObject([
      {
        why: 'TCP, UDP and ICMP from the namespaces: the policy of forward is drop; TCP, UDP and ICMP in answer to them: the policy of forward is drop; no rule of ours could let it through there',
        certain: true,
        admitted: false,
      },
    ])
  })

  test('masquerade’s own addresses are what leaves', () => {
    const more = { subnets, masquerade: { to: ['203.0.113.7', '2001:db8::7'] } }
    const rules = [nft.rule(nft.ipSaddr('203.0.113.7'), nft.drop()), nft.rule(nft.ip6Saddr('2001:db8::7'), nft.drop())]
    const base = { hook: 'postrouting', priority: 100 } as const
    expect(explain({ base, rules }, more)).toMatchObject([{ families: [4, 6], certain: true }])
    expect(explain({ base: { ...base, priority: 99 }, rules }, more)).toEqual([])
  })

  test.each<[string, TableOf, string]>([
    ['firewalld', { table: 'firewalld' }, 'firewalld'],
    ['ufw, one of whose chains drops', { rules: [nft.jump('ufw-x')], chains: { 'ufw-x': [nft.drop()] } }, 'ufw'],
    ['ufw', { chains: { 'ufw-before-forward': [] } }, 'ufw'],
    ['ufw of IPv6', { chains: { 'ufw6-before-forward': [] } }, 'ufw'],
    ['Docker', { chains: { 'DOCKER-USER': [] } }, 'docker'],
    ['none that is known', { chains: { ufw: [] } }, 'nftables'],
  ])('whose it is: %s', (_what, table, owner) => {
    expect(explain({ base: drop, ...table }).map(({ where }) => where.owner)).toEqual([owner])
  })
})

test('a rule that only goes on has no say in the way', () => {
  const [base] = nftBaseChains(rulesetOf({ rules: [[{ expr: 'verdict', verdict: 'continue' }]] }))
  const [packet] = packetsOf(networkOf(), base as BaseChain, uplinks)
  expect(base?.chains.get('forward')?.map(rule => rule.branches(packet as Packet))).toEqual([[]])
})
