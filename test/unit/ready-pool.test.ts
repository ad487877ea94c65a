// What a pool of ready namespaces does, with a clock and a source that the test turns.
import { describe, expect, test } from 'vitest'
import { EgressError } from '../../src/errors.js'
import type { PoolInput } from '../../src/pool/options.js'
import { kernelRefusal, poolWorld, settle, watch } from '../helpers/pool-world.js'

/** A pool that has as many ready as it aims at. */
async function warm(input: PoolInput<number>) {
  const world = poolWorld(input)
  await settle()
  while (world.source.makes.length > 0) {
    world.source.made(Number.POSITIVE_INFINITY)
    await settle()
  }
  expect(world.pool.stats.ready).toBe(input.size)
  return world
}

describe('filling', () => {
  test('in chunks, so many at once, until the aim is reached', async () => {
    const { pool, source } = poolWorld({ size: 10, chunk: 4, concurrency: 2 })
    const ready = watch(pool.ready())
    await settle()
    expect(source.makes.map(({ count }) => count)).toEqual([4, 4])
    source.made(4)
    await settle()
    expect(source.makes.map(({ count }) => count)).toEqual([4, 2])
    expect(pool.stats).toMatchObject({ ready: 4, making: 6 })
    source.made(4)
    source.made(2)
    await settle()
    expect(source.makes).toEqual([])
    expect(ready.done).toBe(true)
    expect(pool.stats).toMatchObject({ ready: 10, making: 0, claimed: 0, lastError: null, retryInMs: null })
  })

  test('begins below `low`, and goes on up to `size`', async () => {
    const { pool, source } = await warm({ size: 4, low: 2 })
    for (let n = 0; n < 2; n++) {
      void pool.claim({})
      source.handed()
    }
    await settle()
    expect(source.makes).toEqual([])
    void pool.claim({})
    source.handed()
    await settle()
    expect(source.makes.map(({ count }) => count)).toEqual([3])
  })

  test('is whole at the start, after resize and for who waits for it, whatever `low` is', async () => {
    const { pool, source } = await warm({ size: 2, low: 0 })
    void pool.claim({})
    source.handed()
    await settle()
    expect(source.makes).toEqual([])
    const ready = watch(pool.ready())
    await settle()
    source.made(1)
    await settle()
    expect(ready.done).toBe(true)
    void pool.resize({ size: 5 })
    await settle()
    expect(source.makes.map(({ count }) => count)).toEqual([3])
  })

  test('lets claims in flight go first while there is enough', async () => {
    const { pool, source } = await warm({ size: 4 })
    void pool.claim({})
    await settle()
    expect(source.makes).toEqual([])
    source.handed()
    await settle()
    expect(source.makes.map(({ count }) => count)).toEqual([1])
    source.made(1)
    await settle()
    for (let n = 0; n < 3; n++) void pool.claim({})
    await settle()
    expect(source.makes.map(({ count }) => count)).toEqual([3])
  })

  test('never has more than `high`, the claimed and the dying among them', async () => {
    const { pool, source } = await warm({ size: 2, high: 3 })
    const first = pool.claim({})
    source.handed()
    await settle()
    source.made(1)
    await settle()
    void pool.claim({})
    source.handed()
    await settle()
    expect(source.makes).toEqual([])
    expect(pool.stats).toMatchObject({ ready: 1, claimed: 2 })
    await pool.ready() // as many as there can be
    void pool.release(await first)
    await settle()
    expect(source.makes).toEqual([])
    source.released()
    await settle()
    expect(source.makes.map(({ count }) => count)).toEqual([1])
  })
})

