import { expect, test } from 'vitest'
import type { XtRule } from '../../src/kernel/ops-xt.js'
import { createHost, value } from '../helpers/host.js'
import { edit, entries, list, ruleCases, tools } from '../helpers/xtables.js'

test.each(ruleCases)('IPv$family $table -A $chain $text', async ({ family, table, chain, text, rule }) => {
  await using theirs = await createHost()
  await using ours = await createHost()
  const untouched = entries(ours, family, table)
  const args = ['-t', table, '-A', chain, ...text.split(' ')]
  theirs.tool(tools[family], args)
  value(await edit(ours, family, table, { edit: 'append', chain, rule }))
  expect(entries(ours, family, table)).toBe(entries(theirs, family, table))
  expect(ours.tool(tools[family], ['-t', table, '-S'])).toBe(theirs.tool(tools[family], ['-t', table, '-S']))

  // Read back it is what we said, but for host bits and the order of states, which the kernel does not keep.
  const read = (await list(ours, family, table)).find(each => each.name === chain)?.rules
  expect(read).toMatchObject([{ whole: true, packets: 0n, bytes: 0n }])
  const again = read?.[0]?.rule as XtRule

  // Either side removes what the other made.
  ours.tool(tools[family], args.with(2, '-D'))
  value(await edit(theirs, family, table, { edit: 'delete', chain, rule: again }))
  expect(entries(ours, family, table)).toBe(untouched)
  expect(entries(theirs, family, table)).toBe(untouched)
})
