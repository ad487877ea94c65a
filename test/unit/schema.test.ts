import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type EgressError, isEgressError } from '../../src/errors.js'
import { parseNamespace, parseNamespaces } from '../../src/spec/namespace.js'
import { parseNetwork } from '../../src/spec/network.js'
import { namespaceInput, networkInput } from '../../src/spec/schema.js'

function refusal(run: () => unknown): EgressError {
  try {
    run()
  } catch (error) {
    if (isEgressError(error)) return error
    throw error
  }
  throw new Error('was not refused')
}

const good = { name: 'br0', subnets: ['192.168.0.0/16'] }
const dual = parseNetwork({ name: 'br0', subnets: ['fd00::/64', '192.168.0.0/16'] })
const single = parseNetwork(good)

describe('a network', () => {
  test('gets its defaults', () => {
    expect(single).toEqual({
      name: 'br0',
      mode: 'bridge',
      bridge: 'br0',
      subnets: [{ family: 4, subnet: '192.168.0.0/16', prefix: 16, gateway: '192.168.0.1' }],
      masquerade: { to: [], fullyRandom: false },
      firewall: 'auto',
      admit: true,
      isolated: false,
      hostAccess: 'gateway',
      mtu: 'auto',
    })
  })

  test('keeps what is given, in canonical form, IPv4 first', () => {
    const input = {
      name: 'a.long-network@name',
      bridge: 'br1',
      mode: 'routed',
      subnets: ['FD00:0::/64', '10.0.0.0/24'],
      gateway: ['10.0.0.254', 'fd00::0:fe'],
      masquerade: false,
      firewall: 'xtables',
      admit: false,
      isolated: true,
      hostAccess: 'none',
      mtu: 1400,
    }
    expect(parseNetwork(input)).toEqual({
      ...input,
      masquerade: null,
      subnets: [
        { family: 4, subnet: '10.0.0.0/24', prefix: 24, gateway: '10.0.0.254' },
        { family: 6, subnet: 'fd00::/64', prefix: 64, gateway: 'fd00::fe' },
      ],
      gateway: undefined,
    })
  })

  test.each([
    ['name', { name: 'abcdefghijklmnop' }, 'EGRESSD_INVALID_INTERFACE_NAME', 'abcdefghijklmnop'],
    ['name', { name: 'lo' }, 'EGRESSD_INVALID_INTERFACE_NAME', 'lo'],
    ['name', { name: 'all' }, 'EGRESSD_INVALID_INTERFACE_NAME', 'all'],
    ['name', { name: 'a/b' }, 'EGRESSD_INVALID_NAME', 'a/b'],
    ['name', { name: 'a b' }, 'EGRESSD_INVALID_NAME', 'a b'],
    ['name', { name: '..' }, 'EGRESSD_INVALID_NAME', '..'],
    ['name', { name: '' }, 'EGRESSD_INVALID_NAME', ''],
    ['name', { name: 7 }, 'EGRESSD_INVALID_SPEC', 7],
    ['name', { name: undefined }, 'EGRESSD_INVALID_SPEC', undefined],
    ['bridge', { bridge: 'abcdefghijklmnop' }, 'EGRESSD_INVALID_INTERFACE_NAME', 'abcdefghijklmnop'],
    ['bridge', { bridge: 'lo' }, 'EGRESSD_INVALID_INTERFACE_NAME', 'lo'],
    ['mode', { mode: 'macvlan' }, 'EGRESSD_INVALID_SPEC', 'macvlan'],
    ['subnets', { subnets: undefined }, 'EGRESSD_INVALID_SPEC', undefined],
    ['subnets', { subnets: '192.168.0.0/16' }, 'EGRESSD_INVALID_SPEC', '192.168.0.0/16'],
    ['subnets', { subnets: [] }, 'EGRESSD_INVALID_SPEC', []],
    ['subnets[0]', { subnets: ['192.168.0.1/16'] }, 'EGRESSD_INVALID_SUBNET', '192.168.0.1/16'],
    ['subnets[0]', { subnets: ['192.168.0.0'] }, 'EGRESSD_INVALID_SUBNET', '192.168.0.0'],
    ['subnets[0]', { subnets: ['127.1.0.0/16'] }, 'EGRESSD_INVALID_SUBNET', '127.1.0.0/16'],
    ['subnets[0]', { subnets: ['::ffff:10.0.0.0/112'] }, 'EGRESSD_INVALID_SUBNET', '::ffff:10.0.0.0/112'],
    ['subnets[0]', { subnets: ['0.0.0.0/0'] }, 'EGRESSD_INVALID_SUBNET', '0.0.0.0/0'],
    ['subnets[0]', { subnets: ['10.0.0.1/32'] }, 'EGRESSD_INVALID_SUBNET', '10.0.0.1/32'],
    ['subnets[0]', { subnets: ['fd00::1/128'] }, 'EGRESSD_INVALID_SUBNET', 'fd00::1/128'],
    ['subnets[1]', { subnets: ['10.0.0.0/8', '10.0.0.0/8'] }, 'EGRESSD_DUPLICATE', '10.0.0.0/8'],
    ['gateway[0]', { gateway: ['fd00::1'] }, 'EGRESSD_FAMILY_MISMATCH', 'fd00::1'],
    ['gateway[0]', { gateway: ['10.0.0.1'] }, 'EGRESSD_ADDRESS_OUTSIDE_SUBNET', '10.0.0.1'],
    ['gateway[0]', { gateway: ['192.168.0.0'] }, 'EGRESSD_ADDRESS_RESERVED', '192.168.0.0'],
    ['gateway[0]', { gateway: ['192.168.255.255'] }, 'EGRESSD_ADDRESS_RESERVED', '192.168.255.255'],
    ['gateway[0]', { gateway: ['192.168.0.1/16'] }, 'EGRESSD_INVALID_ADDRESS', '192.168.0.1/16'],
    ['gateway[0]', { gateway: ['::ffff:192.168.0.1'] }, 'EGRESSD_INVALID_ADDRESS', '::ffff:192.168.0.1'],
    ['gateway[1]', { gateway: ['192.168.0.1', '192.168.0.2'] }, 'EGRESSD_DUPLICATE', '192.168.0.2'],
    ['masquerade', { masquerade: 'yes' }, 'EGRESSD_INVALID_SPEC', 'yes'],
    ['masquerade.to', { masquerade: { to: [] } }, 'EGRESSD_INVALID_SPEC', []],
    ['masquerade.from', { masquerade: { from: 1 } }, 'EGRESSD_INVALID_SPEC', 1],
    ['masquerade.to', { masquerade: { to: 'fd00::9' } }, 'EGRESSD_FAMILY_MISMATCH', 'fd00::9'],
    ['masquerade.to[1]', { masquerade: { to: ['10.9.9.9', '10.9.9.8'] } }, 'EGRESSD_DUPLICATE', '10.9.9.8'],
    ['masquerade.to', { masquerade: { to: '::1' } }, 'EGRESSD_INVALID_ADDRESS', '::1'],
    ['masquerade.to[1]', { masquerade: { to: ['10.9.9.9', 'x'] } }, 'EGRESSD_INVALID_ADDRESS', 'x'],
    ['admit', { admit: 'docker' }, 'EGRESSD_INVALID_SPEC', 'docker'],
    ['isolated', { isolated: 1 }, 'EGRESSD_INVALID_SPEC', 1],
    ['hostAccess', { hostAccess: 'some' }, 'EGRESSD_INVALID_SPEC', 'some'],
    ['firewall', { firewall: 'pf' }, 'EGRESSD_INVALID_SPEC', 'pf'],
    ['mtu', { mtu: 67 }, 'EGRESSD_INVALID_SPEC', 67],
    ['mtu', { mtu: 1500.5 }, 'EGRESSD_INVALID_SPEC', 1500.5],
    ['mtu', { mtu: 1279, subnets: ['fd00::/64'] }, 'EGRESSD_INVALID_SPEC', 1279],
    ['mtu', { mtu: 68, subnets: ['192.168.0.0/16', 'fd00::/64'] }, 'EGRESSD_INVALID_SPEC', 68],
    ['mtu', { mtu: 67, subnets: ['fd00::/64'] }, 'EGRESSD_INVALID_SPEC', 67],
    ['subnet', { subnet: '10.0.0.0/8' }, 'EGRESSD_INVALID_SPEC', '10.0.0.0/8'],
  ])('is refused for its %s in %j', (field, change, code, value) => {
    const error = refusal(() => parseNetwork({ ...good, ...change }))
    expect(error).toMatchObject({ code, field, problems: [{ field, code, message: error.message }] })
    expect(error.value).toEqual(value)
    expect(error.message).toMatch(new RegExp(`^${field.replace(/[[\]]/g, '\\$&')}: `))
  })

  test.each([
    [
      { name: 'abcdefghijklmnop' },
      'name: "abcdefghijklmnop" has 16 bytes; the kernel takes 15, and names the bridge: give "bridge" too',
    ],
    [
      { subnets: ['192.168.0.1/16'] },
      'subnets[0]: "192.168.0.1/16" has bits beyond its prefix; the subnet is 192.168.0.0/16',
    ],
    [{ gateway: ['fd00::1'] }, 'gateway[0]: "fd00::1" is an IPv6 address, and there is no IPv6 subnet'],
    [{ gateway: ['192.168.255.255'] }, 'gateway[0]: "192.168.255.255" is the broadcast address of 192.168.0.0/16'],
    [{ masquerade: { to: '203.0.113.7/32' } }, 'masquerade.to: "203.0.113.7/32" is not an IP address'],
    [{ mode: 'flat' }, 'mode: "flat" is neither "bridge" nor "routed"'],
    [{ mtu: '1500' }, 'mtu: "1500" is neither "auto" nor a whole number from 68 to 65535'],
    [{ mtu: 67 }, 'mtu: 67 is neither "auto" nor a whole number from 68 to 65535'],
    [{ name: undefined }, 'name: is missing'],
    [{ colour: 'red' }, 'colour: "red" is given, but there is no such field'],
  ])('%j is refused in words', (change, message) => {
    expect(refusal(() => parseNetwork({ ...good, ...change })).message).toBe(message)
  })

  test('has all its problems told at once', () => {
    const error = refusal(() =>
      parseNetwork({
        name: 'a/b',
        mode: 'flat',
        subnets: ['10.0.0.0/8', '10.0.0.1/8', 5],
        gateway: ['11.0.0.1'],
        mtu: 3,
        masquarade: false,
      }),
    )
    expect(error.code).toBe('EGRESSD_INVALID_SPEC')
    expect(error.problems?.map(({ field, code }) => [field, code])).toEqual([
      ['name', 'EGRESSD_INVALID_NAME'],
      ['mode', 'EGRESSD_INVALID_SPEC'],
      ['subnets[1]', 'EGRESSD_INVALID_SUBNET'],
      ['subnets[2]', 'EGRESSD_INVALID_SPEC'],
      ['mtu', 'EGRESSD_INVALID_SPEC'],
      ['masquarade', 'EGRESSD_INVALID_SPEC'],
      ['gateway[0]', 'EGRESSD_ADDRESS_OUTSIDE_SUBNET'],
    ])
    expect(error.message).toMatch(/^7 problems:\n {2}name: "a\/b" has "\/" in it\n/)
  })

  test('whose subnet cannot be read is told that, not that its gateway is in none', () => {
    const error = refusal(() => parseNetwork({ ...good, subnets: ['10.0.0.1/8'], gateway: ['10.0.0.1'] }))
    expect(error.problems?.map(({ field }) => field)).toEqual(['subnets[0]'])
  })

  test('with two subnets one of which cannot be read', () => {
    const subnets = ['10.0.0.1/8', 'fd00::/64']
    const error = refusal(() => parseNetwork({ ...good, subnets, gateway: ['10.0.0.1'] }))
    expect(error.problems?.map(({ field }) => field)).toEqual(['subnets[0]'])
  })

  test('may masquerade as given addresses, of each family', () => {
    expect(parseNetwork({ ...good, masquerade: { to: '10.9.9.9' } }).masquerade).toEqual({
      to: [{ family: 4, address: '10.9.9.9' }],
      fullyRandom: false,
    })
    const both = {
      subnets: ['192.168.0.0/16', 'fd00::/64'],
      masquerade: { to: ['FD00::9', '10.9.9.9'], fullyRandom: true },
    }
    expect(parseNetwork({ ...good, ...both }).masquerade).toEqual({
      to: [
        { family: 4, address: '10.9.9.9' },
        { family: 6, address: 'fd00::9' },
      ],
      fullyRandom: true,
    })
  })

  test('may have any MTU that its families work with', () => {
    expect(parseNetwork({ ...good, mtu: 68 }).mtu).toBe(68)
    expect(parseNetwork({ ...good, subnets: ['fd00::/64'], mtu: 1280 }).mtu).toBe(1280)
  })

  test.each([undefined, null, 7, 'br0', [], () => 1])('is not %j', input => {
    expect(refusal(() => parseNetwork(input)).problems?.length).toBeGreaterThan(0)
  })
})

