// A table of ours, as changes, and what `nft` says about a host.
import { jump, not, oifname, rule, set } from '../../src/kernel/nft-rule.js'
import { cidrElements, ifname, ipv4, keyOf, nftType } from '../../src/kernel/nft-types.js'
import type { NftChange, NftElement, NftFamily, NftRuleset } from '../../src/kernel/ops-nft.js'
import type { NftExpr } from '../../src/kernel/ops-nft-expr.js'
import { type TestHost, value } from './host.js'

export const at = { family: 'inet', table: 't' } as const

export const addTable: NftChange = { change: 'table.add', family: 'inet', name: 't' }
export const addChain = (name: string): NftChange => ({ change: 'chain.add', ...at, name })
export const addRule = (chain: string, ...exprs: NftExpr[]): NftChange => ({ change: 'rule.add', ...at, chain, exprs })
export const addElements = (name: string, elements: NftElement[], exclusive = false): NftChange => ({
  change: 'element.add',
  ...at,
  set: name,
  elements,
  exclusive,
})
export const addSet = (name: string, type: { type: number; length: number }, more = {}): NftChange => ({
  change: 'set.add',
  ...at,
  name,
  ...keyOf(type),
  ...more,
})

/** All that statements may refer to, with one chain of each kind that statements may stand in. */
export const surroundings: NftChange[] = [
  addTable,
  addSet('bridges', nftType.ifname),
  addSet('private4', nftType.ipv4Addr, { interval: true }),
  addSet('private6', nftType.ipv6Addr, { interval: true }),
  addSet('verdicts', nftType.ipv4Addr, { data: { type: 'verdict' } }),
  addElements('bridges', [{ key: ifname('br0') }]),
  addElements('private4', cidrElements('192.168.0.0/16')),
  addChain('side'),
  { change: 'chain.add', ...at, name: 'pre', type: 'nat', hook: 'prerouting', priority: -100 },
  { change: 'chain.add', ...at, name: 'post', type: 'nat', hook: 'postrouting', priority: 100 },
  { change: 'chain.add', ...at, name: 'main', type: 'filter', hook: 'prerouting', priority: -150 },
  addElements('verdicts', [{ key: ipv4('192.168.0.2'), data: { verdict: 'jump', chain: 'side' } }]),
  addRule('side', ...rule(oifname(not(set('bridges'))))),
  addRule('main', ...rule(jump('side'))),
]

export async function commit(host: TestHost, changes: NftChange[], generation?: number): Promise<void> {
  const [verdict] = await host.kernel.run([{ op: 'nft.commit', changes, generation }])
  value(verdict)
}

/** The fault of a transaction that must be refused. */
export async function refusal(host: TestHost, changes: NftChange[], generation?: number) {
  const [verdict] = await host.kernel.run([{ op: 'nft.commit', changes, generation }])
  if (verdict.ok || verdict.skipped) throw new Error('it was not refused')
  return verdict.fault
}

export async function list(
  host: TestHost,
  filter: { family?: NftFamily; table?: string; elements?: boolean; rules?: boolean } = {},
): Promise<NftRuleset> {
  const [verdict] = await host.kernel.run([{ op: 'nft.list', ...filter }])
  return value(verdict)
}

/** Lets nft read a ruleset. */
export const load = (host: TestHost, text: string) => host.tool('nft', ['-f', '-'], { input: text })

/** What nft prints in one chain, a line a rule. */
export function printed(host: TestHost, chain: string, { family, table } = at as { family: string; table: string }) {
  const lines = host.tool('nft', ['list', 'chain', family, table, chain]).split('\n').slice(2, -3)
  return lines.map(line => line.trim()).filter(line => !/^type .* hook /.test(line))
}
