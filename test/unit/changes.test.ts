import { describe, expect, test } from 'vitest'
import { decide, type Known } from '../../src/plan/changes.js'
import { linkName } from '../../src/plan/desired.js'
import { parseSpec } from '../../src/spec/document.js'
import type { SpecInput } from '../../src/spec/schema.js'

const br0 = { name: 'br0', subnets: ['192.168.0.0/16'] }
const input: SpecInput = {
  networks: [br0, { name: 'rt0', mode: 'routed', subnets: ['10.0.0.0/16'] }],
  namespaces: [
    { name: 'a', network: 'br0', addresses: ['192.168.0.2'] },
    { name: 'b', network: 'br0' },
  ],
}

/** As if it had been applied; who asks for no address got one. */
function known(given: SpecInput): Known {
  const { networks, namespaces } = parseSpec(given)
  return {
    networks: new Map(networks.map(spec => [spec.name, spec])),
    namespaces: new Map(
      namespaces.map((spec, i) => [
        spec.name,
        {
          network: spec.network,
          spec,
          hostInterface: spec.hostInterface ?? linkName(spec.network, spec.name),
          addresses: spec.addresses.length > 0 ? spec.addresses.map(({ address }) => address) : [`192.168.9.${i}`],
          anonymous: false,
        },
      ]),
    ),
  }
}

const decided = (wanted: SpecInput, stands: Known, prune = false) => {
  const { decisions, blocked } = decide(parseSpec(wanted), stands, prune)
  return [
    ...decisions.map(({ action, name, fields }) => [action, name, ...fields.map(({ field }) => field)].join(' ')),
    ...blocked,
  ]
}
const nothing: Known = { networks: new Map(), namespaces: new Map() }
const namespaces = (a: object, b: object = {}) => ({
  ...input,
  namespaces: [
    { name: 'a', network: 'br0', addresses: ['192.168.0.2'], ...a },
    { name: 'b', network: 'br0', ...b },
  ],
})

describe('what is decided', () => {
  test.each<[string, SpecInput, Known, string[]]>([
    ['all is made where nothing is', input, nothing, ['create br0', 'create rt0', 'create a', 'create b']],
    ['all is kept where all is so', input, known(input), ['keep br0', 'keep rt0', 'keep a', 'keep b']],
    ['mtu', namespaces({ mtu: 1400 }), known(input), ['keep br0', 'keep rt0', 'update a mtu', 'keep b']],
    [
      'routes, dns and sysctls',
      namespaces({ routes: false, dns: { servers: ['9.9.9.9'] }, sysctls: { 'net.core.somaxconn': 1 } }),
      known(input),
      ['keep br0', 'keep rt0', 'update a routes dns sysctls', 'keep b'],
    ],
    [
      'an address',
      namespaces({ addresses: ['192.168.0.3'] }),
      known(input),
      ['keep br0', 'keep rt0', 'update a addresses', 'keep b'],
    ],
    [
      'no address is no change',
      namespaces({ addresses: [] }),
      known(input),
      ['keep br0', 'keep rt0', 'keep a', 'keep b'],
    ],
    [
      'a name inside takes it down',
      namespaces({ interface: 'x' }),
      known(input),
      ['keep br0', 'keep rt0', 'replace a interface', 'keep b'],
    ],
  ])('%s', (_what, wanted, stands, expected) => {
    expect(decided(wanted, stands)).toEqual(expected)
  })

  test('two that swap their addresses both go first', () => {
    const before = namespaces({}, { addresses: ['192.168.0.3'] })
    const after = namespaces({ addresses: ['192.168.0.3'] }, { addresses: ['192.168.0.2'] })
    expect(decided(after, known(before)).slice(2)).toEqual(['replace a addresses', 'replace b addresses'])
  })

  test('one that was given an address which another asks for, or the gateway, is made again', () => {
    const stands = known(input)
    const taking = namespaces({ addresses: ['192.168.9.1'] })
    expect(decided(taking, stands).slice(2)).toEqual(['update a addresses', 'replace b addresses'])
    const gateway = { ...input, networks: [{ ...br0, gateway: ['192.168.9.1'] }, ...(input.networks ?? []).slice(1)] }
    expect(decided(gateway, stands).slice(2)).toEqual(['keep a', 'replace b addresses'])
  })

  test('what changes a network in place, and what replaces it with all that is in it', () => {
    const changed = (fields: object) => ({
      ...input,
      networks: [{ ...br0, ...fields }, ...(input.networks ?? []).slice(1)],
    })
    for (const fields of [{ isolated: true }, { masquerade: false }, { hostAccess: 'all' }, { admit: false }])
      expect(decided(changed(fields), known(input))).toEqual([
        `update br0 ${Object.keys(fields)}`,
        'keep rt0',
        'keep a',
        'keep b',
      ])
    for (const fields of [{ mode: 'routed' }, { bridge: 'br1' }])
      expect(decided(changed(fields), known(input))).toEqual([
        `replace br0 ${Object.keys(fields)}`,
        'keep rt0',
        'replace a',
        'replace b',
      ])
  })

  test('prune takes what is not wanted; without it, it stays, and is in the way of what would cut it off', () => {
    const less = { networks: (input.networks ?? []).slice(1) }
    expect(decided(less, known(input))).toEqual(['keep rt0'])
    expect(decided(less, known(input), true)).toEqual(['keep rt0', 'delete br0', 'delete a', 'delete b'])
    const other = { networks: [{ ...br0, mode: 'routed' as const }] }
    expect(decided(other, known(input))).toEqual(['replace br0 mode', { network: 'br0', namespaces: ['a', 'b'] }])
    expect(decided(other, known(input), true)).toEqual(['replace br0 mode', 'delete rt0', 'delete a', 'delete b'])
  })

  test('anonymous ones are not pruned, and in the way', () => {
    const stands = known(input)
    const a = stands.namespaces.get('a')
    const anonymous = new Map([['anonymous-1-1', { ...(a as NonNullable<typeof a>), anonymous: true }]])
    const { decisions, blocked } = decide(parseSpec({}), { ...stands, namespaces: anonymous }, true)
    expect(decisions.map(({ name }) => name)).toEqual(['br0', 'rt0'])
    expect(blocked).toEqual([{ network: 'br0', namespaces: ['anonymous-1-1'] }])
  })
})

