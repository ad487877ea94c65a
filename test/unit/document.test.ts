import { describe, expect, test } from 'vitest'
import { type EgressError, isEgressError } from '../../src/errors.js'
import { parseSpec, specSchema } from '../../src/spec/document.js'

function refusal(input: unknown): EgressError {
  try {
    parseSpec(input)
  } catch (error) {
    if (isEgressError(error)) return error
    throw error
  }
  throw new Error('was not refused')
}

const br0 = { name: 'br0', subnets: ['192.168.0.0/16'] }

describe('a document', () => {
  test('may be empty', () => {
    expect(parseSpec({})).toEqual({ networks: [], namespaces: [] })
  })

  test('of what has no value to compare is refused by its field', () => {
    const subnets = { length: Object.create(null) }
    expect(refusal({ networks: [{ name: 'br0', subnets }] }).problems?.[0]?.field).toMatch(/^networks\[0\]/)
  })

  test('has networks, and namespaces that say which they are of', () => {
    const { networks, namespaces } = parseSpec({
      networks: [br0, { name: 'rt0', mode: 'routed', subnets: ['10.0.0.0/16'] }],
      namespaces: [{ name: 'a', network: 'rt0', addresses: ['10.0.0.2'] }],
    })
    expect(networks.map(({ name, mode }) => [name, mode])).toEqual([
      ['br0', 'bridge'],
      ['rt0', 'routed'],
    ])
    expect(namespaces).toMatchObject([{ name: 'a', network: 'rt0', addresses: [{ address: '10.0.0.2', prefix: 16 }] }])
  })

  test.each([
    [null, '', 'EGRESSD_INVALID_SPEC'],
    [[], '', 'EGRESSD_INVALID_SPEC'],
    [{ networks: {} }, 'networks', 'EGRESSD_INVALID_SPEC'],
    [{ netwroks: [] }, 'netwroks', 'EGRESSD_INVALID_SPEC'],
    [{ networks: ['br0'] }, 'networks[0]', 'EGRESSD_INVALID_SPEC'],
    [
      { networks: [{ ...br0, subnets: [{ toString: 0 }], gateway: ['192.168.0.1'] }] },
      'networks[0].subnets[0]',
      'EGRESSD_INVALID_SPEC',
    ],
    [{ networks: [{ ...br0, subnets: ['1.2.3.4/8'] }] }, 'networks[0].subnets[0]', 'EGRESSD_INVALID_SUBNET'],
    [{ networks: [br0, { ...br0, subnets: ['10.0.0.0/8'], bridge: 'x' }] }, 'networks[1].name', 'EGRESSD_DUPLICATE'],
    [
      { networks: [br0, { name: 'b', bridge: 'br0', subnets: ['10.0.0.0/8'] }] },
      'networks[1].bridge',
      'EGRESSD_DUPLICATE',
    ],
    [{ networks: [br0, { name: 'b', subnets: ['192.168.1.0/24'] }] }, 'networks[1].subnets', 'EGRESSD_SUBNET_OVERLAP'],
    [{ namespaces: [{ name: 'a', network: 'br0' }] }, 'namespaces[0].network', 'EGRESSD_NOT_FOUND'],
    [{ networks: [br0], namespaces: [{ network: 'br0' }] }, 'namespaces[0].name', 'EGRESSD_INVALID_SPEC'],
    [{ networks: [br0], namespaces: [{ name: 'a' }] }, 'namespaces[0].network', 'EGRESSD_INVALID_SPEC'],
    [
      { networks: [br0], namespaces: [{ name: 'a', network: 'br0', hostInterface: 'br0' }] },
      'namespaces[0].hostInterface',
      'EGRESSD_DUPLICATE',
    ],
    [
      { networks: [br0], namespaces: ['a', 'a'].map(name => ({ name, network: 'br0' })) },
      'namespaces[1].name',
      'EGRESSD_DUPLICATE',
    ],
    [
      { networks: [br0], namespaces: ['a', 'b'].map(name => ({ name, network: 'br0', addresses: ['192.168.0.2'] })) },
      'namespaces[1].addresses[0]',
      'EGRESSD_DUPLICATE',
    ],
  ])('is refused: %j', (input, field, code) => {
    const [first] = refusal(input).problems ?? []
    expect(first).toMatchObject({ field, code })
  })

  test('says of a network that is wrong what is wrong, and not that it is missing', () => {
    const networks = [{ name: 'br0', subnets: ['10.0.0.0/8'], hostAccess: 'some' }]
    const { problems } = refusal({ networks, namespaces: [{ name: 'a', network: 'br0' }] })
    expect(problems?.map(({ field }) => field)).toEqual(['networks[0].hostAccess'])
  })

  test('names the other one of two that overlap, be it by its place', () => {
    const overlap = (other: object) =>
      refusal({
        networks: [
          { ...br0, ...other },
          { ...br0, name: 'br1' },
        ],
      }).problems?.at(-1)?.message
    expect(overlap({})).toMatch(/ of network br0$/)
    expect(overlap({ foo: 1 })).toMatch(/ of networks\[0\]$/)
  })

  test('puts no more namespaces on a bridge than it takes; routed, there is no such limit', () => {
    const namespaces = Array.from({ length: 1024 }, (_, i) => ({ name: `n${i}`, network: 'br0' }))
    expect(parseSpec({ networks: [br0], namespaces: namespaces.slice(1) }).namespaces).toHaveLength(1023)
    expect(refusal({ networks: [br0], namespaces })).toMatchObject({
      code: 'EGRESSD_NETWORK_FULL',
      field: 'namespaces[1023].network',
    })
    expect(parseSpec({ networks: [{ ...br0, mode: 'routed' }], namespaces }).namespaces).toHaveLength(1024)
  })

  test('is what its JSON Schema says: every field of ours is in it', () => {
    const { properties } = specSchema() as { properties: Record<string, { items: { properties: object } }> }
    expect(Object.keys(properties.networks?.items.properties ?? {}).sort()).toEqual(
      'admit bridge firewall gateway hostAccess isolated masquerade mode mtu name subnets'.split(' '),
    )
    expect(Object.keys(properties.namespaces?.items.properties ?? {}).sort()).toEqual(
      'addresses dns hostInterface interface mtu name network routes sysctls'.split(' '),
    )
  })
})
