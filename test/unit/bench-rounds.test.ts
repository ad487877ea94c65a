import { describe, expect, test } from 'vitest'
import { alternate } from '../../src/bench/rounds.js'
import type { Context } from '../../src/bench/scenario.js'
import type { Side, SideKind } from '../../src/bench/side.js'

const done = async () => {}
const kind = (name: string, slow = false): SideKind => ({
  name,
  title: name,
  cannot: [],
  modes: ['bridge'],
  slow,
  probe: async () => ({}),
  make: () => ({ name, open: done, close: done, dispose: done }) as unknown as Side,
})

/** The turns that were taken in two rounds and a warm-up, and who had none. */
async function turns({ quick, late }: { quick: boolean; late: (turns: number) => boolean }) {
  const taken: string[] = []
  const omitted: string[] = []
  const world = {
    signal: new AbortController().signal,
    kernel: { run: async () => [{ ok: true, value: [] }] },
  }
  const context = {
    world,
    sides: [kind('library'), kind('floor'), kind('cni', true)],
    rounds: 2,
    quick,
    late: () => late(taken.length),
    omitted: (side: string) => omitted.push(side),
    progress: () => {},
  } as unknown as Context
  await alternate(context, { capacity: 1 }, async ({ side, round }) => void taken.push(`${side.name} ${round}`))
  return { taken, omitted }
}

describe('rounds', () => {
  test('go forwards and backwards, after a warm-up of all', async () => {
    expect(await turns({ quick: false, late: () => false })).toEqual({
      taken: ['cni', 'floor', 'library']
        .map(name => `${name} -1`)
        .concat(
          ['library', 'floor', 'cni'].map(name => `${name} 0`),
          ['cni', 'floor', 'library'].map(name => `${name} 1`),
        ),
      omitted: [],
    })
  })

  test('of a quick run that is late from the start are of the library alone, and the rest is told', async () => {
    expect(await turns({ quick: true, late: () => true })).toEqual({ taken: ['library 0'], omitted: ['floor', 'cni'] })
  })

  test('of a quick run end where it becomes late; what is slow is not warmed up', async () => {
    const taken = ['floor -1', 'library -1', 'library 0', 'floor 0']
    expect(await turns({ quick: true, late: count => count >= 4 })).toEqual({ taken, omitted: ['cni'] })
  })
})
