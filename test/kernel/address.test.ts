import { describe, expect, test } from 'vitest'
import { createHost, type TestHost, value, values } from '../helpers/host.js'
import { pair } from '../helpers/pair.js'

interface Shown {
  ifindex: number
  addr_info: Record<string, unknown>[]
}
const show = (host: TestHost, ...args: string[]) =>
  host
    .json<Shown[]>('ip', ['-j', '-d', 'addr', 'show', ...args])
    .flatMap(({ ifindex, addr_info }) =>
      addr_info.map(info => ({ ...info, index: ifindex }) as Record<string, unknown>),
    )

test('adds and deletes IPv4 and IPv6 addresses', async () => {
  await using host = await createHost()
  const four = { index: 10, address: '192.168.0.2', prefix: 16 } as const
  const six = { index: 10, address: 'fd00::2', prefix: 64 } as const
  values(
    await host.kernel.run([
      ...pair,
      { op: 'address.add', ...four, broadcast: '192.168.255.255' },
      { op: 'address.add', ...six, noDad: true, join: true },
      { op: 'address.add', index: 11, address: '169.254.1.1', prefix: 32, scope: 253 },
      { op: 'address.add', index: 11, address: 'fd01::1', prefix: 64, noPrefixRoute: true },
    ]),
  )
  expect(show(host, 'dev', 'a')).toMatchObject([
    { family: 'inet', local: '192.168.0.2', prefixlen: 16, broadcast: '192.168.255.255', scope: 'global', label: 'a' },
    { family: 'inet6', local: 'fd00::2', prefixlen: 64, scope: 'global', nodad: true },
  ])
  expect(show(host, 'dev', 'b')).toMatchObject([
    { family: 'inet', local: '169.254.1.1', prefixlen: 32, scope: 'link' },
    { family: 'inet6', local: 'fd01::1', prefixlen: 64, noprefixroute: true },
  ])
  // IFA_F_NODAD: at once, not tentative.
  expect(show(host, 'dev', 'a')[1]).not.toHaveProperty('tentative')
  const routes = host.json<{ dst: string }[]>('ip', ['-6', '-j', 'route', 'show']).map(({ dst }) => dst)
  expect(routes).toContain('fd00::/64')
  expect(routes).not.toContain('fd01::/64')

  values(
    await host.kernel.run([
      { op: 'address.delete', ...four },
      { op: 'address.delete', ...six, join: true },
    ]),
  )
  expect(show(host, 'dev', 'a')).toEqual([])
})

test('lists as ip(8) does, all or of one family and link', async () => {
  await using host = await createHost()
  values(
    await host.kernel.run([
      ...pair,
      { op: 'link.set', name: 'lo', up: true },
      { op: 'address.add', index: 10, address: '192.168.0.2', prefix: 16, broadcast: '192.168.255.255' },
      { op: 'address.add', index: 10, address: '192.168.0.3', prefix: 16 },
      { op: 'address.add', index: 10, address: 'fd00::2', prefix: 64, noDad: true },
      { op: 'address.add', index: 11, address: 'fd00::3', prefix: 64, noDad: true },
    ]),
  )
  host.tool('ip', ['addr', 'add', '10.0.0.1', 'peer', '10.0.0.2/32', 'dev', 'b'])
  const [all, four, six, of10, six11, none] = values(
    await host.kernel.run([
      { op: 'address.list' },
      { op: 'address.list', family: 4 },
      { op: 'address.list', family: 6 },
      { op: 'address.list', index: 10 },
      { op: 'address.list', family: 6, index: 11 },
      { op: 'address.list', family: 4, index: 1 },
    ]),
  )
  const scopes: Record<string, number> = { global: 0, link: 253, host: 254 }
  const theirs = show(host).map(shown => ({
    index: shown.index,
    address: shown.local,
    prefix: shown.prefixlen,
    broadcast: shown.broadcast ?? null,
    label: shown.label ?? null,
    scope: scopes[shown.scope as string],
  }))
  const byIndex = (a: { index: unknown }, b: { index: unknown }) => Number(a.index) - Number(b.index)
  expect([...all].sort(byIndex)).toMatchObject(theirs)
  expect(all.length).toBe(theirs.length)
  expect([...four, ...six].length).toBe(all.length)
  expect(four.every(({ address }) => address.includes('.'))).toBe(true)
  expect(six.every(({ address }) => address.includes(':'))).toBe(true)
  expect(of10.map(({ address }) => address)).toEqual(['192.168.0.2', '192.168.0.3', 'fd00::2'])
  expect(six11.map(({ address }) => address)).toEqual(['fd00::3'])
  expect(none.map(({ address }) => address)).toEqual(['127.0.0.1'])
})

describe('refusals', () => {
  test.each([
    [
      'an address that is there',
      { op: 'address.add', index: 10, address: '10.0.0.1', prefix: 8 },
      'RTM_NEWADDR',
      'EEXIST',
    ],
    [
      'an IPv6 address that is there',
      { op: 'address.add', index: 10, address: 'fd00::1', prefix: 64 },
      'RTM_NEWADDR',
      'EEXIST',
    ],
    ['no such link', { op: 'address.add', index: 99, address: '10.0.0.9', prefix: 8 }, 'RTM_NEWADDR', 'ENODEV'],
    [
      'deleting one that is not there',
      { op: 'address.delete', index: 10, address: '10.0.0.9', prefix: 8 },
      'RTM_DELADDR',
      'EADDRNOTAVAIL',
    ],
    [
      'deleting from no such link',
      { op: 'address.delete', index: 99, address: '10.0.0.1', prefix: 8 },
      'RTM_DELADDR',
      'ENODEV',
    ],
    ['listing no such link', { op: 'address.list', index: 99 }, 'RTM_GETADDR', 'ENODEV'],
    ['listing no such link in one family', { op: 'address.list', family: 6, index: 99 }, 'RTM_GETADDR', 'ENODEV'],
  ] as const)('%s', async (_, op, call, errno) => {
    await using host = await createHost()
    const verdicts = await host.kernel.run([
      ...pair,
      { op: 'address.add', index: 10, address: '10.0.0.1', prefix: 8 },
      { op: 'address.add', index: 10, address: 'fd00::1', prefix: 64, noDad: true },
      op,
    ])
    expect(verdicts.at(-1)).toMatchObject({ ok: false, fault: { op: op.op, call, errno } })
  })

  test('the classic mistake: the address outside, when the link is inside', async () => {
    await using host = await createHost()
    const verdicts = await host.kernel.run([
      { op: 'netns.create', as: 1 },
      { op: 'link.add', kind: 'veth', name: 'veth0', index: 10, peer: { name: 'ceth0', index: 200, netns: 1 } },
      { op: 'address.add', index: 200, address: '192.168.0.2', prefix: 16 },
    ])
    expect(verdicts[2]).toMatchObject({ ok: false, fault: { op: 'address.add', errno: 'ENODEV' } })
    expect(value(verdicts[1])).toBeUndefined()
  })
})
