import { spawnSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import type { NamespaceOptions, NetworkOptions } from '../../src/engine/options.js'
import type { ErrorCode } from '../../src/errors.js'
import { EgressError } from '../../src/errors.js'
import { faults } from '../helpers/faults.js'
import { createLibrary, dual, named, refusal } from '../helpers/library.js'

type Row<T> = readonly [what: string, options: T, code: ErrorCode, field: string, value: unknown]

const net = (more: Partial<NetworkOptions>): NetworkOptions => ({ name: 'br1', subnets: ['10.9.0.0/24'], ...more })
const networks: Row<NetworkOptions>[] = [
  [
    'a name of 16 characters',
    net({ name: 'a234567890123456' }),
    'EGRESSD_INVALID_INTERFACE_NAME',
    'name',
    'a234567890123456',
  ],
  ['a slash', net({ name: 'br/1' }), 'EGRESSD_INVALID_NAME', 'name', 'br/1'],
  ['a space', net({ name: 'br 1' }), 'EGRESSD_INVALID_NAME', 'name', 'br 1'],
  ['..', net({ name: '..' }), 'EGRESSD_INVALID_NAME', 'name', '..'],
  ['bits beyond the prefix', net({ subnets: ['10.9.0.1/24'] }), 'EGRESSD_INVALID_SUBNET', 'subnets[0]', '10.9.0.1/24'],
  [
    'a route of the host',
    net({ subnets: ['203.0.113.0/25'] }),
    'EGRESSD_SUBNET_OVERLAP',
    'subnets[0]',
    '203.0.113.0/25',
  ],
  ['a network of ours', net({ subnets: ['192.168.7.0/24'] }), 'EGRESSD_SUBNET_OVERLAP', 'subnets[0]', '192.168.7.0/24'],
  [
    'an IPv6 gateway in an IPv4 subnet',
    net({ gateway: ['fd00::1'] }),
    'EGRESSD_FAMILY_MISMATCH',
    'gateway[0]',
    'fd00::1',
  ],
  ['a gateway outside', net({ gateway: ['10.8.0.1'] }), 'EGRESSD_ADDRESS_OUTSIDE_SUBNET', 'gateway[0]', '10.8.0.1'],
  ['the name of a link', net({ bridge: 'uplink0' }), 'EGRESSD_NAME_TAKEN', 'bridge', 'uplink0'],
  [
    'another subnet than it has',
    { ...dual, subnets: ['10.9.0.0/24'] },
    'EGRESSD_MISMATCH',
    'subnets',
    expect.anything(),
  ],
]
const at = (address: string) => ({ name: 'ns1', addresses: [address] })
const namespaces: Row<NamespaceOptions>[] = [
  [
    '16 characters inside',
    { interface: 'a234567890123456' },
    'EGRESSD_INVALID_INTERFACE_NAME',
    'interface',
    'a234567890123456',
  ],
  [
    '16 characters on the host',
    { hostInterface: 'a234567890123456' },
    'EGRESSD_INVALID_INTERFACE_NAME',
    'hostInterface',
    'a234567890123456',
  ],
  ['a slash', { name: '../etc' }, 'EGRESSD_INVALID_NAME', 'name', '../etc'],
  ['a space', { name: 'n s' }, 'EGRESSD_INVALID_NAME', 'name', 'n s'],
  ['..', { name: '..' }, 'EGRESSD_INVALID_NAME', 'name', '..'],
  ['an address outside', at('192.169.0.2'), 'EGRESSD_ADDRESS_OUTSIDE_SUBNET', 'addresses[0]', '192.169.0.2'],
  ['the network address', at('192.168.0.0'), 'EGRESSD_ADDRESS_RESERVED', 'addresses[0]', '192.168.0.0'],
  ['the broadcast address', at('192.168.255.255'), 'EGRESSD_ADDRESS_RESERVED', 'addresses[0]', '192.168.255.255'],
  ['the gateway', at('192.168.0.1'), 'EGRESSD_ADDRESS_RESERVED', 'addresses[0]', '192.168.0.1'],
  ['an address in use', at('192.168.0.2'), 'EGRESSD_ADDRESS_IN_USE', 'addresses[0]', '192.168.0.2'],
  [
    'an address twice',
    { addresses: ['192.168.0.3', '192.168.0.3'] },
    'EGRESSD_DUPLICATE',
    'addresses[1]',
    '192.168.0.3',
  ],
  ['no address', at('192.168.0.300'), 'EGRESSD_INVALID_ADDRESS', 'addresses[0]', '192.168.0.300'],
  ['the bridge', { hostInterface: 'br0' }, 'EGRESSD_DUPLICATE', 'hostInterface', 'br0'],
  [
    'another address than it has',
    { ...named, addresses: ['192.168.0.9'] },
    'EGRESSD_MISMATCH',
    'addresses',
    '192.168.0.9',
  ],
]

test('bad input is refused with code, field and value, and nothing is changed', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  await network.create(named)
  const before = library.census()
  const check = async (work: Promise<unknown>, [what, , code, field, value]: Row<unknown>) => {
    const error = await refusal(work)
    expect([what, error.code, error.field, error.value]).toEqual([what, code, field, value])
    expect(error.message).toContain(field)
    expect([what, library.census()]).toEqual([what, before])
  }
  for (const row of networks) await check(library.egress.network(row[1]), row)
  for (const row of namespaces) await check(network.create(row[1]), row)
})

