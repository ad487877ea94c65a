// The address book with its file: restarted at any step, it goes on as one that was never stopped.
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AddressBook } from '../../src/ipam/addresses.js'
import { parseNetwork } from '../../src/spec/network.js'
import { LeaseFile } from '../../src/state/leases.js'
import { fc } from '../helpers/random.js'

const { subnets } = parseNetwork({ name: 'br0', subnets: ['10.0.0.0/29', 'fd00::/125'] })
const four = subnets.slice(0, 1)
const quarantineMs = 100

let directory = ''
let path = ''
let now = 0
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'egressd-leases-'))
  path = join(directory, 'br0')
  now = 1000
})
afterEach(() => rmSync(directory, { recursive: true }))

const open = (of = subnets) => {
  const log = new LeaseFile(path)
  return new AddressBook(of, { now: () => now, quarantineMs, log, leases: log.read() })
}
const texts = (addresses: { address: string }[]) => addresses.map(({ address }) => address)
const exhausted = (retryInMs: number | null) =>
  expect.objectContaining({
    code: 'EGRESSD_ADDRESSES_EXHAUSTED',
    details: expect.objectContaining({ retryInMs }),
  })

test('a restart keeps the order in which addresses were freed, and how long each still rests', () => {
  const book = open(four)
  const taken = Array.from({ length: 5 }, () => book.take([]))
  for (const i of [3, 1, 4]) {
    now += 10
    book.release(taken[i] ?? [])
  }
  now += 60
  const again = open(four)
  again.reserve([...(taken[0] ?? []), ...(taken[2] ?? [])])
  expect(() => again.take([])).toThrow(exhausted(20))
  now += 20
  expect(texts(again.take([]))).toEqual(['10.0.0.5'])
  expect(() => again.take([])).toThrow(exhausted(10))
  now += 20
  expect(texts([...again.take([]), ...again.take([])])).toEqual(['10.0.0.3', '10.0.0.6'])
  expect(() => again.take([])).toThrow(exhausted(null))
})

test('both families of a dual stack rest', () => {
  const book = open()
  const first = book.take([])
  expect(texts(first)).toEqual(['10.0.0.2', 'fd00::2'])
  book.release(first)
  expect(readFileSync(path, 'utf8')).toBe('10.0.0.2 freed 1000\nfd00::2 freed 1000\n')
  expect(texts(open().take([]))).toEqual(['10.0.0.3', 'fd00::3'])
})

test('what a namespace without a record had rests from the next start on, unless it was never used', () => {
  const book = open(four)
  expect(texts(book.take([], { unrecorded: true }))).toEqual(['10.0.0.2'])
  book.giveBack(book.take([], { unrecorded: true }))
  now += 500
  const again = open(four)
  expect(again.resting()).toEqual(['10.0.0.2'])
  expect(texts(again.take([]))).toEqual(['10.0.0.3'])
})

describe('a clock that jumps', () => {
  test.each([
    ['forward: what rested long enough may be had', 1_000_000, 0],
    ['back: it rests from now on, not for ever', -900, quarantineMs],
  ])('%s', (_what, jump, wait) => {
    const book = open(four)
    const taken = Array.from({ length: 5 }, () => book.take([]))
    book.release(taken.flat())
    now += jump
    const again = open(four)
    if (wait > 0) expect(() => again.take([])).toThrow(exhausted(wait))
    now += wait
    expect(texts(again.take([]))).toEqual(['10.0.0.2'])
  })
})

test('the record goes after the lease is written down, and before the address may be had', () => {
  const book = open(four)
  const taken = book.take([])
  let seen = ''
  book.release(taken, () => {
    seen = readFileSync(path, 'utf8')
    expect(() => book.reserve(taken)).toThrow(expect.objectContaining({ code: 'EGRESSD_ADDRESS_IN_USE' }))
  })
  expect(seen).toBe('10.0.0.2 freed 1000\n')
  book.reserve(taken)
})