describe('claims', () => {
  test('oldest first, with the options handed on', async () => {
    const { pool, source } = await warm({ size: 2 })
    const claimed = pool.claim({ name: 'one' })
    expect(source.claims[0]?.options).toEqual({ name: 'one' })
    source.handed()
    expect(await claimed).toEqual({ item: 1 })
    expect(pool.stats).toMatchObject({ claims: 1, misses: 0, claimed: 1 })
  })

  test('of an empty pool wait in order, and are served as they come', async () => {
    const { pool, source } = poolWorld({ size: 0, concurrency: 1 })
    const claims = ['a', 'b', 'c'].map(name => watch(pool.claim({ name })))
    expect(pool.stats).toMatchObject({ waiting: 3, claims: 3, misses: 3 })
    await settle()
    expect(source.makes.map(({ count }) => count)).toEqual([3])
    source.made(2)
    await settle()
    expect(source.claims.map(({ options }) => options.name)).toEqual(['a', 'b'])
    source.handed()
    source.handed()
    source.made(1)
    await settle()
    source.handed()
    await settle()
    expect(claims.map(({ value }) => value)).toEqual([{ item: 1 }, { item: 2 }, { item: 3 }])
    expect(pool.stats).toMatchObject({ waiting: 0, claimed: 3, ready: 0 })
  })

  test('give up at their deadline, and say why', async () => {
    const { pool, source, clock } = await warm({ size: 1, high: 1, claimTimeoutMs: 500 })
    void pool.claim({})
    source.handed()
    await settle()
    const [patient, hasty] = [watch(pool.claim({})), watch(pool.claim({ timeoutMs: 100 }))]
    await clock.advance(499)
    expect(hasty.error).toMatchObject({
      code: 'EGRESSD_TIMEOUT',
      message: 'no namespace was ready within 100 ms: all 1 are claimed',
      details: { timeoutMs: 100, claimed: 1, high: 1 },
    })
    expect(patient.done).toBe(false)
    await clock.advance(1)
    expect(patient.error).toMatchObject({ code: 'EGRESSD_TIMEOUT' })
    expect(pool.stats.waiting).toBe(0)
    await expect(pool.claim({ timeoutMs: Number.NaN })).rejects.toMatchObject({
      code: 'EGRESSD_INVALID_SPEC',
      field: 'timeoutMs',
    })
  })

  test('end with the reason of their signal, and leave their place', async () => {
    const { pool, source, clock } = poolWorld({ size: 0, concurrency: 1 })
    const controller = new AbortController()
    const [first, second] = [watch(pool.claim({ signal: controller.signal })), watch(pool.claim({}))]
    controller.abort('enough')
    await settle()
    expect(first.error).toBe('enough')
    source.made(1)
    await settle()
    source.handed()
    await settle()
    expect(second.value).toEqual({ item: 1 })
    expect(clock.timers).toBe(0)
    await expect(pool.claim({ signal: AbortSignal.abort('early') })).rejects.toBe('early')
  })

  test('only so many wait', async () => {
    const { pool } = poolWorld({ size: 0, maxWaiting: 1 })
    void pool.claim({}).catch(() => {})
    await expect(pool.claim({})).rejects.toMatchObject({
      code: 'EGRESSD_POOL_EXHAUSTED',
      details: { maxWaiting: 1 },
      message: 'the pool has nothing ready, and 1 claims wait already',
    })
  })

  test('that are refused leave the item for others, unless it is spoilt', async () => {
    const { pool, source, warnings } = await warm({ size: 1, high: 1 })
    const taken = watch(pool.claim({ name: 'taken' }))
    source.refused(new EgressError('EGRESSD_NAME_TAKEN'))
    await settle()
    expect(taken.error).toMatchObject({ code: 'EGRESSD_NAME_TAKEN' })
    expect(pool.stats).toMatchObject({ ready: 1, destroyed: 0 })
    const spoilt = watch(pool.claim({}))
    source.refused(new EgressError('EGRESSD_KERNEL', 'half', { details: { spoilt: true } }))
    await settle()
    expect(spoilt.error).toMatchObject({ message: 'half' })
    expect(source.destroys.map(({ items }) => items)).toEqual([[1]])
    expect(pool.stats).toMatchObject({ ready: 0, destroyed: 1, refusals: 1 })
    expect(warnings).toHaveLength(1)
    expect(source.makes).toEqual([]) // it is there until it is gone
    source.destroyed()
    await settle()
    expect(source.makes.map(({ count }) => count)).toEqual([1])
  })
})

