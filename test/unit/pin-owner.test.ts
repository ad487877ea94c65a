// Whether what is pinned by the name of a namespace is that namespace: by what was seen there, its mark, and its link.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Host } from '../../src/engine/host.js'
import type { LiveNamespace } from '../../src/engine/live.js'
import { isForeignPin, isKnownPin, pinFault, pinIdentity } from '../../src/engine/pin-owner.js'
import type { Op, Verdict } from '../../src/kernel/ops.js'
import { alias, hostMac, wanted } from '../helpers/plans.js'

let folder = ''
let pin = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'egressd-pin-'))
  pin = join(folder, 'ns0')
  writeFileSync(pin, '')
})
afterEach(() => rmSync(folder, { recursive: true }))

interface Machine {
  /** Of opening the pin, of reading lo in it, and its links; a text is an errno. */
  opened?: string
  lo?: { alias: string | null; up: boolean } | string
  links?: { index: number; peer: number }[] | string
  /** The host's end. */
  end?: { index?: number; peer?: number; alias?: string | null; mac?: string; kind?: string } | null
}

const verdict = (value: unknown): Verdict<unknown> =>
  typeof value === 'string'
    ? { ok: false, skipped: false, fault: { op: 'netns.open', call: 'openat', errno: value, number: 1, message: '' } }
    : { ok: true, value }
const skipped: Verdict<unknown> = { ok: false, skipped: true }

/** A namespace on it, and what is asked of the kernel. */
function worldOf({ opened, lo = { alias: null, up: true }, links = [], end = null }: Machine, known: object = {}) {
  const { desired } = wanted({}, {}, pin)
  const namespace = { desired, index: 9, pinned: null, unfinished: false, ...known } as LiveNamespace
  const asked: string[] = []
  const run = async (ops: Op[]): Promise<Verdict<unknown>[]> => {
    asked.push(ops.map(({ op }) => op).join(' '))
    if (ops[0]?.op !== 'netns.open')
      return [verdict(end ? { index: 9, peer: 2, alias, mac: hostMac, kind: 'veth', ...end } : 'ENODEV')]
    expect(ops).toEqual([
      { op: 'netns.open', as: 1, from: { path: pin } },
      { op: 'link.get', in: 1, index: 1 },
      { op: 'link.list', in: 1, kind: 'veth' },
    ])
    return opened ? [verdict(opened), skipped, skipped] : [verdict(undefined), verdict(lo), verdict(links)]
  }
  return { host: { kernel: { run } } as unknown as Host, namespace, asked }
}

/** How often the kernel is asked, and whether it is said to be another's. */
async function look(machine: Machine, known: object = {}) {
  const { host, namespace, asked } = worldOf(machine, known)
  const foreign = await isForeignPin(host, namespace)
  return { foreign, asked: asked.length, pinned: namespace.pinned }
}

test('a file that is made anew is another; where there is none, none', () => {
  const before = pinIdentity(pin)
  expect(before).toMatch(/^\d+ \d+ \d+$/)
  expect(pinIdentity(pin)).toBe(before)
  rmSync(pin)
  expect([pinIdentity(pin), pinIdentity(null)]).toEqual([null, null])
  writeFileSync(pin, '')
  expect(pinIdentity(pin)).not.toBe(before)
})

test('an anonymous one, and one that was seen there, are asked nothing', async () => {
  const { desired } = wanted({}, {}, null)
  expect(await look({}, { desired })).toMatchObject({ foreign: false, asked: 0 })
  const identity = pinIdentity(pin)
  expect(await look({}, { pinned: identity })).toEqual({ foreign: false, asked: 0, pinned: identity })
  expect(await look({}, { pinned: '1 2 3' })).toMatchObject({ foreign: true, pinned: '1 2 3' })
})

test.each(['ENOENT', 'EINVAL', 'ENOTDIR'])('no namespace is pinned there: %s', async opened => {
  expect(await look({ opened })).toEqual({ foreign: false, asked: 1, pinned: null })
  rmSync(pin)
  expect(await look({ opened })).toEqual({ foreign: false, asked: 1, pinned: null })
})

test('what may not be entered is another’s; what cannot be read is not decided', async () => {
  expect(await look({ opened: 'EPERM' })).toMatchObject({ foreign: true, asked: 1 })
  for (const machine of [{ opened: 'ENOMEM' }, { lo: 'ENOMEM' }, { links: 'ENOMEM' }])
    await expect(look(machine)).rejects.toMatchObject({ code: 'EGRESSD_KERNEL' })
})

test('who is about to enter it is told what is there instead', async () => {
  const told = async (machine: Machine) => {
    const { host, namespace } = worldOf(machine)
    expect(isKnownPin(namespace)).toBe(false)
    const fault = await pinFault(host, namespace)
    return [fault?.code, fault?.field, fault?.value, isKnownPin(namespace)]
  }
  expect(await told({ opened: 'ENOENT' })).toEqual(['EGRESSD_NOT_FOUND', 'namespace', 'ns0', false])
  expect(await told({})).toEqual(['EGRESSD_NAME_TAKEN', 'name', 'ns0', false])
  expect(await told({ lo: { alias, up: true } })).toEqual([undefined, undefined, undefined, true])
  rmSync(pin)
  expect(await told({ opened: 'ENOENT' })).toEqual(['EGRESSD_NOT_FOUND', 'namespace', 'ns0', false])
  expect(isKnownPin(worldOf({}, { desired: wanted({}, {}, null).desired }).namespace)).toBe(true)
})

test('one with our mark is ours, and known from then on', async () => {
  expect(await look({ lo: { alias, up: false } })).toEqual({ foreign: false, asked: 1, pinned: pinIdentity(pin) })
})

test('whose making came to nothing: as it was born it counts as ours', async () => {
  const unfinished = { unfinished: true }
  expect(await look({ lo: { alias: null, up: false } }, unfinished)).toMatchObject({ foreign: false, asked: 1 })
  expect(await look({ lo: { alias: null, up: false } })).toMatchObject({ foreign: true })
  expect(await look({ lo: { alias: null, up: true } }, unfinished)).toMatchObject({ foreign: true })
  expect(await look({ lo: { alias: 'mine', up: false } }, unfinished)).toMatchObject({ foreign: true })
})

test.each<[string, Machine, boolean]>([
  ['none', {}, true],
  ['one that leads there', { end: {}, links: [{ index: 2, peer: 9 }] }, false],
  [
    'one that leads there, among others',
    {
      end: {},
      links: [
        { index: 3, peer: 7 },
        { index: 2, peer: 9 },
      ],
    },
    false,
  ],
  ['one known by its MAC', { end: { alias: null }, links: [{ index: 2, peer: 9 }] }, false],
  ['one that leads elsewhere', { end: { peer: 5 }, links: [{ index: 2, peer: 9 }] }, true],
  ['one that another leads to', { end: {}, links: [{ index: 2, peer: 8 }] }, true],
  ['one that leads to nothing', { end: {}, links: [] }, true],
  ['a stranger’s', { end: { alias: 'mine', mac: '02:00:00:00:00:09' }, links: [{ index: 2, peer: 9 }] }, true],
  ['a stranger’s with our MAC', { end: { alias: 'mine', kind: 'dummy' }, links: [{ index: 2, peer: 9 }] }, true],
])('without our mark, by the end on the host: %s', async (_what, machine, foreign) => {
  expect(await look(machine)).toMatchObject({ foreign, pinned: foreign ? null : pinIdentity(pin) })
})
