import { expect, test } from 'vitest'
import type { XtEdit, XtRule, XtTable } from '../../src/kernel/ops-xt.js'
import { foreignTables } from '../helpers/foreign-rules.js'
import { createHost, type TestHost, value } from '../helpers/host.js'
import { edit, entries, list, saves } from '../helpers/xtables.js'

const save = (host: TestHost, family: 4 | 6) =>
  host
    .tool(saves[family], ['-c'])
    .split('\n')
    .filter(line => !line.startsWith('#'))

const section = (lines: string[], table: XtTable) => {
  const from = lines.indexOf(`*${table}`)
  return lines.slice(from, lines.indexOf('COMMIT', from))
}

const rules = {
  4: { source: { address: '192.168.0.0', prefix: 16 }, comment: 'ours', target: 'ACCEPT' },
  6: { source: { address: 'fd99::', prefix: 48 }, comment: 'ours', ctstate: ['NEW'], target: 'ACCEPT' },
} as const satisfies Record<4 | 6, XtRule>

async function foreignHost(family: 4 | 6) {
  const host = await createHost()
  host.tool(saves[family].replace('save', 'restore'), ['-c'], { input: foreignTables(family) })
  return host
}

/** Starts and ends of built-in and user chains, several in one edit. */
const places: [table: XtTable, places: [kind: 'insert' | 'append', chain: string][]][] = [
  ['filter', [['insert', 'INPUT']]],
  ['filter', [['append', 'USER3']]],
  [
    'filter',
    [
      ['insert', 'INPUT'],
      ['append', 'INPUT'],
      ['insert', 'FORWARD'],
      ['insert', 'USER0'],
      ['append', 'USER0'],
      ['insert', 'USER2'],
      ['append', 'OUTPUT'],
    ],
  ],
  [
    'nat',
    [
      ['insert', 'PREROUTING'],
      ['insert', 'PUBLISHED'],
      ['append', 'POSTROUTING'],
    ],
  ],
  ['mangle', [['insert', 'POSTROUTING']]],
]

for (const family of [4, 6] as const) {
  test.each(places)(`IPv${family}: %s full of strangers stays as it is around our rules: %j`, async (table, where) => {
    await using host = await foreignHost(family)
    const before = { save: save(host, family), bytes: entries(host, family, table, '--all') }
    expect(before.save.filter(line => line.includes('-A ')).length).toBe(290)
    const rule = rules[family]
    const edits = where.map(([kind, chain]): XtEdit => {
      const name = /USER|PUBLISHED/.test(chain) ? `${chain}-${family}` : chain
      return { edit: kind, chain: name, rule }
    })

    value(await edit(host, family, table, ...edits))
    const between = save(host, family)
    expect(between.filter(line => line.includes('--comment ours'))).toHaveLength(edits.length)
    expect(between.filter(line => !line.includes('--comment ours'))).toEqual(before.save)
    for (const { edit: kind, chain } of edits) {
      const its = section(between, table).filter(line => line.includes(` -A ${chain} `))
      expect(its.at(kind === 'insert' ? 0 : -1)).toMatch(/^\[0:0\] .*--comment ours/)
    }

    value(await edit(host, family, table, ...edits.map((made): XtEdit => ({ ...made, edit: 'delete' }))))
    expect(save(host, family)).toEqual(before.save)
    expect(entries(host, family, table, '--all')).toBe(before.bytes)
  })

  test(`IPv${family}: a table full of strangers is read as what it is`, async () => {
    await using host = await foreignHost(family)
    const chains = await list(host, family, 'filter')
    const filter = section(save(host, family), 'filter')
    for (const chain of chains) {
      expect(filter.some(line => line.startsWith(`:${chain.name} ${chain.policy ?? '-'} `))).toBe(true)
      const its = filter.filter(line => line.includes(` -A ${chain.name} `))
      expect(chain.rules.map(rule => `[${rule.packets}:${rule.bytes}]`)).toEqual(its.map(line => line.split(' ')[0]))
      expect(chain.rules.map(rule => rule.rule.target)).toEqual(its.map(line => / -[jg] (\S+)/.exec(line)?.[1] ?? ''))
      // `-m state` is written as a conntrack match.
      const matches = its.map(line =>
        [...line.matchAll(/ -m (\S+)/g)].map(([, name]) => name?.replace('state', 'conntrack')),
      )
      expect(chain.rules.map(rule => rule.matches.join())).toEqual(matches.map(names => names.join()))
      const ours =
        /^\S+ -A \S+( -s \S+| -m conntrack --ctstate \S+| -p ipv6-icmp -m icmp6 --icmpv6-type \d+)* -j (ACCEPT|DROP)$/
      expect(chain.rules.map(rule => rule.whole)).toEqual(its.map(line => ours.test(line)))
    }
    expect(chains.map(chain => chain.rules.length).reduce((a, b) => a + b)).toBe(200)
  })
}