describe('a namespace', () => {
  test('gets its defaults', () => {
    expect(parseNamespace({}, single)).toEqual({
      name: null,
      interface: 'eth0',
      hostInterface: null,
      addresses: [],
      mtu: 'auto',
      routes: [],
      dns: { servers: [], search: [] },
      sysctls: [],
    })
    expect(parseNamespace({}, { ...single, mtu: 1400 }).mtu).toBe(1400)
  })

  test('keeps what is given, in canonical form', () => {
    const input = {
      name: 'ns0',
      interface: 'ceth0',
      hostInterface: 'veth0',
      addresses: ['192.168.0.2/16', 'FD00::0:2'],
      mtu: 9000,
    }
    expect(parseNamespace(input, dual)).toEqual({
      ...input,
      addresses: [
        { family: 4, address: '192.168.0.2', prefix: 16 },
        { family: 6, address: 'fd00::2', prefix: 64 },
      ],
      routes: [],
      dns: { servers: [], search: [] },
      sysctls: [],
    })
  })

  test('may have routes, name servers and settings of its own', () => {
    const input = {
      routes: [{ to: '10.0.0.0/8' }, { to: 'FD01::/64', via: 'fd00::0:9' }],
      dns: { servers: ['192.168.0.1', 'FD00::1'], search: ['example.org'] },
      sysctls: {
        'net.ipv4.tcp_syncookies': 0,
        'net/ipv4/conf/a.b/forwarding': '1',
        'net.ipv4.conf.a/b.forwarding': '1',
      },
    }
    expect(parseNamespace(input, dual)).toMatchObject({
      routes: [
        { family: 4, to: '10.0.0.0/8', via: null },
        { family: 6, to: 'fd01::/64', via: 'fd00::9' },
      ],
      dns: { servers: ['192.168.0.1', 'fd00::1'], search: ['example.org'] },
      sysctls: [
        { key: 'net/ipv4/tcp_syncookies', value: '0' },
        { key: 'net/ipv4/conf/a.b/forwarding', value: '1' },
        { key: 'net/ipv4/conf/a.b/forwarding', value: '1' },
      ],
    })
    expect(parseNamespace({ routes: false }, dual).routes).toBeNull()
  })

  test.each([
    ['name', { name: 'a/b' }, 'EGRESSD_INVALID_NAME'],
    ['name', { name: '..' }, 'EGRESSD_INVALID_NAME'],
    ['name', { name: '-a' }, 'EGRESSD_INVALID_NAME'],
    ['name', { name: 7 }, 'EGRESSD_INVALID_SPEC'],
    ['interface', { interface: 'abcdefghijklmnop' }, 'EGRESSD_INVALID_INTERFACE_NAME'],
    ['interface', { interface: 'a b' }, 'EGRESSD_INVALID_INTERFACE_NAME'],
    ['interface', { interface: 'lo' }, 'EGRESSD_INVALID_INTERFACE_NAME'],
    ['hostInterface', { hostInterface: 'a/b' }, 'EGRESSD_INVALID_INTERFACE_NAME'],
    ['hostInterface', { hostInterface: 'br0' }, 'EGRESSD_DUPLICATE'],
    ['addresses', { addresses: '192.168.0.2' }, 'EGRESSD_INVALID_SPEC'],
    ['addresses[0]', { addresses: ['192.168.0'] }, 'EGRESSD_INVALID_ADDRESS'],
    ['addresses[0]', { addresses: ['192.168.0.2/'] }, 'EGRESSD_INVALID_ADDRESS'],
    ['addresses[0]', { addresses: ['192.168.0.2/24'] }, 'EGRESSD_INVALID_ADDRESS'],
    ['addresses[0]', { addresses: ['127.0.0.1'] }, 'EGRESSD_INVALID_ADDRESS'],
    ['addresses[0]', { addresses: ['fe80::1'] }, 'EGRESSD_INVALID_ADDRESS'],
    ['addresses[0]', { addresses: ['10.0.0.2'] }, 'EGRESSD_ADDRESS_OUTSIDE_SUBNET'],
    ['addresses[0]', { addresses: ['192.168.0.0'] }, 'EGRESSD_ADDRESS_RESERVED'],
    ['addresses[0]', { addresses: ['192.168.255.255'] }, 'EGRESSD_ADDRESS_RESERVED'],
    ['addresses[0]', { addresses: ['192.168.0.1'] }, 'EGRESSD_ADDRESS_RESERVED'],
    ['addresses[0]', { addresses: ['fd00::'] }, 'EGRESSD_ADDRESS_RESERVED'],
    ['addresses[0]', { addresses: ['fd00::1'] }, 'EGRESSD_ADDRESS_RESERVED'],
    ['addresses[1]', { addresses: ['192.168.0.2', '192.168.0.2'] }, 'EGRESSD_DUPLICATE'],
    ['addresses[1]', { addresses: ['192.168.0.2', '192.168.0.3'] }, 'EGRESSD_DUPLICATE'],
    ['mtu', { mtu: 68 }, 'EGRESSD_INVALID_SPEC'],
    ['mtu', { mtu: 1279 }, 'EGRESSD_INVALID_SPEC'],
    ['mtu', { mtu: 67 }, 'EGRESSD_INVALID_SPEC'],
    ['routes[0].to', { routes: [{ to: 7 }] }, 'EGRESSD_INVALID_SPEC'],
    ['routes[0].to', { routes: [{ to: '0.0.0.0/0' }] }, 'EGRESSD_INVALID_SUBNET'],
    ['routes[0].via', { routes: [{ to: '10.0.0.0/8', via: 'x' }] }, 'EGRESSD_INVALID_ADDRESS'],
    ['mtu', { mtu: 1000 }, 'EGRESSD_INVALID_SPEC'],
    ['routes', { routes: true }, 'EGRESSD_INVALID_SPEC'],
    ['routes', { routes: {} }, 'EGRESSD_INVALID_SPEC'],
    ['routes[0]', { routes: ['10.0.0.0/8'] }, 'EGRESSD_INVALID_SPEC'],
    ['routes[0].to', { routes: [{}] }, 'EGRESSD_INVALID_SPEC'],
    ['routes[0].too', { routes: [{ to: '10.0.0.0/8', too: 1 }] }, 'EGRESSD_INVALID_SPEC'],
    ['routes[0].to', { routes: [{ to: '0.0.0.0/0' }] }, 'EGRESSD_INVALID_SUBNET'],
    ['routes[1].to', { routes: [{ to: '10.0.0.0/8' }, { to: '10.0.0.1/8' }] }, 'EGRESSD_INVALID_SUBNET'],
    ['routes[0].via', { routes: [{ to: '10.0.0.0/8', via: 'gateway' }] }, 'EGRESSD_INVALID_ADDRESS'],
    ['routes[0].via', { routes: [{ to: '10.0.0.0/8', via: 'fd00::9' }] }, 'EGRESSD_FAMILY_MISMATCH'],
    ['routes[0].via', { routes: [{ to: '10.0.0.0/8', via: '10.0.0.1' }] }, 'EGRESSD_ADDRESS_OUTSIDE_SUBNET'],
    ['routes[1].to', { routes: [{ to: '10.0.0.0/8' }, { to: '10.0.0.0/8' }] }, 'EGRESSD_DUPLICATE'],
    ['dns.servers[0]', { dns: { servers: ['one'] } }, 'EGRESSD_INVALID_ADDRESS'],
    ['dns.search[0]', { dns: { search: ['a b'] } }, 'EGRESSD_INVALID_NAME'],
    ['sysctls.kernel.panic', { sysctls: { 'kernel.panic': 1 } }, 'EGRESSD_INVALID_SPEC'],
    [
      'sysctls.net.ipv6.conf.all.disable_ipv6',
      { sysctls: { 'net.ipv6.conf.all.disable_ipv6': 1 } },
      'EGRESSD_INVALID_SPEC',
    ],
    [
      'sysctls.net/ipv6/conf/e.0/disable_ipv6',
      { interface: 'e.0', sysctls: { 'net/ipv6/conf/e.0/disable_ipv6': '1' } },
      'EGRESSD_INVALID_SPEC',
    ],
    ['sysctls.net.ipv4.../x', { sysctls: { 'net.ipv4.../x': 1 } }, 'EGRESSD_INVALID_SPEC'],
    ['ip', { ip: '192.168.0.2' }, 'EGRESSD_INVALID_SPEC'],
  ])('is refused for its %s in %j', (field, input, code) => {
    const error = refusal(() => parseNamespace(input, dual))
    expect(error).toMatchObject({ code, field, problems: [{ field, code }] })
  })

  test('may turn IPv6 off where its network has none, or where it does not need it', () => {
    const off = (name: string, value = 1) => ({ sysctls: { [`net.ipv6.conf.${name}.disable_ipv6`]: value } })
    const four = parseNetwork({ name: 'br4', subnets: ['10.4.0.0/24'] })
    for (const name of ['all', 'eth0']) {
      expect(parseNamespace(off(name), four).sysctls).toHaveLength(1)
      expect(parseNamespace(off(name, 0), dual).sysctls).toHaveLength(1)
    }
    for (const name of ['lo', 'default', 'tap0']) expect(parseNamespace(off(name), dual).sysctls).toHaveLength(1)
  })

  test.each([
    ['kernel.panic', 'is not one of a network namespace: it does not begin with "net."'],
    ['net.ipv4.../x', 'is not the name of a sysctl'],
    [`net.${'x'.repeat(253)}`, 'has 257 characters; the most is 256'],
  ])('is told what is wrong with the name of the sysctl %s', (name, what) => {
    expect(refusal(() => parseNamespace({ sysctls: { [name]: 1 } }, dual)).message).toBe(
      `sysctls.${name}: the name ${what}`,
    )
  })

  test('may have any MTU that the families of its network work with', () => {
    expect(parseNamespace({ mtu: 68 }, single).mtu).toBe(68)
    expect(parseNamespace({ mtu: 1280 }, dual).mtu).toBe(1280)
    const six = parseNetwork({ name: 'br0', subnets: ['fd00::/64'] })
    expect(refusal(() => parseNamespace({ mtu: 1279 }, six)).message).toBe('mtu: 1279 is less than IPv6 needs, 1280')
  })

  test('keeps what it says besides its name', () => {
    expect(parseNamespace({ name: 'ns0' }, single)).toMatchObject({ name: 'ns0', interface: 'eth0' })
    expect(parseNamespace({ name: 'ns0', interface: 'ceth0' }, single)).toMatchObject({
      name: 'ns0',
      interface: 'ceth0',
    })
    expect(parseNamespace({ interface: 'ceth0' }, single)).toMatchObject({ name: null, interface: 'ceth0' })
  })

  test.each([undefined, null, 7, '', 'ns0', [7]])('is not %j', input => {
    expect(refusal(() => parseNamespace(input, single)).problems).toHaveLength(1)
  })

  test('has no IPv6 address in a network without', () => {
    expect(refusal(() => parseNamespace({ addresses: ['fd00::2'] }, single)).code).toBe('EGRESSD_FAMILY_MISMATCH')
  })
})

