import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Gate } from '../../src/engine/gate.js'
import { Leftovers } from '../../src/engine/leftovers.js'
import { Reaper } from '../../src/engine/reaper.js'
import type { Kernel } from '../../src/kernel/kernel.js'
import type { NftChange } from '../../src/kernel/ops-nft.js'
import type { ElementChange } from '../../src/plan/nftables-elements.js'

const element = (key: number): ElementChange => ({
  change: 'element.delete',
  family: 'inet',
  table: 'egressd',
  set: 'bridges',
  elements: [{ key: new Uint8Array([key]) }],
})

const keysOf = (changes: readonly NftChange[]) =>
  (changes as ElementChange[]).flatMap(({ elements }) => elements.map(({ key }) => key[0]))

test('what is kept while the whole waits to be planned is not taken out, and nobody waits for another in a circle', async () => {
  const gate = new Gate()
  const taken: (number | undefined)[] = []
  const leftovers = new Leftovers(gate, async changes => {
    taken.push(...keysOf(changes))
    return true
  })
  leftovers.add([element(1), element(2)])
  let planned = -1
  const making = gate.shared(async () => {
    await nextTurn()
    await leftovers.keep([element(1)])
  })
  const whole = gate.exclusive(async () => {
    planned = leftovers.pending
  })
  const flushed = leftovers.flush()
  await Promise.all([making, whole])
  // It came before the flush, and knows of what is still in the firewall.
  expect(planned).toBe(1)
  expect(await flushed).toBe(true)
  expect(taken).toEqual([2])
})

test('what is added while the whole is planned is still to be taken out; what was there before went with it', async () => {
  const taken: (number | undefined)[] = []
  const leftovers = new Leftovers(new Gate(), async changes => {
    taken.push(...keysOf(changes))
    return true
  })
  leftovers.add([element(1)])
  await leftovers.planned(async () => leftovers.add([element(2)]))
  leftovers.add([element(3)])
  await expect(
    leftovers.planned(async () => {
      throw new Error('refused')
    }),
  ).rejects.toThrow('refused')
  await leftovers.flush()
  expect(taken).toEqual([2, 3])
})

test('the name of a link is given up once, however many want what it has', async () => {
  const gone: string[] = []
  const answers: (() => void)[] = []
  const kernel = {
    run: (ops: readonly object[]) =>
      new Promise(resolve =>
        answers.push(() => resolve(ops.map(() => ({ ok: true, skipped: false, value: undefined })))),
      ),
  }
  const reaper = new Reaper(kernel as unknown as Kernel, ({ name }) => gone.push(name))
  reaper.add({ index: 7, name: 've0', addresses: ['10.0.0.2'], network: 'br0' })
  const byName = reaper.free('ve0', [])
  const byAddress = reaper.free('ve1', ['10.0.0.2'])
  answers.shift()?.()
  await byName
  expect(gone).toEqual(['ve0'])
  answers.shift()?.()
  await byAddress
  // Whoever has the name by now keeps what the firewall has by it.
  expect(gone).toEqual(['ve0'])
  expect([...reaper.links]).toMatchObject([{ index: 7, name: '', addresses: [] }])
})
