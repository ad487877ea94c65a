import { describe, expect, test, vi } from 'vitest'
import type { Route } from '../../src/kernel/ops-route.js'
import { createHost, type TestHost, value, values } from '../helpers/host.js'
import { addressedPair } from '../helpers/pair.js'

type Shown = Record<string, unknown> & { dst: string }
const show = (host: TestHost, family: 4 | 6, ...args: string[]) =>
  host.json<Shown[]>('ip', [`-${family}`, '-j', '-d', '-N', 'route', 'show', ...args])
const isHost = ({ family, prefix }: Route) => prefix === (family === 4 ? 32 : 128)
// A route as ip(8) shows it, as far as both tell.
const said = (route: Route) => ({
  dst:
    route.destination === null ? 'default' : isHost(route) ? route.destination : `${route.destination}/${route.prefix}`,
  type: String(route.type),
  table: String(route.table),
  protocol: String(route.protocol),
  metric: route.metric ?? undefined,
  prefsrc: route.source ?? undefined,
  gateways: route.gateway === null ? [] : [route.gateway, ...route.nextHops.map(({ gateway }) => gateway)],
})
const shownRoutes = (host: TestHost) =>
  ([4, 6] as const).flatMap(family =>
    show(host, family, 'table', 'all').map(shown => ({
      dst: shown.dst,
      type: shown.type ?? '1',
      table: shown.table ?? '254',
      protocol: shown.protocol,
      metric: shown.metric,
      prefsrc: shown.prefsrc,
      gateways: shown.gateway
        ? [shown.gateway]
        : ((shown.nexthops as { gateway: string }[] | undefined) ?? []).map(({ gateway }) => gateway),
    })),
  )
describe('route.list', () => {
  test('agrees with ip(8) on every route of both families', async () => {
    await using host = await createHost()
    values(
      await host.kernel.run([
        ...addressedPair,
        { op: 'route.add', family: 4, gateway: '192.168.0.1', index: 10, metric: 7 },
        { op: 'route.add', family: 6, gateway: 'fd00::1', index: 10 },
        {
          op: 'route.add',
          family: 4,
          destination: '10.0.0.0',
          prefix: 8,
          table: 5000,
          gateway: '192.168.0.1',
          index: 10,
        },
      ]),
    )
    const hops = ['nexthop', 'via', '192.168.0.1', 'dev', 'a', 'nexthop', 'via', '192.168.0.4', 'dev', 'a']
    host.tool('ip', ['route', 'add', '10.7.0.0/16', ...hops])
    // The kernel adds a route or two of its own when it finds the carrier.
    await vi.waitFor(
      async () => {
        const [verdict] = await host.kernel.run([{ op: 'route.list' }])
        const routes = value(verdict)
        expect(routes.map(said)).toEqual(shownRoutes(host))
        expect(routes.length).toBeGreaterThan(10)
        expect(routes.filter(({ nextHops }) => nextHops.length > 0)).toMatchObject([
          {
            destination: '10.7.0.0',
            gateway: '192.168.0.1',
            index: 10,
            nextHops: [{ gateway: '192.168.0.4', index: 10 }],
          },
        ])
      },
      { timeout: 20_000 },
    )
  })

  test('filters by table, link and protocol', async () => {
    await using host = await createHost()
    const route = (last: number, fields: object) =>
      ({ op: 'route.add', family: 4, destination: `10.0.0.${last}`, index: 10, ...fields }) as const
    values(
      await host.kernel.run([
        ...addressedPair,
        route(1, {}),
        route(2, { table: 700 }),
        route(3, { protocol: 99 }),
        route(4, { index: 11, protocol: 99 }),
        { op: 'route.add', family: 6, destination: 'fd07::', prefix: 64, index: 11, protocol: 99 },
      ]),
    )
    const lists = values(
      await host.kernel.run([
        { op: 'route.list', table: 700 },
        { op: 'route.list', family: 4, protocol: 99 },
        { op: 'route.list', protocol: 99 },
        { op: 'route.list', protocol: 99, index: 11 },
        { op: 'route.list', table: 4711 },
        { op: 'route.list', family: 6, table: 4711 },
      ]),
    )
    const destinations = lists.map(list => list.map(({ destination }) => destination))
    expect(destinations).toEqual([
      ['10.0.0.2'],
      ['10.0.0.3', '10.0.0.4'],
      ['10.0.0.3', '10.0.0.4', 'fd07::'],
      ['10.0.0.4', 'fd07::'],
      [],
      [],
    ])
    const [refused] = await host.kernel.run([{ op: 'route.list', index: 99 }])
    expect(refused).toMatchObject({ ok: false, fault: { call: 'RTM_GETROUTE', errno: 'ENODEV' } })
  })
})

describe('route.get', () => {
  test('tells the way of a packet, in both families', async () => {
    await using host = await createHost()
    const verdicts = await host.kernel.run([
      ...addressedPair,
      { op: 'route.add', family: 4, gateway: '192.168.0.1', index: 10 },
      { op: 'route.add', family: 6, gateway: 'fd00::1', index: 10 },
      { op: 'route.get', destination: '8.8.8.8' },
      { op: 'route.get', destination: '192.168.3.4', source: '192.168.0.2', index: 10 },
      { op: 'route.get', destination: '2001:4860:4860::8888' },
      { op: 'route.get', destination: '192.168.0.2' },
    ])
    const [far, near, six, own] = values(verdicts).slice(9) as Route[]
    expect(far).toMatchObject({
      destination: '8.8.8.8',
      prefix: 32,
      gateway: '192.168.0.1',
      index: 10,
      source: '192.168.0.2',
      table: 254,
    })
    expect(near).toMatchObject({ gateway: null, index: 10 })
    expect(six).toMatchObject({ gateway: 'fd00::1', index: 10, source: 'fd00::2', table: 254 })
    // RTN_LOCAL. Of main and local, IPv4 keeps one table as long as there are no rules of one's own.
    expect(own).toMatchObject({ type: 2 })
  })

  test.each(['8.8.8.8', '2001:4860:4860::8888'])('%s is unreachable without a route', async destination => {
    await using host = await createHost()
    const verdicts = await host.kernel.run([...addressedPair, { op: 'route.get', destination }])
    expect(verdicts.at(-1)).toMatchObject({ fault: { op: 'route.get', call: 'RTM_GETROUTE', errno: 'ENETUNREACH' } })
  })
})
