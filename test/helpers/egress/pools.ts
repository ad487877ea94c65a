import { describe, expect, test } from 'vitest'
import { addressesOf, type Kind, linksOf, namesOf, poolName, refusal, type Subject, thrown } from './subject.js'

async function poolOf({ api }: Subject) {
  const pool = await api.findPool(poolName)
  if (!pool) throw new Error('there is no pool')
  return pool
}

/** Waits for a state that comes by itself. */
async function until(reached: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 30_000
  while (!(await reached())) {
    if (performance.now() > end) throw new Error('it never came')
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

export function pools({ real, open }: Kind): void {
  describe('pools', () => {
    test('are found; what is claimed is a namespace like others, and is released', async () => {
      await using subject = await open({ pool: { size: 2 } })
      const { api } = subject
      expect(namesOf(await api.listPools())).toEqual([poolName])
      expect(await api.findPool('none')).toBe(null)
      const pool = await poolOf(subject)
      expect(pool.network).toBe('br0')
      await until(async () => (await pool.readStats()).ready === 2)
      const named = await pool.claim({ name: 'job-1', labels: { queue: 'builds', of: 'us' } })
      const plain = await pool.claim()
      expect(named).toMatchObject({ name: 'job-1', network: 'br0', anonymous: false, labels: { queue: 'builds' } })
      expect(plain).toMatchObject({ anonymous: true, path: null, labels: {} })
      if (real) {
        expect(addressesOf(linksOf(subject, named), named.interface)?.[0]).toBe(`${named.addresses[0]}/16`)
        expect((await named.ping('8.8.8.8'))[0]?.result).toBe('reply')
        expect((await plain.ping('8.8.8.8'))[0]?.result).toBe('reply')
      }
      const labelled = (labels: Record<string, string>) => api.listNamespaces({ labels })
      expect(namesOf(await labelled({ queue: 'builds' }))).toEqual(['job-1'])
      expect(namesOf(await labelled({ queue: 'builds', of: 'us' }))).toEqual(['job-1'])
      expect(await labelled({ queue: 'builds', of: 'them' })).toEqual([])
      expect(await api.listNamespaces({ network: 'br0', labels: { queue: 'x' } })).toEqual([])
      expect(await pool.readStats()).toMatchObject({ claimed: 2, claims: 2, refusals: 0, lastError: null })
      await pool.release(named)
      await pool.release(plain)
      expect(await api.findNamespace('job-1')).toBe(null)
      await pool.release(named)
      const own = await (await api.findNetwork('br0'))?.create({ name: 'own' })
      if (own) expect(await refusal(pool.release(own))).toMatchObject({ code: 'EGRESSD_NOT_FOUND' })
      expect(namesOf(await api.listNamespaces()).filter(name => !name.startsWith('anonymous'))).toEqual(['own'])
      await until(async () => (await pool.readStats()).destroyed === 2)
      expect((await pool.readStats()).claimed).toBe(0)
    })

    test('whatever labels are called, what has them is found by them', async () => {
      await using subject = await open({ pool: { size: 1 } })
      const { api } = subject
      const pool = await poolOf(subject)
      for (const labels of [
        { 'a=b': 'c=d' },
        { '': 'none' },
        { 'a\nb': '' },
        { é: 'ü', '&?#%': '+ ' },
        JSON.parse('{"__proto__":"own"}'),
        { constructor: 'x', toString: 'y' },
        { a: '\ud800' },
      ]) {
        const claimed = await pool.claim({ labels })
        expect(Object.entries(claimed.labels)).toEqual(Object.entries(labels))
        expect((await api.listNamespaces({ labels })).map(({ id }) => id)).toEqual([claimed.id])
        await pool.release(claimed)
        expect(await api.listNamespaces({ labels })).toEqual([])
      }
      // It would be all that have no such label.
      for (const value of [undefined, null, 5])
        expect(await refusal(api.listNamespaces({ labels: { a: value as never } }))).toMatchObject({
          code: 'EGRESSD_INVALID_SPEC',
          field: 'labels.a',
        })
    })

    test('refuse what cannot be, and keep what is ready', async () => {
      await using subject = await open({ pool: { size: 2 } })
      const pool = await poolOf(subject)
      await (await subject.api.findNetwork('br0'))?.create({ name: 'there' })
      await until(async () => (await pool.readStats()).ready === 2)
      for (const [claim, code, field] of [
        [{ name: 'there' }, 'EGRESSD_NAME_TAKEN', 'name'],
        [{ name: 'bad name' }, 'EGRESSD_INVALID_NAME', 'name'],
        [{ name: 'x', labels: { a: 1 as never } }, 'EGRESSD_INVALID_SPEC', 'labels.a'],
        [{ timeoutMs: 0 }, 'EGRESSD_INVALID_SPEC', 'timeoutMs'],
        [{ timeoutMs: Number.NaN }, 'EGRESSD_INVALID_SPEC', 'timeoutMs'],
        [{ timeoutMs: 2 ** 31 }, 'EGRESSD_INVALID_SPEC', 'timeoutMs'],
        [{ nmae: 'x' } as object, 'EGRESSD_INVALID_SPEC', 'nmae'],
      ] as const)
        expect(await refusal(pool.claim(claim))).toMatchObject({ code, field })
      expect(await pool.readStats()).toMatchObject({ ready: 2, claimed: 0 })
    })

    test('a claim waits for its turn, until its time is up, or its signal comes', async () => {
      await using subject = await open({ pool: { size: 1, high: 1, maxWaiting: 2 } })
      const pool = await poolOf(subject)
      const only = await pool.claim({ name: 'only' })
      expect(await refusal(pool.claim({ timeoutMs: 30 }))).toMatchObject({ code: 'EGRESSD_TIMEOUT' })
      const stop = new AbortController()
      const reason = new Error('enough')
      const stopped = thrown(pool.claim({ signal: stop.signal }))
      await until(async () => (await pool.readStats()).waiting === 1)
      stop.abort(reason)
      expect(await stopped).toBe(reason)
      await until(async () => (await pool.readStats()).waiting === 0)
      const waiting = [pool.claim({ name: 'a' }), pool.claim({ name: 'b' })]
      await until(async () => (await pool.readStats()).waiting === 2)
      expect(await refusal(pool.claim())).toMatchObject({ code: 'EGRESSD_POOL_EXHAUSTED' })
      await pool.release(only)
      const first = await Promise.race(waiting)
      await pool.release(first)
      expect(namesOf(await Promise.all(waiting)).toSorted()).toEqual(['a', 'b'])
    })

    test('serve more claims at once than there are connections, and releases in between', async () => {
      await using subject = await open({ pool: { size: 4, high: 8 } })
      const pool = await poolOf(subject)
      const names = new Set<string>()
      const use = async () => {
        const namespace = await pool.claim()
        names.add(namespace.name)
        await pool.release(namespace)
      }
      await Promise.all(Array.from({ length: 150 }, use))
      expect(names.size).toBe(150)
      await until(async () => (await pool.readStats()).ready === 4)
      expect(await pool.readStats()).toMatchObject({ claimed: 0, claims: 150, waiting: 0 })
    })
  })
}
