import { describe, expect, test } from 'vitest'
import { nftType } from '../../src/kernel/nft-types.js'
import { createHost } from '../helpers/host.js'
import { addChain, addElements, addRule, addSet, addTable } from '../helpers/nft.js'

describe('what is not of its form is refused before anything is sent', () => {
  const bad: [string, object, string][] = [
    ['a change without a name', { change: 'table.drop' }, 'changes[0].change: no change is called "table.drop"'],
    ['no family', { change: 'table.add', family: 'ipx', name: 't' }, 'changes[0].family: expected one of inet, ip,'],
    ['an empty name', { change: 'table.delete', family: 'ip', name: '' }, 'changes[0].name: expected 1 to 255 bytes'],
    ['a long name', { change: 'table.add', family: 'ip', name: 'x'.repeat(256) }, 'changes[0].name: expected 1 to 255'],
    ['a long comment', { ...addTable, comment: 'x'.repeat(129) }, 'changes[0].comment: is longer than 128 bytes'],
    ['half a base chain', { ...addChain('c'), hook: 'input' }, 'changes[0].priority: expected a whole number'],
    ['a policy without a hook', { ...addChain('c'), policy: 'drop' }, 'changes[0].hook: is missing'],
    ['a hook of another family', { ...addChain('c'), hook: 'egress' }, 'changes[0].hook: expected one of prerouting,'],
    ['two places', { ...addRule('c'), insert: true, after: 1n }, 'changes[0].insert: goes with neither'],
    ['no expression', addRule('c', { expr: 'guess' } as never), 'changes[0].exprs[0].expr: no expression is called'],
    [
      'a meta key',
      addRule('c', { expr: 'meta', key: 'mood' } as never),
      'changes[0].exprs[0].key: expected one of len,',
    ],
    [
      'a register',
      addRule('c', { expr: 'meta', key: 'mark', register: 24 }),
      'changes[0].exprs[0].register: expected a',
    ],
    ['a jump nowhere', addRule('c', { expr: 'verdict', verdict: 'jump', chain: '' }), 'exprs[0].chain: is empty'],
    ['a key of text', addElements('s', [{ key: 'br0' } as never]), 'elements[0].key: expected a Uint8Array'],
    ['a fraction', addSet('s', nftType.mark, { concat: [0.5] }), 'changes[0].concat: expected whole numbers'],
  ]
  test.each(bad)('%s', async (_what, change, message) => {
    await using host = await createHost()
    await expect(host.kernel.run([{ op: 'nft.commit', changes: [addTable, change] as never }])).rejects.toMatchObject({
      code: 'EGRESSD_INVALID_OPERATION',
      message: expect.stringContaining(message.replace('changes[0]', 'ops[0].changes[1]')),
    })
    expect(host.tool('nft', ['list', 'ruleset'])).toBe('')
  })
})