test('a record that is not to be removed keeps the address', () => {
  const book = open(four)
  const taken = book.take([])
  expect(() =>
    book.release(taken, () => {
      throw new Error('no')
    }),
  ).toThrow('no')
  expect(() => book.reserve(taken)).toThrow(expect.objectContaining({ code: 'EGRESSD_ADDRESS_IN_USE' }))
})

test('a network with other subnets keeps what rests in them', () => {
  const book = open(four)
  book.release(book.take([]))
  const { subnets: wider } = parseNetwork({ name: 'br0', subnets: ['10.0.0.0/24'] })
  expect(texts(book.moved(wider).take([]))).toEqual(['10.0.0.3'])
  const { subnets: other } = parseNetwork({ name: 'br0', subnets: ['10.1.0.0/24'] })
  expect(book.moved(other).resting()).toEqual([])
})

describe('the file', () => {
  test('torn at any byte, has the lines before', () => {
    const whole = '10.0.0.2 freed 10\n10.0.0.3 taken\n10.0.0.2 taken\n10.0.0.2 freed 30\n10.0.0.3 unused\n'
    for (let size = 0; size <= whole.length; size++) {
      writeFileSync(path, whole.slice(0, size))
      const lines = whole.slice(0, size).split('\n').length - 1
      const expected = [
        [],
        ['10.0.0.2 10'],
        ['10.0.0.2 10', '10.0.0.3 null'],
        ['10.0.0.3 null', '10.0.0.2 null'],
        ['10.0.0.3 null', '10.0.0.2 30'],
        ['10.0.0.2 30'],
      ][lines]
      const read = () => new LeaseFile(path).read().map(({ address, freedAt }) => `${address} ${freedAt}`)
      expect(read()).toEqual(expected)
      // What is appended then does not run into what is torn.
      new LeaseFile(path).append([{ address: '10.0.0.4', freedAt: 40 }], () => [])
      expect(read()).toEqual([...(expected ?? []), '10.0.0.4 40'])
    }
  })

  test.each(['nonsense\n', '10.0.0.2 freed\n', '10.0.0.2 freed x\n', '10.0.0.300 taken\n', '\n'])(
    '%j is refused',
    text => {
      writeFileSync(path, text)
      expect(() => new LeaseFile(path).read()).toThrow(expect.objectContaining({ code: 'EGRESSD_STATE_INVALID' }))
    },
  )

  test('stays small, however often an address goes round', () => {
    const book = open(four)
    const [spare] = [book.take([])]
    for (let i = 0; i < 10_000; i++) {
      now += quarantineMs
      book.release(book.take([]))
    }
    book.release(spare)
    expect(statSync(path).size).toBeLessThan(40_000)
    expect(open(four).resting()).toEqual(book.resting())
    expect(existsSync(`${path}.new`)).toBe(false)
  })

  test('is not walked through for each address that is given back, however many rest', () => {
    const log = new LeaseFile(path)
    const all: { address: string; freedAt: number }[] = []
    let walks = 0
    for (let i = 0; i < 20_000; i++) {
      const lease = { address: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, freedAt: i }
      log.append([lease], () => {
        walks++
        return [...all]
      })
      all.push(lease)
    }
    expect(walks).toBeLessThanOrEqual(5)
    expect(new LeaseFile(path).read()).toEqual(all)
  })

  test('that cannot be written is a typed error, and changes nothing', () => {
    const book = open(four)
    const taken = book.take([])
    rmSync(directory, { recursive: true })
    expect(() => book.release(taken)).toThrow(expect.objectContaining({ code: 'EGRESSD_STATE_WRITE_FAILED' }))
    expect(() => book.take([], { unrecorded: true })).toThrow(
      expect.objectContaining({ code: 'EGRESSD_STATE_WRITE_FAILED' }),
    )
    directory = mkdtempSync(join(tmpdir(), 'egressd-leases-'))
  })
})