describe('release', () => {
  test('destroys; twice is once; strangers are refused; what failed may be tried again', async () => {
    const { pool, source } = await warm({ size: 1, high: 1 })
    const claim = pool.claim({})
    source.handed()
    const claimed = await claim
    const failing = watch(pool.release(claimed))
    source.released(new Error('busy'))
    await settle()
    expect(failing.error).toMatchObject({ message: 'busy' })
    expect(pool.stats).toMatchObject({ claimed: 1, destroyed: 0 })
    const [once, twice] = [pool.release(claimed), pool.release(claimed)]
    expect(once).toBe(twice)
    source.released()
    await once
    expect(pool.stats).toMatchObject({ claimed: 0, destroyed: 1 })
    await expect(pool.release({ item: 9 })).rejects.toMatchObject({ code: 'EGRESSD_NOT_FOUND' })
  })

  test('one that its user destroyed is forgotten', async () => {
    const { pool, source } = await warm({ size: 1, high: 1 })
    const claim = pool.claim({})
    source.handed()
    const claimed = await claim
    pool.forget(claimed)
    await settle()
    expect(pool.stats.claimed).toBe(0)
    expect(source.makes.map(({ count }) => count)).toEqual([1])
    await pool.release(claimed)
    expect(source.releases).toEqual([])
  })

  test('recycles what the source found as fresh, prepared anew', async () => {
    const prepared: number[] = []
    const { pool, source } = await warm({
      size: 2,
      low: 2,
      high: 2,
      recycle: 'trusted',
      prepare: item => prepared.push(item),
    })
    const claims = [pool.claim({}), pool.claim({})]
    source.handed()
    source.handed()
    const [one, other] = await Promise.all(claims)
    const releases = [one, other].map(claimed => pool.release(claimed as { item: number }))
    expect(pool.stats).toMatchObject({ claimed: 0, making: 2 })
    source.recycled(true)
    source.recycled(false)
    await Promise.all(releases)
    expect(prepared).toEqual([1, 2, 1])
    expect(pool.stats).toMatchObject({ ready: 1, recycled: 1, destroyed: 1, making: 1 })
    expect(source.makes.map(({ count }) => count)).toEqual([1])
  })

  test('leaves room for those that come back, where it recycles', async () => {
    const { pool, source } = await warm({ size: 6, recycle: 'trusted' })
    expect(pool.sizes.low).toBe(3)
    const claims = Array.from({ length: 5 }, () => pool.claim({}))
    while (source.claims.length > 0) source.handed()
    const claimed = await Promise.all(claims)
    await settle()
    expect(source.makes.map(({ count }) => count)).toEqual([2])
    source.made(2)
    await settle()
    await pool.ready()
    expect(pool.stats).toMatchObject({ ready: 3, claimed: 5 })
    const releases = claimed.map(one => pool.release(one))
    expect([source.recycles.length, source.releases.length]).toEqual([3, 2])
    while (source.recycles.length > 0) source.recycled(true)
    while (source.releases.length > 0) source.released()
    await Promise.all(releases)
    await settle()
    expect(pool.stats).toMatchObject({ ready: 6, claimed: 0, making: 0, recycled: 3, destroyed: 2 })
  })

  test('recycles nothing that is not wanted', async () => {
    const { pool, source } = await warm({ size: 1, recycle: 'trusted' })
    const claim = pool.claim({})
    source.handed()
    const claimed = await claim
    await settle()
    source.made(1)
    await settle()
    void pool.release(claimed)
    expect([source.recycles.length, source.releases.length]).toEqual([0, 1])
  })
})

describe('refusals', () => {
  test('are tried again after twice the time each, up to a cap, one at a time', async () => {
    const { pool, source, clock, warnings } = poolWorld({ size: 20, chunk: 4 })
    await settle()
    source.made(1, kernelRefusal())
    source.made(0, kernelRefusal()) // under way together: they count as one
    await settle()
    expect(pool.stats).toMatchObject({ ready: 1, refusals: 2, retryInMs: 50, lastError: { code: 'EGRESSD_KERNEL' } })
    for (const delay of [50, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]) {
      await clock.advance(delay - 1)
      expect(source.makes).toEqual([])
      await clock.advance(1)
      await settle()
      expect(source.makes.map(({ count }) => count)).toEqual([1])
      source.made(0, kernelRefusal('EMFILE', 24))
      await settle()
    }
    expect(warnings.at(-1)).toMatchObject({ retryInMs: 10_000, refusals: 12, error: { fault: { errno: 'EMFILE' } } })
    await clock.advance(10_000)
    source.made(1)
    await settle()
    expect(pool.stats).toMatchObject({ ready: 2, refusals: 12, retryInMs: null, lastError: null })
    expect(source.makes.map(({ count }) => count)).toEqual([4, 4])
  })

  test('end claims that would wait in vain, with what the kernel said; the patient wait', async () => {
    const { pool, source, clock } = poolWorld({ size: 0, concurrency: 1 })
    const [hasty, patient] = [watch(pool.claim({ timeoutMs: 40 })), watch(pool.claim({ timeoutMs: 5_000 }))]
    await settle()
    source.made(0, kernelRefusal())
    await settle()
    expect(hasty.error).toMatchObject({ code: 'EGRESSD_KERNEL', fault: { errno: 'ENOSPC' } })
    await expect(pool.claim({ timeoutMs: 49 })).rejects.toMatchObject({ fault: { errno: 'ENOSPC' } })
    expect(patient.done).toBe(false)
    await clock.advance(50)
    source.made(1)
    await settle()
    source.handed()
    await settle()
    expect(patient.value).toEqual({ item: 1 })
  })

  test('a source that rejects all the same is tried again', async () => {
    const { pool, source, clock } = poolWorld({ size: 1 })
    await settle()
    source.makes.pop()?.refuse(new Error('broken'))
    await settle()
    expect(pool.stats).toMatchObject({ making: 0, refusals: 1, lastError: { message: 'broken' } })
    await clock.advance(50)
    expect(source.makes).toHaveLength(1)
  })

  test('a source that makes nothing without a reason is not asked in a circle', async () => {
    const { pool, source, clock } = poolWorld({ size: 1 })
    await settle()
    source.made(0)
    await settle()
    expect(source.makes).toEqual([])
    expect(pool.stats).toMatchObject({ refusals: 0, lastError: null })
    await clock.advance(50)
    expect(source.makes).toHaveLength(1)
  })
})

