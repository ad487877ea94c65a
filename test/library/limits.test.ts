import { describe, expect, test, vi } from 'vitest'
import { type Item, Limited, type Stats, type Told } from '../helpers/limited.js'

const room = (folder: 'stateDir' | 'netnsDir', what: 'inodes' | 'pages') => ({
  set: (limited: Limited, spare: number) =>
    limited.spareRoom(folder, what === 'inodes' ? { inodes: spare } : { pages: spare }),
  lift: (limited: Limited) => limited.spareRoom(folder, null),
  says: /make room on the file system/,
  errno: 'ENOSPC',
})

// By the kernel's own refusals: descriptors, network namespaces, room on the file systems of records and pins.
const limits = {
  descriptors: {
    tries: [0, 1, 2, 3, 4, 6, 8, 14],
    parts: [],
    set: (limited: Limited, spare: number) => limited.spareDescriptors(spare),
    lift: (limited: Limited) => limited.spareDescriptors(null),
    says: /RLIMIT_NOFILE/,
    errno: 'EMFILE',
  },
  'network namespaces': {
    // One that the kernel has not let go of yet counts, too.
    tries: [0, 12],
    parts: [4],
    set: (limited: Limited, spare: number) => limited.spareNamespaces(spare),
    lift: (limited: Limited) => limited.spareNamespaces(1000),
    says: /user\.max_net_namespaces/,
    errno: 'ENOSPC',
  },
  'inodes for records': { tries: [0, 1, 2], parts: [2, 4], ...room('stateDir', 'inodes') },
  'bytes for records': { tries: [0, 1, 2], parts: [2, 4], ...room('stateDir', 'pages') },
  'inodes for pins': { tries: [0, 1], parts: [1, 4], ...room('netnsDir', 'inodes') },
}
type Limit = (typeof limits)[keyof typeof limits]

function expectTyped(error: Told | null, { says, errno }: Limit): void {
  expect(error).toMatchObject({
    code: expect.stringMatching(/^EGRESSD_(KERNEL|STATE_WRITE_FAILED)$/),
    fault: { errno },
    remedy: expect.stringMatching(says),
    left: [],
  })
}

// The kernel takes a link away some time after its namespace.
const settled = (limited: Limited, before: string) =>
  vi.waitFor(() => expect(limited.census()).toBe(before), { timeout: 20_000, interval: 20 })

describe.each(Object.entries(limits))('no more %s', (_name, limit) => {
  test('one is refused, or some of many; nothing is half-made; all are made when there is room', async () => {
    await using limited = await Limited.start()
    const before = limited.census()
    for (const spare of limit.parts) await some(limited, limit, spare)
    await settled(limited, before)
    const refused: boolean[] = []
    for (const spare of limit.tries) {
      limit.set(limited, spare)
      const error = await limited.refusal('create', { name: 'one' })
      limit.lift(limited)
      refused.push(error !== null)
      if (error) {
        expectTyped(error, limit)
        await settled(limited, before)
        await limited.ask('create', { name: 'one' })
      }
      await limited.ask('destroy', 'one')
    }
    await settled(limited, before)
    // At first there is no room, at last there is.
    expect([refused[0], refused.at(-1)]).toEqual([true, false])
  })
})

/** More than there is room for, but room for one. */
async function some(limited: Limited, limit: Limit, spare: number): Promise<void> {
  const specs = Array.from({ length: 6 }, (_, i) => ({ name: `many${i}` }))
  limit.set(limited, spare)
  const results = await limited.ask<Item[]>('createMany', specs)
  limit.lift(limited)
  const good = results.map(({ ok }) => ok)
  expect(new Set(good)).toEqual(new Set([true, false]))
  for (const result of results) if (!result.ok) expectTyped(result.error, limit)
  await vi.waitFor(
    () => {
      const census = limited.census()
      expect(specs.map(({ name }) => census.includes(name))).toEqual(good)
    },
    { timeout: 20_000 },
  )
  // Those that are there are taken as they are.
  expect(await limited.ask<Item[]>('createMany', specs)).toEqual(specs.map(() => ({ ok: true })))
  await limited.ask(
    'destroyMany',
    specs.map(({ name }) => name),
  )
}

describe.each([
  ['descriptors', limits.descriptors, 8],
  ['network namespaces', limits['network namespaces'], 5],
] as const)('a pool without %s', (_name, limit, spare) => {
  test('keeps what it has, tells why, waits longer each time, and fills up when there is room', async () => {
    await using limited = await Limited.start()
    const before = limited.census()
    limit.set(limited, spare)
    await limited.ask('pool', { size: 12 })
    const stats = () => limited.ask<Stats>('stats')
    // Several refusals in a row, each after its wait.
    const refused = await vi.waitUntil(
      async () => {
        const seen = await stats()
        return seen.refusals >= 3 && seen.lastError !== null && seen
      },
      { timeout: 20_000 },
    )
    expect(refused.ready).toBeLessThan(12)
    expectTyped(refused.lastError, limit)
    // What it has is handed out (without a name: such a one goes on holding its descriptor); then there is no more. One that the kernel lets go of late may make room for another meanwhile,
    // and whose time is up while one more is being tried is told of that alone.
    let late: Told | null = null
    for (let i = 0; i < 16 && (late === null || late.code === 'EGRESSD_TIMEOUT'); i++)
      late = await limited.refusal('claim', { timeoutMs: 1000 })
    expectTyped(late, limit)
    limit.lift(limited)
    await vi.waitUntil(async () => (await stats()).ready === 12, { timeout: 20_000 })
    expect((await stats()).lastError).toBeNull()
    await limited.ask('claim', { name: 'late' })
    await limited.ask('release')
    await limited.ask('closePool')
    await settled(limited, before)
  })
  test('closed in mid-refill, while it is refused, leaves nothing', async () => {
    await using limited = await Limited.start()
    const before = limited.census()
    limit.set(limited, spare)
    await limited.ask('pool', { size: 12 })
    await vi.waitUntil(async () => (await limited.ask<Stats>('stats')).refusals >= 1, { timeout: 20_000 })
    const claims = Array.from({ length: 14 }, () => limited.refusal('claim', {}))
    await limited.ask('closePool')
    const codes = (await Promise.all(claims)).map(error => error?.code ?? 'claimed')
    expect(new Set(codes)).toEqual(new Set(['claimed', 'EGRESSD_CLOSED']))
    limit.lift(limited)
    // Those that were claimed are their users'.
    await limited.ask('release')
    await settled(limited, before)
  })
})
