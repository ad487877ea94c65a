import { describe, expect, test } from 'vitest'
import { accept, rule } from '../../src/kernel/nft-rule.js'
import { cidrElements, hostU32, ifname, ipv4, nftType } from '../../src/kernel/nft-types.js'
import type { NftChange } from '../../src/kernel/ops-nft.js'
import { createHost, value } from '../helpers/host.js'
import { kernelIsOlderThan } from '../helpers/kernel-version.js'
import {
  addChain,
  addElements,
  addRule,
  addSet,
  addTable,
  at,
  commit,
  list,
  refusal,
  surroundings,
} from '../helpers/nft.js'

const marks = (count: number, from = 0) => Array.from({ length: count }, (_, i) => ({ key: hostU32(from + i) }))

test('one element refused in the middle: nothing of the transaction is there, and the fault names the element', async () => {
  await using host = await createHost()
  const elements = marks(8_000)
  elements[6_543] = { key: Uint8Array.of(1) }
  const fault = await refusal(host, [
    addTable,
    addSet('marks', nftType.mark),
    addChain('c'),
    addElements('marks', elements),
    addRule('c', ...rule(accept())),
  ])
  expect(fault).toEqual({
    op: 'nft.commit',
    call: 'NFT_MSG_NEWSETELEM',
    errno: 'EINVAL',
    number: 22,
    message: 'changes[3].elements[6543]: element.add inet t marks',
  })
  expect(await list(host)).toMatchObject({ tables: [], chains: [], rules: [], sets: [] })
  expect(host.tool('nft', ['list', 'ruleset'])).toBe('')
})

describe('the fault names the change and its field', () => {
  const lookup = (name: string): NftChange =>
    addRule('side', { expr: 'meta', key: 'mark' }, { expr: 'lookup', set: name })
  const hook = { type: 'filter', priority: 0 } as const
  const add = { family: 'inet', table: 't' } as const
  // As seen on 5.10.
  const old = kernelIsOlderThan(6, 1)
  const cases: [string, string, string, string, NftChange[]][] = [
    [
      'a table twice',
      'EEXIST',
      'NEWTABLE',
      '[0].name: table.add inet t',
      [{ ...addTable, exclusive: true } as NftChange],
    ],
    ['a chain twice', 'EEXIST', 'NEWCHAIN', '[0].name: chain.add inet t side', [exclusive(addChain('side'))]],
    [
      'a set twice',
      'EEXIST',
      'NEWSET',
      '[0].name: set.add inet t bridges',
      [exclusive(addSet('bridges', nftType.ifname))],
    ],
    [
      'a chain at another hook',
      old ? 'EEXIST' : 'EOPNOTSUPP',
      'NEWCHAIN',
      `[0]${old ? '.name' : ''}: chain.add inet t main`,
      [{ change: 'chain.add', ...add, name: 'main', hook: 'input', ...hook }],
    ],
    [
      'a set of another type',
      'EEXIST',
      'NEWSET',
      '[0].name: set.add inet t bridges',
      [addSet('bridges', nftType.mark, { interval: true })],
    ],
    [
      'an element twice',
      'EEXIST',
      'NEWSETELEM',
      '[0].elements[1]: element.add inet t bridges',
      [addElements('bridges', [{ key: ifname('br7') }, { key: ifname('br0') }], true)],
    ],
    [
      'a map element with other data',
      'EEXIST',
      'NEWSETELEM',
      '[0].elements[0]: element.add inet t verdicts',
      [addElements('verdicts', [{ key: ipv4('192.168.0.2'), data: { verdict: 'drop' } }])],
    ],
    [
      'an interval inside another',
      'EEXIST',
      'NEWSETELEM',
      '[0].elements[1]: element.add inet t private4',
      [addElements('private4', cidrElements('192.168.0.0/24'))],
    ],
    [
      'a jump to no chain',
      'ENOENT',
      'NEWRULE',
      '[1].exprs[0]: rule.add inet t side',
      [addTable, addRule('side', { expr: 'verdict', verdict: 'jump', chain: 'none' })],
    ],
    ['a look-up in no set', 'ENOENT', 'NEWRULE', '[0].exprs[1]: rule.add inet t side', [lookup('none')]],
    ['a chain in no table', 'ENOENT', 'NEWCHAIN', '[0].table: chain.add inet none c', [inNone(addChain('c'))]],
    ['a set in no table', 'ENOENT', 'NEWSET', '[0].table: set.add inet none s', [inNone(addSet('s', nftType.mark))]],
    ['a rule in no chain', 'ENOENT', 'NEWRULE', '[0].chain: rule.add inet t none', [addRule('none')]],
    [
      'elements in no set',
      'ENOENT',
      'NEWSETELEM',
      `[0]${old ? '' : '.set'}: element.add inet t none`,
      [addElements('none', marks(1))],
    ],
    [
      'a rule behind no rule',
      'ENOENT',
      'NEWRULE',
      '[0].place: rule.add inet t side',
      [{ ...addRule('side'), after: 4711n } as NftChange],
    ],
    [
      'no table to delete',
      'ENOENT',
      'DELTABLE',
      '[0].name: table.delete ip t',
      [{ change: 'table.delete', family: 'ip', name: 't' }],
    ],
    [
      'no chain to delete',
      'ENOENT',
      'DELCHAIN',
      '[0].name: chain.delete inet t none',
      [{ change: 'chain.delete', ...at, name: 'none' }],
    ],
    [
      'no set to delete',
      'ENOENT',
      'DELSET',
      '[0].name: set.delete inet t none',
      [{ change: 'set.delete', ...at, name: 'none' }],
    ],
    [
      'no rule to delete',
      'ENOENT',
      'DELRULE',
      '[0].handle: rule.delete inet t side',
      [{ change: 'rule.delete', ...at, chain: 'side', handle: 4711n }],
    ],
    [
      'no element to delete',
      'ENOENT',
      'DELSETELEM',
      '[0].elements[1]: element.delete inet t bridges',
      [{ change: 'element.delete', ...at, set: 'bridges', elements: [{ key: ifname('br0') }, { key: ifname('br1') }] }],
    ],
    [
      'a set in use',
      'EBUSY',
      'DELSET',
      '[0].name: set.delete inet t bridges',
      [{ change: 'set.delete', ...at, name: 'bridges' }],
    ],
    [
      'a chain in use',
      'EBUSY',
      'DELCHAIN',
      '[0].name: chain.delete inet t side',
      [{ change: 'chain.delete', ...at, name: 'side' }],
    ],
    [
      'masquerade where no nat is',
      'EOPNOTSUPP',
      'NEWRULE',
      '[0]: rule.add inet t main',
      [addRule('main', { expr: 'masquerade' })],
    ],
  ]
  // An old kernel takes that for the set that is there, and leaves it as it is: who plans compares sets, and asks for none of another type.
  const told = cases.filter(([what]) => !(old && what === 'a set of another type'))
  test.each(told)('%s', async (_what, errno, type, message, changes) => {
    await using host = await createHost()
    await commit(host, surroundings)
    const before = host.tool('nft', ['-a', 'list', 'ruleset'])
    const first = addElements('bridges', [{ key: ifname('br5') }])
    expect(await refusal(host, changes)).toMatchObject({
      call: `NFT_MSG_${type}`,
      errno,
      message: `changes${message}`,
    })
    // The same behind a change that is well: that one does not happen either.
    const moved = message.replace(/^\[(\d)\]/, (_, index) => `[${Number(index) + 1}]`)
    expect(await refusal(host, [first, ...changes])).toMatchObject({ errno, message: `changes${moved}` })
    expect(host.tool('nft', ['-a', 'list', 'ruleset'])).toBe(before)
  })

  function exclusive(change: NftChange): NftChange {
    return { ...change, exclusive: true } as NftChange
  }
  function inNone(change: NftChange): NftChange {
    return { ...change, table: 'none' } as NftChange
  }
})