describe('prepare', () => {
  test('that fails destroys that one, and counts as a refusal', async () => {
    const fault = new Error('no route')
    const { pool, source, clock } = poolWorld({
      size: 2,
      prepare: async item => {
        if (item === 1) throw fault
      },
    })
    await settle()
    source.made(2)
    await settle()
    expect(pool.stats).toMatchObject({
      ready: 1,
      refusals: 1,
      destroyed: 1,
      retryInMs: 50,
      lastError: { code: 'EGRESSD_PREPARE_FAILED', message: 'prepare: no route', cause: fault },
    })
    expect(source.destroys.map(({ items }) => items)).toEqual([[1]])
    source.destroyed()
    await settle()
    await clock.advance(50)
    expect(source.makes.map(({ count }) => count)).toEqual([1])
  })

  test('that takes too long is given up, whether it minds its signal or not', async () => {
    let reason: unknown
    const prepare = (_item: number, { signal }: { signal: AbortSignal }) => {
      signal.addEventListener('abort', () => {
        reason = signal.reason
      })
      return new Promise(() => {})
    }
    const { pool, source, clock } = poolWorld({ size: 1, prepare, prepareTimeoutMs: 100 })
    await settle()
    source.made(1)
    await settle()
    await clock.advance(100)
    expect(reason).toMatchObject({ code: 'EGRESSD_TIMEOUT', message: 'prepare: it took longer than 100 ms' })
    expect(pool.stats).toMatchObject({ lastError: { code: 'EGRESSD_TIMEOUT' }, destroyed: 1 })
  })
})

describe('resize', () => {
  test('up makes more, down destroys what is too many', async () => {
    const { pool, source } = await warm({ size: 2 })
    void pool.resize({ size: 4 })
    await settle()
    expect(pool.sizes).toEqual({ size: 4, low: 4, high: null })
    source.made(2)
    await settle()
    const down = watch(pool.resize({ size: 1, low: 0 }))
    expect(source.destroys.map(({ items }) => items)).toEqual([[1, 2, 3]])
    expect(pool.stats).toMatchObject({ ready: 1, destroyed: 3 })
    expect(down.done).toBe(false)
    source.destroyed()
    await settle()
    expect(down.done).toBe(true)
    await expect(pool.resize({ high: 0 })).rejects.toMatchObject({ field: 'high' })
    await expect(pool.resize({ low: 2 })).rejects.toMatchObject({
      field: 'low',
      message: 'low: 2 makes "low" (2) more than "size" (1)',
    })
  })

  test('what comes late after it is destroyed', async () => {
    const { pool, source } = poolWorld({ size: 4 })
    await settle()
    void pool.resize({ size: 1 })
    source.made(4)
    await settle()
    expect(pool.stats).toMatchObject({ ready: 1, destroyed: 3 })
  })
})

