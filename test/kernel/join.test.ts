import { expect, test } from 'vitest'
import { createHost, type TestHost, value, values } from '../helpers/host.js'
import { addressedPair } from '../helpers/pair.js'

const shown = (host: TestHost) =>
  host.json<{ dst: string }[]>('ip', ['-j', 'route', 'show', 'root', '10.0.0.0/8']).map(({ dst }) => dst)
const route = (n: number, fields: object = {}) =>
  ({
    op: 'route.add',
    family: 4,
    destination: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`,
    index: 10,
    join: true,
    ...fields,
  }) as const

test('a failing middle message gets its own verdict, and those behind it are executed', async () => {
  await using host = await createHost()
  const verdicts = await host.kernel.run([
    ...addressedPair,
    route(1, { join: false }),
    route(1),
    route(2),
    route(3, { index: undefined, gateway: '10.99.0.1' }),
    route(4),
    { op: 'route.list', table: 254 },
  ])
  expect(verdicts.slice(addressedPair.length)).toMatchObject([
    { ok: true },
    { ok: false, skipped: false, fault: { errno: 'EEXIST' } },
    { ok: true },
    { ok: false, skipped: false, fault: { errno: 'ENETUNREACH', message: 'Nexthop has invalid gateway' } },
    { ok: true },
    { ok: false, skipped: true },
  ])
  const there = shown(host)
  expect(there).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.4'])
})

test('what is not a request, or acts in another namespace, does not travel along', async () => {
  await using host = await createHost()
  const verdicts = await host.kernel.run([
    ...addressedPair,
    { op: 'netns.create', as: 1 },
    route(1, { join: false }),
    { op: 'link.set', in: 1, name: 'none', up: true, join: true },
    route(2),
  ])
  expect(verdicts.slice(-3)).toMatchObject([{ ok: true }, { fault: { errno: 'ENODEV' } }, { skipped: true }])
})

test('a request that cannot be made ends its group: those before it are executed, those behind it are not', async () => {
  await using host = await createHost()
  const verdicts = await host.kernel.run([
    ...addressedPair,
    route(1, { join: false }),
    { op: 'link.set', index: 10, netns: 5, join: true },
    route(2),
  ])
  expect(verdicts.slice(-3)).toMatchObject([
    { ok: true },
    { fault: { call: 'slot', errno: 'ENOENT' } },
    { skipped: true },
  ])
  expect(shown(host)).toEqual(['10.0.0.1'])
})

test('1,000 routes in one job, and again: 1,000 refusals', async () => {
  await using host = await createHost()
  values(await host.kernel.run(addressedPair))
  const batch = Array.from({ length: 1000 }, (_, n) => route(n + 1))
  values(await host.kernel.run(batch))
  const again = await host.kernel.run(batch)
  expect(again.filter(verdict => !verdict.ok && !verdict.skipped && verdict.fault.errno === 'EEXIST').length).toBe(1000)
  const [listed] = await host.kernel.run([{ op: 'route.list', family: 4, index: 10, protocol: 3 }])
  expect(value(listed).length).toBe(1000)
  expect(shown(host).length).toBe(1000)
  values(
    await host.kernel.run(
      batch.map(({ family, destination }) => ({ op: 'route.delete', family, destination, join: true }) as const),
    ),
  )
  expect(shown(host)).toEqual([])
})
