import { describe, expect, test } from 'vitest'
import { Pool, type PoolOptions } from '../../src/ipam/pool.js'
import { FreedQueue } from '../../src/ipam/queue.js'
import { firstHost, lastHost, parseSubnet, type Subnet } from '../../src/spec/cidr.js'
import { formatIp, type Ip, parseIp } from '../../src/spec/ip.js'
import { fc } from '../helpers/random.js'

const subnet = (text: string) => parseSubnet(text) as Subnet
const ip = (text: string) => parseIp(text) as Ip
const pool = (text: string, options?: PoolOptions) => new Pool(subnet(text), options)
const take = (from: Pool, count: number, now = 0) => Array.from({ length: count }, () => formatIp(from.allocate(now)))
const gateway = { excluded: [ip('10.0.0.1')] }

describe('the order', () => {
  test('never-used addresses ascend, and leave out network, gateway and broadcast', () => {
    const it = pool('10.0.0.0/29', gateway)
    expect(it.capacity).toBe(5n)
    expect(take(it, 5)).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'])
    expect(() => it.allocate(0)).toThrow(
      expect.objectContaining({
        code: 'EGRESSD_ADDRESSES_EXHAUSTED',
        message: '10.0.0.0/29 has no free address: 5 in use',
        details: { subnet: '10.0.0.0/29', used: 5, quarantined: 0, retryInMs: null },
      }),
    )
  })

  test('then come those freed, oldest first, each after its quarantine', () => {
    const it = pool('10.0.0.0/29', { ...gateway, quarantineMs: 100 })
    take(it, 4)
    it.release(ip('10.0.0.4'), 10)
    it.release(ip('10.0.0.2'), 20)
    expect(take(it, 1, 1000)).toEqual(['10.0.0.6'])
    expect(() => it.allocate(109)).toThrow(
      expect.objectContaining({
        message: '10.0.0.0/29 has no free address: 3 in use, 2 in quarantine after use',
        details: expect.objectContaining({ retryInMs: 1 }),
      }),
    )
    expect(take(it, 1, 110)).toEqual(['10.0.0.4'])
    expect(take(it, 1, 120)).toEqual(['10.0.0.2'])
  })

  test('past `reuseAfter` freed ones, the oldest goes before one never used', () => {
    const it = pool('fd00::/64', { reuseAfter: 2, quarantineMs: 5 })
    take(it, 3)
    it.release(ip('fd00::2'), 0)
    expect(take(it, 1, 100)).toEqual(['fd00::4'])
    it.release(ip('fd00::1'), 90)
    expect(take(it, 2, 100)).toEqual(['fd00::2', 'fd00::5'])
    it.release(ip('fd00::3'), 99)
    expect(take(it, 2, 100)).toEqual(['fd00::1', 'fd00::6'])
    it.release(ip('fd00::4'), 100)
    expect(take(it, 1, 100)).toEqual(['fd00::7']) // both still rest
  })

  test('one that was given back unused comes next; one beyond those that were given out moves nothing', () => {
    const it = pool('10.0.0.0/29', gateway)
    take(it, 3)
    it.giveBack(ip('10.0.0.3'))
    expect(take(it, 2)).toEqual(['10.0.0.3', '10.0.0.5'])
    const other = pool('10.0.0.0/29', gateway)
    take(other, 1)
    other.reserve(ip('10.0.0.6'))
    other.giveBack(ip('10.0.0.6'))
    other.giveBack(ip('10.0.0.6'))
    expect(take(other, 4)).toEqual(['10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'])
  })

  test('a single one that rests is told, too', () => {
    const it = pool('10.0.0.0/30', gateway)
    const [only = ''] = take(it, 1)
    it.release(ip(only), 0)
    expect(() => it.allocate(1)).toThrow('10.0.0.0/30 has no free address: 0 in use, 1 in quarantine after use')
  })

  test('what rests does so once, and only what could be given out', () => {
    const it = pool('10.0.0.0/29', gateway)
    take(it, 1)
    for (const address of ['10.0.0.1', '10.0.0.0', '192.168.0.9', '10.0.0.2', '10.0.0.3', '10.0.0.3'])
      it.rest(ip(address), 7)
    expect(it.resting()).toEqual([{ ip: ip('10.0.0.3'), at: 7 }])
  })

  test('what could not be given out anyway is not left out a second time', () => {
    const excluded = ['10.0.0.0', '10.0.0.1', '10.0.0.7', '192.168.0.1', 'fd00::1'].map(ip)
    expect(pool('10.0.0.0/29', { excluded }).capacity).toBe(5n)
    expect(take(pool('10.0.0.0/29', { excluded }), 5)).toEqual(take(pool('10.0.0.0/29', gateway), 5))
  })

  test('a small subnet without network and broadcast address is used whole', () => {
    expect(take(pool('10.0.0.0/31', { excluded: [ip('10.0.0.0')] }), 1)).toEqual(['10.0.0.1'])
    expect(take(pool('fd00::/127'), 2)).toEqual(['fd00::', 'fd00::1'])
    expect(take(pool('10.0.0.7/32'), 1)).toEqual(['10.0.0.7'])
    expect(pool('10.0.0.8/30', gateway).capacity).toBe(2n) // an excluded address of elsewhere counts for nothing
  })
})