const steps = fc.array(
  fc.record({
    act: fc.constantFrom('take', 'take', 'take unrecorded', 'release', 'release', 'fail', 'restart', 'kill'),
    nth: fc.nat(7),
    wait: fc.nat(60),
    torn: fc.nat(12),
  }),
  { maxLength: 60 },
)

test('whatever happens, one that is restarted gives what one that is not would', () => {
  fc.assert(
    fc.property(steps, list => {
      rmSync(path, { force: true })
      now = 1000
      let book = open(four)
      // The plainest thing that could do the same. Recorded namespaces outlive the process, the others do not.
      const recorded: string[] = []
      const unrecorded: string[] = []
      let freed: { address: string; at: number }[] = []
      const failed = new Map<string, number>()
      const all = ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6']
      const model = () => {
        const fresh = all.find(a => ![...recorded, ...unrecorded, ...freed.map(f => f.address)].includes(a))
        const [oldest] = freed
        return fresh ?? (oldest && oldest.at + quarantineMs <= now ? oldest.address : null)
      }
      const take = (options?: { unrecorded: boolean }) => {
        try {
          return book.take([], options).map(({ address }) => address)[0] ?? null
        } catch {
          return null
        }
      }
      for (const { act, nth, wait, torn } of list) {
        now += wait
        if (act.startsWith('take')) {
          const wanted = model()
          expect(take(act === 'take' ? undefined : { unrecorded: true })).toBe(wanted)
          if (wanted) (act === 'take' ? recorded : unrecorded).push(wanted)
          freed = freed.filter(({ address }) => address !== wanted)
          if (wanted) failed.delete(wanted)
        } else if (act === 'release') {
          const held = [...recorded, ...unrecorded]
          const address = held[nth % Math.max(1, held.length)]
          if (!address) continue
          book.release([{ address }])
          for (const names of [recorded, unrecorded])
            if (names.includes(address)) names.splice(names.indexOf(address), 1)
          freed.push({ address, at: now })
        } else if (act === 'fail') {
          // Of one that never came to be nothing is remembered, but, after a restart, the rest it had before.
          const address = take()
          if (address === null) continue
          book.giveBack([{ address }])
          const rested = freed.find(other => other.address === address)
          if (rested) failed.set(address, rested.at)
          freed = freed.filter(other => other !== rested)
        } else {
          // Whoever is killed while writing leaves part of a line.
          if (act === 'kill') appendFileSync(path, '10.0.0.2 freed 99'.slice(0, torn))
          book = open(four)
          book.reserve(recorded.map(address => ({ address })))
          for (const address of unrecorded.splice(0)) freed.push({ address, at: now })
          const rests = book.resting()
          expect(rests.filter(address => !failed.has(address))).toEqual(freed.map(({ address }) => address))
          freed = rests.map(
            address => freed.find(other => other.address === address) ?? { address, at: failed.get(address) as number },
          )
          failed.clear()
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('what rests is in the order of time, whatever that of the file is', () => {
  writeFileSync(path, '10.0.0.5 freed 990\n10.0.0.3 freed 910\n10.0.0.4 freed 950\n')
  expect(open(four).resting()).toEqual(['10.0.0.3', '10.0.0.4', '10.0.0.5'])
})

test('of two families the one that is kept stays, and the one that is asked for is taken', () => {
  const book = open()
  const kept = book.take([]).filter(({ family }) => family === 6)
  const asked = [{ family: 4 as const, address: '10.0.0.6', prefix: 29 }]
  expect(texts(book.complete(kept, asked))).toEqual(['10.0.0.6', kept[0]?.address])
  expect(texts(book.complete(kept, []))).toEqual(['10.0.0.3', kept[0]?.address])
})

test('where nothing is to be written down, nothing is', () => {
  let appended = 0
  const log = { append: () => void appended++ }
  const book = new AddressBook(four, { now: () => now, quarantineMs, log })
  const taken = book.take([])
  book.giveBack(taken)
  book.release([{ address: '172.16.0.1' }])
  expect(appended).toBe(0)
  book.release(book.take([]))
  expect(appended).toBe(1)
})