test('one of several fields that replace is enough; which name an interface has by default is no change', () => {
  const stands = known(input)
  expect(decided(namespaces({ interface: 'eth9', mtu: 1400 }), stands)).toContain('replace a interface mtu')
  // Made under another name, as what a pool had ready.
  const a = stands.namespaces.get('a') as NonNullable<ReturnType<typeof stands.namespaces.get>>
  const claimed = { ...stands, namespaces: new Map([...stands.namespaces, ['a', { ...a, hostInterface: 've0123' }]]) }
  expect(decided(input, claimed)).toContain('keep a')
  expect(decided(namespaces({ hostInterface: 'veth7' }), claimed)).toContain('replace a hostInterface')
})

test('one that gives way for its address says which it keeps', () => {
  const stands = known(input)
  const b = stands.namespaces.get('b') as NonNullable<ReturnType<typeof stands.namespaces.get>>
  const two = { ...b, addresses: ['192.168.9.1', 'fd00::7'] }
  const both = { ...stands, namespaces: new Map([...stands.namespaces, ['b', two]]) }
  const { decisions } = decide(parseSpec(namespaces({ addresses: ['192.168.9.1'] })), both, false)
  expect(decisions.find(({ name }) => name === 'b')).toMatchObject({
    action: 'replace',
    fields: [{ field: 'addresses', from: two.addresses, to: ['fd00::7'] }],
  })
})

describe('namespaces that the document does not have', () => {
  const both = [{ network: 'br0', namespaces: ['a', 'b'] }]
  test.each<[string, object, typeof both]>([
    ['are not in the way of a network that stays', {}, []],
    ['nor of what does not concern them', { isolated: true }, []],
    ['are in the way of another subnet', { subnets: ['192.168.0.0/17'] }, both],
    ['and of another MTU', { mtu: 1400 }, both],
    ['with whatever else is changed', { mtu: 1400, isolated: true, admit: false }, both],
  ])('%s', (_what, change, expected) => {
    const wanted = parseSpec({ networks: [{ ...br0, ...change }] })
    expect(decide(wanted, known(input), false).blocked).toEqual(expected)
  })
})
