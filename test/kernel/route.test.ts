import { describe, expect, test } from 'vitest'
import { createHost, type TestHost, values } from '../helpers/host.js'
import { addressedPair } from '../helpers/pair.js'

type Shown = Record<string, unknown> & { dst: string }
const show = (host: TestHost, family: 4 | 6, ...args: string[]) =>
  host.json<Shown[]>('ip', [`-${family}`, '-j', '-d', '-N', 'route', 'show', ...args])

describe('route.add', () => {
  test.each([
    [
      'default',
      { family: 4, gateway: '192.168.0.1', index: 10 },
      { dst: 'default', gateway: '192.168.0.1', dev: 'a', protocol: '3' },
    ],
    ['connected host', { family: 4, destination: '10.0.0.1', index: 10 }, { dst: '10.0.0.1', scope: '253', dev: 'a' }],
    [
      'everything',
      {
        family: 4,
        destination: '10.1.0.0',
        prefix: 16,
        gateway: '172.31.0.1',
        index: 10,
        source: '192.168.0.2',
        metric: 100,
        protocol: 99,
        mtu: 1300,
        onLink: true,
      },
      {
        dst: '10.1.0.0/16',
        gateway: '172.31.0.1',
        prefsrc: '192.168.0.2',
        metric: 100,
        protocol: '99',
        metrics: [{ mtu: 1300 }],
        flags: ['onlink'],
      },
    ],
    ['blackhole', { family: 4, destination: '10.3.0.0', prefix: 16, type: 6 }, { type: '6', dst: '10.3.0.0/16' }],
    [
      'IPv4 over IPv6',
      { family: 4, destination: '10.2.0.0', prefix: 16, gateway: 'fd00::1', index: 10 },
      { dst: '10.2.0.0/16', via: { family: 'inet6', host: 'fd00::1' } },
    ],
    [
      'IPv6 default',
      { family: 6, gateway: 'fd00::1', index: 10 },
      { dst: 'default', gateway: 'fd00::1', metric: 1024 },
    ],
    [
      'IPv6 on-link',
      { family: 6, destination: 'fd09::', prefix: 16, gateway: 'fe80::1', index: 10, onLink: true, metric: 5 },
      { dst: 'fd09::/16', gateway: 'fe80::1', metric: 5, flags: ['onlink'] },
    ],
    [
      'IPv6 unreachable',
      { family: 6, destination: 'fd02::', prefix: 48, type: 7, metric: 5 },
      { type: '7', dst: 'fd02::/48' },
    ],
  ] as const)('%s', async (_, fields, expected) => {
    await using host = await createHost()
    values(await host.kernel.run([...addressedPair, { op: 'route.add', ...fields, table: 1000 }]))
    const [shown, ...more] = show(host, fields.family, 'table', '1000')
    expect(shown).toMatchObject(expected)
    expect(more).toEqual([])

    const [listed, gone, empty] = values(
      await host.kernel.run([
        { op: 'route.list', family: fields.family, table: 1000 },
        { op: 'route.delete', ...fields, table: 1000 },
        { op: 'route.list', family: fields.family, table: 1000 },
      ]),
    )
    const { family, ...named } = fields
    expect(listed).toMatchObject([{ family, table: 1000, ...named }])
    expect([gone, empty]).toEqual([undefined, []])
  })

  test('refuses a second one; replaces it where asked', async () => {
    await using host = await createHost()
    const first = { family: 4, destination: '10.0.0.0', prefix: 8, gateway: '192.168.0.1', index: 10 } as const
    const second = { ...first, gateway: '192.168.0.9' }
    const verdicts = await host.kernel.run([
      ...addressedPair,
      { op: 'route.add', ...first },
      { op: 'route.add', ...second },
    ])
    expect(verdicts.at(-1)).toMatchObject({ fault: { call: 'RTM_NEWROUTE', errno: 'EEXIST' } })
    expect(show(host, 4, 'exact', '10.0.0.0/8')).toMatchObject([{ gateway: '192.168.0.1' }])
    values(await host.kernel.run([{ op: 'route.add', ...second, replace: true }]))
    expect(show(host, 4, 'exact', '10.0.0.0/8')).toMatchObject([{ gateway: '192.168.0.9' }])
    // There was none before: it is made.
    values(await host.kernel.run([{ op: 'route.add', family: 6, gateway: 'fd00::9', index: 10, replace: true }]))
    expect(show(host, 6, 'default')).toMatchObject([{ gateway: 'fd00::9' }])
  })

  test.each([
    [
      'a gateway that nothing leads to',
      { family: 4, gateway: '10.9.9.9' },
      'ENETUNREACH',
      'Nexthop has invalid gateway',
    ],
    [
      'a link that is down',
      { family: 4, destination: '10.0.0.0', prefix: 8, index: 12 },
      'ENETDOWN',
      'Device for nexthop is not up',
    ],
    [
      'host bits',
      { family: 4, destination: '10.0.0.1', prefix: 8, index: 10 },
      'EINVAL',
      'Invalid prefix for given prefix length',
    ],
    ['no such link', { family: 6, gateway: 'fd00::1', index: 99 }, 'ENODEV', ''],
  ] as const)("refuses %s, in the kernel's words", async (_, fields, errno, message) => {
    await using host = await createHost()
    const down = { op: 'link.add', kind: 'ifb', name: 'down', index: 12 } as const
    const verdicts = await host.kernel.run([...addressedPair, down, { op: 'route.add', ...fields }])
    expect(verdicts.at(-1)).toMatchObject({
      ok: false,
      fault: { op: 'route.add', call: 'RTM_NEWROUTE', errno, message },
    })
  })
})

describe('route.delete', () => {
  test('takes the route that agrees, and no other', async () => {
    await using host = await createHost()
    const route = { family: 4, destination: '10.0.0.0', prefix: 8, index: 10 } as const
    const verdicts = await host.kernel.run([
      ...addressedPair,
      { op: 'route.add', ...route, metric: 1, protocol: 99 },
      { op: 'route.add', ...route, metric: 2, protocol: 98 },
      { op: 'route.delete', family: 4, destination: '10.0.0.0', prefix: 8, protocol: 98 },
      { op: 'route.delete', ...route, metric: 3 },
    ])
    expect(verdicts.at(-1)).toMatchObject({ fault: { op: 'route.delete', call: 'RTM_DELROUTE', errno: 'ESRCH' } })
    expect(show(host, 4, 'exact', '10.0.0.0/8')).toMatchObject([{ metric: 1 }])
  })
})
