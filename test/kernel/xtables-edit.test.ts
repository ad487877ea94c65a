import { expect, test } from 'vitest'
import type { XtEdit, XtRule } from '../../src/kernel/ops-xt.js'
import { createHost, value } from '../helpers/host.js'
import { edit, entries, list, traced } from '../helpers/xtables.js'

const rule: XtRule = { source: { address: '192.168.0.0', prefix: 16 }, comment: 'ours', target: 'ACCEPT' }
const other: XtRule = { ...rule, comment: 'another' }

test('edits of one call happen in order, and delete takes the first rule that is just so', async () => {
  await using host = await createHost()
  host.tool('iptables-legacy', ['-A', 'FORWARD', '-j', 'DROP'])
  value(
    await edit(
      host,
      4,
      'filter',
      { edit: 'insert', chain: 'FORWARD', rule },
      { edit: 'insert', chain: 'FORWARD', rule: other },
      { edit: 'append', chain: 'FORWARD', rule },
      { edit: 'append', chain: 'INPUT', rule: other },
      { edit: 'delete', chain: 'FORWARD', rule },
    ),
  )
  const chains = await list(host, 4, 'filter')
  expect(chains.map(chain => [chain.name, chain.rules.map(each => each.rule.comment ?? each.rule.target)])).toEqual([
    ['INPUT', ['another']],
    ['FORWARD', ['another', 'DROP', 'ours']],
    ['OUTPUT', []],
  ])
})

test('an edit that cannot be made changes nothing, not even what goes before it', async () => {
  await using host = await createHost()
  host.tool('iptables-legacy', ['-A', 'FORWARD', '-s', '10.0.0.0/8', '-j', 'ACCEPT'])
  const before = entries(host, 4, 'filter', '--all')
  const good: XtEdit = { edit: 'append', chain: 'FORWARD', rule }

  const missing = await edit(host, 4, 'filter', good, { edit: 'delete', chain: 'FORWARD', rule: other })
  expect(missing).toMatchObject({
    fault: { op: 'xt.edit', errno: 'ENOENT', message: 'edits[1]: chain FORWARD has no such rule' },
  })
  // Nearly the rule that is there, but its own.
  const near = { source: { address: '10.0.0.0', prefix: 9 }, target: 'ACCEPT' } as const
  expect(await edit(host, 4, 'filter', { edit: 'delete', chain: 'FORWARD', rule: near })).toMatchObject({
    fault: { errno: 'ENOENT' },
  })
  const nowhere = await edit(host, 4, 'filter', good, { edit: 'append', chain: 'DOCKER-USER', rule })
  expect(nowhere).toMatchObject({ fault: { errno: 'ENOENT', message: 'edits[1]: there is no chain DOCKER-USER' } })
  // Only POSTROUTING of nat may hold it: the kernel's own refusal.
  const refused = await edit(host, 4, 'filter', good, {
    edit: 'append',
    chain: 'FORWARD',
    rule: { target: 'MASQUERADE' },
  })
  expect(refused).toMatchObject({ fault: { call: 'IPT_SO_SET_REPLACE', errno: 'EINVAL' } })
  expect(entries(host, 4, 'filter', '--all')).toBe(before)
})

test.each<[string, XtRule]>([
  ['edits[0].rule.source.prefix: ', { source: { address: '10.0.0.0', prefix: 33 }, target: 'ACCEPT' }],
  ['edits[0].rule.source.address: ', { source: { address: 'fd00::', prefix: 8 }, target: 'ACCEPT' }],
  ['rule.input: "a234567890123456"', { input: { name: 'a234567890123456' }, target: 'ACCEPT' }],
  ['rule.output: ""', { output: { name: '' }, target: 'ACCEPT' }],
  ['rule.comment: it is longer than 255 bytes', { comment: 'é'.repeat(128), target: 'ACCEPT' }],
  ['rule.ctstate: ', { ctstate: [], target: 'ACCEPT' }],
  ['rule.target: "REJECT"', { target: 'REJECT' as 'DROP' }],
  ['rule.randomFully: ', { target: 'ACCEPT', randomFully: true }],
  ['rule.protocol: ', { protocol: 256, target: 'ACCEPT' }],
])('a rule that cannot be said is refused before anything runs: %s', async (named, wrong) => {
  await using host = await createHost()
  const tried = edit(host, 4, 'filter', { edit: 'append', chain: 'INPUT', rule: wrong })
  await expect(tried).rejects.toMatchObject({
    code: 'EGRESSD_INVALID_OPERATION',
    message: expect.stringContaining(named),
  })
})

test('the longest comment and interface name, and text that is not ASCII, come back as they were', async () => {
  await using host = await createHost()
  const long: XtRule = { comment: `${'é'.repeat(127)}x`, input: { name: 'a2345678901234+' }, target: 'DROP' }
  value(await edit(host, 4, 'filter', { edit: 'append', chain: 'INPUT', rule: long }))
  expect((await list(host, 4, 'filter'))[0]?.rules).toMatchObject([{ whole: true, rule: long }])
  expect(host.tool('iptables-legacy', ['-S', 'INPUT'])).toContain(`${'é'.repeat(127)}x`)
})

test('all edits of one call are one replacement, and no change is none', async () => {
  await using host = await createHost()
  const job = (...edits: XtEdit[]) => {
    const { verdict, calls } = traced(host, { op: 'xt.edit', family: 4, table: 'filter', edits })
    expect(verdict).toMatchObject({ ok: true })
    return calls.filter(call => call.includes('_SET_'))
  }
  const add: XtEdit = { edit: 'append', chain: 'INPUT', rule }
  expect(job(add, { ...add, chain: 'FORWARD' }, { ...add, chain: 'OUTPUT', edit: 'insert' })).toEqual([
    'IPT_SO_SET_REPLACE',
    'IPT_SO_SET_ADD_COUNTERS',
  ])
  expect(job()).toEqual([])
  expect(job({ ...add, rule: other }, { edit: 'delete', chain: 'INPUT', rule: other })).toEqual([])
})