test.each([
  ['bridges', 'link.add', 'EOPNOTSUPP', 'EGRESSD_MISSING_FEATURE', 'CONFIG_BRIDGE'],
  ['nf_tables', 'nft.commit', 'ENOENT', 'EGRESSD_MISSING_FEATURE', 'CONFIG_NF_TABLES'],
  ['namespaces', 'netns.create', 'EPERM', 'EGRESSD_MISSING_CAPABILITY', 'Operation not permitted'],
] as const)('a kernel without %s is told before anything is changed', async (_what, op, errno, code, words) => {
  await using library = await createLibrary()
  const before = library.census()
  library.watch.always = { [op]: faults[errno] }
  const error = await refusal(library.egress.network({ ...dual, firewall: 'nftables' }))
  expect(error).toMatchObject({ code, fault: { op, errno } })
  expect(error.message).toContain(words)
  library.watch.reset()
  expect(library.census()).toEqual(before)
  // It is found when it is there.
  expect((await library.egress.network(dual)).name).toBe('br0')
})

test('a process without the capability is told which, and makes nothing', async () => {
  await using library = await createLibrary()
  const module = pathToFileURL('dist/index.js').href
  const script = `import(${JSON.stringify(module)}).then(({ Egress }) => Egress.open({ stateDir: '/run/never' }))
    .catch(error => process.stdout.write(JSON.stringify(error)))`
  const drop = ['--bounding-set=-net_admin', '--inh-caps=-net_admin', process.execPath, '-e', script]
  const { stdout } = spawnSync('setpriv', drop, { encoding: 'utf8' })
  expect(JSON.parse(stdout)).toMatchObject({
    code: 'EGRESSD_MISSING_CAPABILITY',
    details: { missing: ['CAP_NET_ADMIN'] },
  })
  expect(library.egress.networks).toEqual([])
  expect(spawnSync('ls', ['/run/never']).status).not.toBe(0)
})

test('a ping that cannot be is refused in words of ours', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const namespace = await network.create(named)
  for (const [target, options, expected] of [
    ['192.168.0.1', { count: 0 }, { code: 'EGRESSD_INVALID_SPEC', field: 'count', value: 0 }],
    ['192.168.0.1', { timeoutMs: 0.5 }, { code: 'EGRESSD_INVALID_SPEC', field: 'timeoutMs', value: 0.5 }],
    ['example.org', {}, { code: 'EGRESSD_INVALID_ADDRESS', field: 'target' }],
    ['fe80::1%eth7', {}, { code: 'EGRESSD_KERNEL', fault: { op: 'ping', errno: 'ENODEV' } }],
  ] as const) {
    const error = await refusal(namespace.ping(target, options))
    expect(error).toBeInstanceOf(EgressError)
    expect(error).toMatchObject(expected)
  }
})