test('of many faults the first is told', async () => {
  await using host = await createHost()
  await commit(host, surroundings)
  const none: NftChange = { change: 'set.delete', ...at, name: 'none' }
  // Enough of them to overflow the receive buffer with answers.
  const fault = await refusal(host, [addTable, addRule('none'), ...Array(20_000).fill(none)])
  expect(fault).toMatchObject({ call: 'NFT_MSG_NEWRULE', message: 'changes[1].chain: rule.add inet t none' })
  // And the socket is clean for the next conversation.
  await commit(host, [addElements('bridges', [{ key: ifname('br9') }])])
})

test('a transaction for a ruleset that has changed since is refused', async () => {
  await using host = await createHost()
  await commit(host, surroundings)
  const { generation } = await list(host)
  await commit(host, [addElements('bridges', [{ key: ifname('br1') }])], generation)
  const stale = [addElements('bridges', [{ key: ifname('br2') }])]
  expect(await refusal(host, stale, generation)).toMatchObject({ errno: 'ERESTART', call: 'NFNL_MSG_BATCH_BEGIN' })
  expect(host.tool('nft', ['list', 'set', 'inet', 't', 'bridges'])).not.toContain('br2')
  const [now] = await host.kernel.run([{ op: 'nft.generation' }])
  expect(value(now)).toBe(generation + 1)
  await commit(host, stale, value(now))
  expect(host.tool('nft', ['list', 'set', 'inet', 't', 'bridges'])).toContain('br2')
  // A stranger's change counts, too.
  host.tool('nft', ['add', 'table', 'ip', 'stranger'])
  expect(await refusal(host, stale, generation + 2)).toMatchObject({ errno: 'ERESTART' })
})

test('what is there as asked is added again without a change', async () => {
  await using host = await createHost()
  await commit(
    host,
    surroundings.filter(change => change.change !== 'rule.add'),
  )
  const before = host.tool('nft', ['-a', 'list', 'ruleset'])
  await commit(
    host,
    surroundings.filter(change => change.change !== 'rule.add'),
  )
  expect(host.tool('nft', ['-a', 'list', 'ruleset'])).toBe(before)
})

test('no change, no transaction', async () => {
  await using host = await createHost()
  const [before] = await host.kernel.run([{ op: 'nft.generation' }])
  await commit(host, [])
  await commit(host, [addTable])
  await commit(host, [{ change: 'element.add', ...at, set: 'none', elements: [] }])
  const [after] = await host.kernel.run([{ op: 'nft.generation' }])
  expect(value(after)).toBe(value(before) + 1)
})

test('a rule that fits no message is refused, and names itself', async () => {
  await using host = await createHost()
  const info = new Uint8Array(40_000)
  const match = { expr: 'match', name: 'comment', revision: 0, info } as const
  expect(await refusal(host, [addTable, addChain('c'), addRule('c', match, match)])).toMatchObject({
    errno: 'EMSGSIZE',
    message: expect.stringMatching(/^changes\[2\]: /),
  })
  expect(host.tool('nft', ['list', 'ruleset'])).toBe('')
})
