import { expect, test } from 'vitest'
import type { Op } from '../../src/kernel/ops.js'
import { createHost, value } from '../helpers/host.js'
import { edit, entries, list, traced } from '../helpers/xtables.js'

const job: Op<'xt.edit'> = {
  op: 'xt.edit',
  family: 4,
  table: 'filter',
  edits: [{ edit: 'append', chain: 'INPUT', rule: { protocol: 1, target: 'ACCEPT' } }],
}
const read = ['IPT_SO_GET_INFO', 'IPT_SO_GET_ENTRIES', 'IPT_SO_GET_INFO']

test('a table that changed between reading and writing is read again', async () => {
  await using host = await createHost()
  const { verdict, calls } = traced(host, job, 'setsockopt:error=EAGAIN:when=1..2')
  expect(verdict).toMatchObject({ ok: true })
  const tried = [...read, 'IPT_SO_SET_REPLACE']
  expect(calls).toEqual([...tried, ...tried, ...tried, 'IPT_SO_SET_ADD_COUNTERS'])
  expect((await list(host, 4, 'filter'))[0]?.rules).toHaveLength(1)
})

test('a table that changed while it was read is read again', async () => {
  await using host = await createHost()
  const { verdict, calls } = traced(host, job, 'getsockopt:error=EAGAIN:when=2')
  expect(verdict).toMatchObject({ ok: true })
  expect(calls).toEqual([...read, ...read, 'IPT_SO_SET_REPLACE', 'IPT_SO_SET_ADD_COUNTERS'])
})

test('a table that never stops changing is given up', async () => {
  await using host = await createHost()
  const before = entries(host, 4, 'filter', '--all')
  const writing = traced(host, job, 'setsockopt:error=EAGAIN')
  expect(writing.verdict).toMatchObject({ fault: { errno: 'EAGAIN', call: 'IPT_SO_SET_REPLACE' } })
  expect(writing.calls).toHaveLength(16 * 4)
  // The second of every three calls: that for the entries.
  const reading = traced(host, { op: 'xt.list', family: 4, table: 'filter' }, 'getsockopt:error=EAGAIN:when=2+3')
  expect(reading.verdict).toMatchObject({
    fault: { errno: 'EAGAIN', message: 'table filter kept changing while it was read' },
  })
  expect(entries(host, 4, 'filter', '--all')).toBe(before)
})

test('a kernel without xtables, without the table, or without a match says so', async () => {
  await using host = await createHost()
  const without = traced(host, job, 'getsockopt:error=ENOPROTOOPT:when=1').verdict
  expect(without).toMatchObject({ fault: { errno: 'ENOENT', message: expect.stringContaining('modprobe ip_tables') } })
  const table = traced(host, job, 'getsockopt:error=ENOENT:when=1').verdict
  expect(table).toMatchObject({ fault: { errno: 'ENOENT', call: 'IPT_SO_GET_INFO', message: 'table filter' } })
  const edits = [{ edit: 'append', chain: 'INPUT', rule: { ctstate: ['NEW'], target: 'ACCEPT' } }] as const
  const match = traced(host, { ...job, edits: [...edits] }, 'getsockopt:error=ENOENT:when=1').verdict
  expect(match).toMatchObject({
    fault: { errno: 'ENOENT', call: 'IPT_SO_GET_REVISION_MATCH', message: 'match conntrack, revision 3' },
  })
})

test.each(['ENOMEM', 'EAGAIN'])(
  'counters that cannot be handed back are told, with the edits made: %s',
  async errno => {
    await using host = await createHost()
    const { verdict } = traced(host, job, `setsockopt:error=${errno}:when=2`)
    expect(verdict).toMatchObject({
      fault: { errno, call: 'IPT_SO_SET_ADD_COUNTERS', message: expect.stringContaining('the edits are made') },
    })
    expect((await list(host, 4, 'filter'))[0]?.rules).toHaveLength(1)
  },
)

test('a table is made in its namespace by the first look at it, and by nothing else', async () => {
  await using host = await createHost()
  const tables = () => host.tool('cat', ['/proc/net/ip_tables_names'])
  value(await edit(host, 4, 'nat'))
  expect(tables()).toBe('')
  expect((await list(host, 4, 'nat')).map(chain => chain.policy)).toEqual(['ACCEPT', 'ACCEPT', 'ACCEPT', 'ACCEPT'])
  expect(tables()).toBe('nat\n')
})