describe('a given address', () => {
  test('is taken once, and passed over by the others', () => {
    const it = pool('10.0.0.0/29', gateway)
    it.reserve(ip('10.0.0.3'))
    expect(it.isUsed(ip('10.0.0.3'))).toBe(true)
    expect(() => it.reserve(ip('10.0.0.3'))).toThrow(expect.objectContaining({ code: 'EGRESSD_ADDRESS_IN_USE' }))
    expect(take(it, 2)).toEqual(['10.0.0.2', '10.0.0.4'])
  })

  test('may be taken out of quarantine, and is not given to another then', () => {
    const it = pool('10.0.0.0/30', { quarantineMs: 100 })
    take(it, 2)
    it.release(ip('10.0.0.2'), 0)
    it.reserve(ip('10.0.0.2'))
    expect(() => it.allocate(1000)).toThrow(expect.objectContaining({ code: 'EGRESSD_ADDRESSES_EXHAUSTED' }))
  })

  test.each([
    ['10.0.1.1', 'EGRESSD_ADDRESS_OUTSIDE_SUBNET'],
    ['fd00::1', 'EGRESSD_ADDRESS_OUTSIDE_SUBNET'],
    ['10.0.0.0', 'EGRESSD_ADDRESS_RESERVED'],
    ['10.0.0.1', 'EGRESSD_ADDRESS_RESERVED'],
    ['10.0.0.255', 'EGRESSD_ADDRESS_RESERVED'],
  ])('%s is refused with %s', (text, code) => {
    expect(() => pool('10.0.0.0/24', gateway).reserve(ip(text))).toThrow(expect.objectContaining({ code, value: text }))
  })

  test('freed before its turn came, it does not come as never used', () => {
    const it = pool('10.0.0.0/29', { quarantineMs: 0 })
    it.reserve(ip('10.0.0.2'))
    expect(it.release(ip('10.0.0.2'), 0)).toBe(true)
    expect(it.release(ip('10.0.0.2'), 0)).toBe(false)
    expect(it.release(ip('fd00::2'), 0)).toBe(false)
    expect(take(it, 6)).toEqual(['10.0.0.1', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6', '10.0.0.2'])
  })
})

// The pool against the plainest thing that could do the same: a list of all addresses.
class Model {
  used = new Set<bigint>()
  freed: { value: bigint; at: number }[] = []
  fresh: bigint[] = []
  constructor(
    of: Subnet,
    readonly quarantineMs: number,
    readonly reuseAfter: number,
  ) {
    for (let value = firstHost(of); value <= lastHost(of); value++) this.fresh.push(value)
  }
  allocate(now: number): bigint | null {
    const ripe = this.freed[0] && this.freed[0].at + this.quarantineMs <= now
    const reuse = ripe && (this.freed.length >= this.reuseAfter || this.fresh.length === 0)
    const value = reuse ? this.freed.shift()?.value : this.fresh.shift()
    if (value === undefined) return null
    this.used.add(value)
    return value
  }
  reserve(value: bigint): boolean {
    if (this.used.has(value) || ![...this.fresh, ...this.freed.map(freed => freed.value)].includes(value)) return false
    this.fresh = this.fresh.filter(other => other !== value)
    this.freed = this.freed.filter(freed => freed.value !== value)
    this.used.add(value)
    return true
  }
  release(value: bigint, now: number): boolean {
    if (!this.used.delete(value)) return false
    this.freed.push({ value, at: now })
    return true
  }
}

const steps = fc.array(
  fc.record({
    // A third of the steps take a given address or give it back, across the whole subnet and a little beyond.
    act: fc.constantFrom('allocate', 'allocate', 'reserve', 'release', 'release', 'restore'),
    nth: fc.nat(20),
    wait: fc.nat(30),
  }),
  { maxLength: 120 },
)

test('it does what a list of all addresses would do, and one told of the same goes on as the first would', () => {
  const of = fc.constantFrom('10.0.0.0/28', '10.0.0.0/30', '10.0.0.0/31', 'fd00::/124', 'fd00::/126')
  fc.assert(
    fc.property(of, steps, fc.nat(60), fc.integer({ min: 1, max: 8 }), (text, list, quarantineMs, reuseAfter) => {
      const options = { quarantineMs, reuseAfter }
      const at = subnet(text)
      let real = new Pool(at, options)
      const model = new Model(at, quarantineMs, reuseAfter)
      let now = 0
      for (const { act, nth, wait } of list) {
        now += wait
        const address = { family: at.family, value: at.network + BigInt(nth) }
        const tried = (run: () => unknown) => {
          try {
            return run()
          } catch {
            return null
          }
        }
        if (act === 'allocate') expect(tried(() => real.allocate(now).value)).toBe(model.allocate(now))
        else if (act === 'reserve') {
          const good = tried(() => real.reserve(address) ?? true) === true
          expect(good).toBe(model.reserve(address.value))
        } else if (act === 'release') expect(real.release(address, now)).toBe(model.release(address.value, now))
        else {
          const next = new Pool(at, options)
          for (const value of model.used) next.reserve({ family: at.family, value })
          for (const { ip: freed, at: when } of real.resting()) next.rest(freed, when)
          real = next
        }
        expect(real.used).toBe(model.used.size)
      }
    }),
    { numRuns: 300 },
  )
})

test('the queue forgets what was taken out, however much went through', () => {
  const queue = new FreedQueue()
  for (let i = 0n; i < 1000n; i++) queue.push({ value: i, at: 0 })
  for (let i = 0n; i < 1000n; i++) if (i % 10n !== 3n) expect(queue.delete(i)).toBe(true)
  expect([queue.size, queue.oldest()?.value, queue.has(13n), queue.has(14n), queue.delete(14n)]).toEqual([
    100,
    3n,
    true,
    false,
    false,
  ])
  queue.push({ value: 14n, at: 9 })
  expect([...queue].map(freed => freed.value)).toEqual([
    ...Array.from({ length: 100 }, (_, i) => BigInt(i * 10 + 3)),
    14n,
  ])
})