describe('several namespaces', () => {
  test('have the fields of each told apart', () => {
    const error = refusal(() => parseNamespaces([{ name: 'a' }, { name: 'b c' }, 'd'], single))
    expect(error.problems?.map(({ field, message }) => [field, message])).toEqual([
      ['namespaces[1].name', 'namespaces[1].name: "b c" has " " in it'],
      ['namespaces[2]', 'namespaces[2]: "d" is not an object'],
    ])
  })

  test('share neither name nor host interface nor address', () => {
    const one = { name: 'a', hostInterface: 'v', addresses: ['192.168.0.2'] }
    const error = refusal(() => parseNamespaces([one, { ...one, addresses: ['192.168.0.2/16'] }], single))
    expect(error.problems?.map(({ field, code }) => [field, code])).toEqual([
      ['namespaces[1].name', 'EGRESSD_DUPLICATE'],
      ['namespaces[1].hostInterface', 'EGRESSD_DUPLICATE'],
      ['namespaces[1].addresses[0]', 'EGRESSD_DUPLICATE'],
    ])
    expect(error.message).toContain('namespaces[1].name: "a" is that of namespaces[0].name too')
  })

  test('may share the interface inside, and be anonymous', () => {
    expect(parseNamespaces([{}, {}, { name: 'a' }], single)).toHaveLength(3)
  })
})

test('the schemas say themselves as JSON Schema', () => {
  expect(z.toJSONSchema(networkInput, { io: 'input' })).toMatchObject({
    required: ['name', 'subnets'],
    additionalProperties: false,
  })
  expect(z.toJSONSchema(namespaceInput, { io: 'input' })).toMatchObject({ additionalProperties: false })
})
