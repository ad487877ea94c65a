// A network and a namespace with every choice made.
import { describe, expect, test } from 'vitest'
import { aliasOf, desireNamespace, desireNetwork, linkName, resolvConf } from '../../src/plan/desired.js'
import { parseNamespace } from '../../src/spec/namespace.js'
import { parseNetwork } from '../../src/spec/network.js'

const spec = parseNetwork({ name: 'br0', subnets: ['fd00::/64', '192.168.0.0/16'] })
const network = desireNetwork(spec, 1500)
const addresses = [
  { family: 4 as const, address: '192.168.0.2' },
  { family: 6 as const, address: 'fd00::2' },
]
const chosen = { name: 'ns0', pin: null, addresses, mtu: 1400 }

test('a network: what its interface is called and marked with', () => {
  const { bridge, mac, alias, mtu } = desireNetwork(
    parseNetwork({ name: 'n', bridge: 'br1', subnets: ['10.0.0.0/8'] }),
    9000,
  )
  expect({ bridge, mac, alias, mtu }).toEqual({
    bridge: 'br1',
    mac: '42:65:0a:00:00:01',
    alias: 'egressd:n',
    mtu: 9000,
  })
  // That of its first subnet, which is of IPv4 where it has one.
  expect(network.mac).toBe('42:65:c0:a8:00:01')
})

test('a namespace: everything there is', () => {
  const given = parseNamespace({ interface: 'eth1', dns: { servers: ['192.168.0.1'] } }, spec)
  expect(desireNamespace(given, network, chosen)).toEqual({
    name: 'ns0',
    network: 'br0',
    pin: null,
    interface: 'eth1',
    mac: '02:65:c0:a8:00:02',
    hostInterface: 'vef79db8fd5cf0',
    hostMac: '12:65:c0:a8:00:02',
    mtu: 1400,
    alias: 'egressd:br0/ns0',
    addresses: [
      { family: 4, address: '192.168.0.2', prefix: 16, gateway: '192.168.0.1' },
      { family: 6, address: 'fd00::2', prefix: 64, gateway: 'fd00::1' },
    ],
    routes: [],
    sysctls: [],
    resolvConf: '# Written by egressd, for this network namespace.\nnameserver 192.168.0.1\n',
  })
})

test('what it has already stays, unless something else is asked for', () => {
  const plain = parseNamespace({}, spec)
  const had = { ...chosen, hostInterface: 'veth7', alias: 'egressd:br0/spare' }
  expect(desireNamespace(plain, network, had)).toMatchObject({ hostInterface: 'veth7', alias: 'egressd:br0/spare' })
  const asked = parseNamespace({ hostInterface: 'veth8' }, spec)
  expect(desireNamespace(asked, network, had).hostInterface).toBe('veth8')
})

test('addresses: all bits in a routed network; those of families that it has not are left out', () => {
  const routed = desireNetwork(
    parseNetwork({ name: 'br0', mode: 'routed', subnets: ['fd00::/64', '192.168.0.0/16'] }),
    1500,
  )
  const of = (its: typeof network) => desireNamespace(parseNamespace({}, spec), its, chosen).addresses
  expect(of(routed).map(({ prefix }) => prefix)).toEqual([32, 128])
  expect(of(desireNetwork(parseNetwork({ name: 'br0', subnets: ['192.168.0.0/16'] }), 1500))).toEqual([
    { family: 4, address: '192.168.0.2', prefix: 16, gateway: '192.168.0.1' },
  ])
})

describe('resolv.conf', () => {
  const mark = '# Written by egressd, for this network namespace.\n'
  test.each([
    [[], [], null],
    [['192.168.0.1', 'fd00::1'], [], `${mark}nameserver 192.168.0.1\nnameserver fd00::1\n`],
    [[], ['example.org', 'example.com'], `${mark}search example.org example.com\n`],
    [['192.168.0.1'], ['example.org'], `${mark}nameserver 192.168.0.1\nsearch example.org\n`],
  ])('%j and %j', (servers, search, expected) => expect(resolvConf({ servers, search })).toBe(expected))
})

test('marks, and names of links that no record is needed for: FNV-1a of 64 bits, folded to 48', () => {
  expect([aliasOf('br0'), aliasOf('br0', 'ns0')]).toEqual(['egressd:br0', 'egressd:br0/ns0'])
  expect(['ns0', 'ns1', 'ä', 'n140'].map(name => linkName('br0', name))).toEqual([
    'vef79db8fd5cf0',
    'vef69db8fd5ebf',
    'veeb8ff63299ff',
    've0000275c3d6c',
  ])
})