describe('lost: destroyed by somebody before it was claimed', () => {
  test('one that is ready is not handed out, and another is made', async () => {
    const { pool, source } = await warm({ size: 2 })
    const [first, second] = source.at('fresh') as [number, number]
    source.places.set(first, 'gone')
    pool.lost(first)
    await settle()
    expect(pool.stats).toMatchObject({ ready: 1, making: 1 })
    void pool.claim({})
    expect(source.handed()).toBe(second)
  })

  test('one that is gone while it is made ready, or handed out, is not ready afterwards', async () => {
    const { pool, source } = await warm({ size: 1 })
    const claim = watch(pool.claim({}))
    const [item] = source.at('handing')
    source.refused(kernelRefusal('EBADF', 9))
    source.places.set(item as number, 'gone')
    await settle()
    expect(claim.error).toMatchObject({ code: 'EGRESSD_KERNEL' })
    expect(pool.stats).toMatchObject({ ready: 0, making: 1 })

    let prepared = () => {}
    const other = poolWorld({ size: 1, prepare: () => new Promise<void>(resolve => (prepared = resolve)) })
    await settle()
    const [made] = other.source.made(1)
    await settle()
    other.source.places.set(made as number, 'gone')
    other.pool.lost(made as number)
    prepared()
    await settle()
    expect(other.pool.stats).toMatchObject({ ready: 0, making: 1, destroyed: 0 })
  })

  test('one that is about to go is left out', async () => {
    const { pool, source } = await warm({ size: 2 })
    const [first, second] = source.at('fresh') as [number, number]
    source.places.set(first, 'gone')
    void pool.claim({})
    expect(source.handed()).toBe(second)
  })
})

describe('close', () => {
  test('in the middle of a refill: what comes late is destroyed, who waits is told, claimed ones stay', async () => {
    const { pool, source, clock } = await warm({ size: 2, concurrency: 2, chunk: 1 })
    const claim = pool.claim({})
    source.handed()
    const claimed = await claim
    const handing = watch(pool.claim({}))
    const waiting = watch(pool.claim({}))
    const ready = watch(pool.ready())
    await settle()
    expect(source.makes).toHaveLength(2)
    const closed = watch(pool.close())
    expect(pool.close()).toBe(pool.close())
    await settle()
    expect(waiting.error).toMatchObject({ code: 'EGRESSD_CLOSED' })
    expect(ready.error).toMatchObject({ code: 'EGRESSD_CLOSED' })
    expect(source.makes.every(({ signal }) => signal.aborted)).toBe(true)
    source.made(1)
    source.made(0, kernelRefusal())
    await settle()
    expect(pool.stats).toMatchObject({ refusals: 0, ready: 0 })
    expect(source.destroys).toHaveLength(1)
    source.destroyed()
    await settle()
    expect(closed.done).toBe(false) // one is being handed out
    source.handed()
    await settle()
    expect(handing.done).toBe(true)
    expect(closed.done).toBe(true)
    expect(source.at('claimed')).toHaveLength(2)
    expect(clock.timers).toBe(0)
    await expect(pool.claim({})).rejects.toMatchObject({ code: 'EGRESSD_CLOSED' })
    await expect(pool.ready()).rejects.toMatchObject({ code: 'EGRESSD_CLOSED' })
    const released = pool.release(claimed)
    source.released()
    await released
  })

  test('does not wait for a prepare', async () => {
    const { pool, source } = poolWorld({ size: 1, prepare: () => new Promise(() => {}) })
    await settle()
    source.made(1)
    await settle()
    const closed = watch(pool[Symbol.asyncDispose]())
    await settle()
    source.destroyed()
    await settle()
    expect(closed.done).toBe(true)
    expect(pool.stats).toMatchObject({ refusals: 0, lastError: null })
  })
})

test.each([
  [{ size: -1 }, 'size', 'size: -1 is not a whole number from 0 to 1000000'],
  [{}, 'size', 'size: is missing'],
  [{ size: 2, low: 3 }, 'low', 'low: 3 makes "low" (3) more than "size" (2)'],
  [{ size: 2, high: 1 }, 'high', 'high: 1 makes "size" (2) more than "high" (1)'],
  [{ size: 2, prepare: 'x' }, 'prepare', 'prepare: "x" is not a function'],
  [{ size: 2, recycle: true }, 'recycle', 'recycle: true is neither "never" nor "trusted"'],
  [{ size: 2, claimTimeoutMs: 0 }, 'claimTimeoutMs', 'claimTimeoutMs: 0 is not a whole number from 1 to 2147483647'],
  [{ size: 2, aim: 0 }, 'aim', 'aim: 0 is given, but there is no such field'],
])('the input %j is refused', (input, field, message) => {
  expect(() => poolWorld(input as never)).toThrow(expect.objectContaining({ field, message }))
})
