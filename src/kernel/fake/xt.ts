import { isDeepStrictEqual } from 'node:util'
import type { XtListedChain, XtListedRule, XtRule, XtTable } from '../ops-xt.js'
import { Refusal } from './refusal.js'
import type { FakeNetns, Fields, Handlers } from './world.js'

const builtIn: Record<XtTable, string[]> = {
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  raw: ['PREROUTING', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
}

// In the order that the kernel's bits are read back.
const ctstates = ['INVALID', 'NEW', 'RELATED', 'ESTABLISHED', 'UNTRACKED', 'SNAT', 'DNAT']

export const xtHandlers: Handlers<'xt.list' | 'xt.edit'> = {
  'xt.list': (netns, { family, table }) => structuredClone({ chains: tableOf(netns, family, table) }),
  'xt.edit': edit,
}

/** Of those that are in use. */
export const xtTableNames = ({ xt }: FakeNetns, family: 4 | 6): string[] =>
  [...xt.keys()].filter(key => key.startsWith(`${family} `)).map(key => key.slice(2))

function tableOf(netns: FakeNetns, family: 4 | 6, table: XtTable): XtListedChain[] {
  const key = `${family} ${table}`
  const old = netns.xt.get(key)
  const none = { policy: 'ACCEPT', packets: 0n, bytes: 0n } as const
  const chains = old ?? builtIn[table].map(name => ({ name, ...none, rules: [] }))
  if (!old) netns.xt.set(key, chains)
  return chains
}

function edit(netns: FakeNetns, { family, table, edits }: Fields<'xt.edit'>): undefined {
  const chains = structuredClone(tableOf(netns, family, table))
  edits.forEach(({ edit: how, chain: name, rule }, i) => {
    const chain = chains.find(one => one.name === name)
    if (!chain) throw new Refusal('ENOENT', `edits[${i}]: there is no chain ${name}`)
    const listed = listedRule(rule)
    if (how === 'insert') chain.rules.unshift(listed)
    if (how === 'append') chain.rules.push(listed)
    if (how !== 'delete') return
    const place = chain.rules.findIndex(other => isDeepStrictEqual(other.rule, listed.rule))
    if (place < 0) throw new Refusal('ENOENT', `edits[${i}]: chain ${name} has no such rule`)
    chain.rules.splice(place, 1)
  })
  netns.xt.set(`${family} ${table}`, chains)
  return undefined
}

function listedRule(rule: XtRule): XtListedRule {
  const { protocol, destinationPort, icmpType, comment, ctstate } = rule
  const matches = [
    destinationPort !== undefined && (protocol === 6 ? 'tcp' : 'udp'),
    icmpType !== undefined && (protocol === 1 ? 'icmp' : 'icmp6'),
    comment !== undefined && 'comment',
    ctstate !== undefined && 'conntrack',
  ].filter(match => match !== false)
  return { whole: true, rule: plain(rule), matches, packets: 0n, bytes: 0n }
}

// What was left out and what has its default are the same.
function plain<T extends object>(value: T): T {
  const given = Object.entries(value).filter(([, field]) => field !== undefined && field !== false)
  return Object.fromEntries(
    given.map(([key, field]) => {
      if (Array.isArray(field)) return [key, ctstates.filter(state => field.includes(state))]
      return [key, typeof field === 'object' ? plain(field) : field]
    }),
  ) as T
}
