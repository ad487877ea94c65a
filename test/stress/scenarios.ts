import type { SpecInput } from '../../src/spec/schema.js'
import type { Step } from './shim.js'
import type { Scenario } from './world.js'

type Firewall = Scenario['firewall']
type Mode = 'bridge' | 'routed'

const backends = ['nftables', 'xtables'] as const
const modes = ['bridge', 'routed'] as const

function spec(firewall: Firewall, mode: Mode, networks: object[], namespaces: object[]): Step {
  const options = { networks: networks.map(network => ({ mode, firewall, ...network })), namespaces }
  return { do: 'apply', options: options as unknown as SpecInput }
}

const subnets = (n: number) => [`10.${n}.0.0/16`, `fd00:${n}::/64`]

/**
 * A spec, and then another one: of networks and of namespaces there is one that stays as it is, one that is changed, one that
 * was broken, one that is new and one that goes. The bystander stays.
 */
const change = (firewall: Firewall, mode: Mode): Scenario => ({
  name: `${firewall}, ${mode}`,
  firewall,
  points: 120,
  before: [
    spec(
      firewall,
      mode,
      [
        { name: 'net0', subnets: subnets(1) },
        { name: 'net1', subnets: subnets(2) },
        { name: 'net2', subnets: subnets(3), mtu: 1400 },
      ],
      [
        { name: 'by0', network: 'net0' },
        { name: 'broken', network: 'net0', hostInterface: 'broken0' },
        { name: 'moved', network: 'net0', addresses: ['10.1.0.50', 'fd00:1::50'] },
        { name: 'old', network: 'net0' },
        { name: 'gone', network: 'net1', dns: { servers: ['9.9.9.9'] } },
        { name: 'wide', network: 'net2' },
      ],
    ),
  ],
  damage: [
    ['ip', 'link', 'del', 'broken0'],
    ['ip', '-6', 'addr', 'flush', 'dev', 'net2'],
  ],
  steps: [
    spec(
      firewall,
      mode,
      [
        { name: 'net0', subnets: subnets(1) },
        { name: 'net2', subnets: subnets(4), mtu: 1300 },
        { name: 'net3', subnets: subnets(5), isolated: true },
      ],
      [
        { name: 'by0', network: 'net0' },
        { name: 'broken', network: 'net0', hostInterface: 'broken0' },
        { name: 'moved', network: 'net0', addresses: ['10.1.0.60', 'fd00:1::60'] },
        { name: 'new1', network: 'net0' },
        { name: 'wide', network: 'net2' },
        { name: 'new2', network: 'net3', hostInterface: 'new2', dns: { servers: ['9.9.9.9'] } },
      ],
    ),
  ],
})

/** The same with one call for each thing. */
const calls = (firewall: Firewall): Scenario => {
  const network = (name: string, n: number): Step => ({ do: 'network', options: { name, subnets: subnets(n) } })
  const create = (on: string, name: string, options: object = {}): Step => ({
    do: 'create',
    network: on,
    options: { name, ...options },
  })
  return {
    name: `${firewall}, call by call`,
    firewall,
    points: 80,
    before: [
      network('net0', 1),
      create('net0', 'by0'),
      create('net0', 'hurt', { hostInterface: 'hurt0' }),
      create('net0', 'old'),
      network('net9', 9),
      create('net9', 'last'),
    ],
    damage: [
      ['ip', 'link', 'del', 'hurt0'],
      ['ip', 'addr', 'del', '10.9.0.1/16', 'dev', 'net9'],
    ],
    steps: [
      network('net0', 1),
      network('net1', 2),
      create('net1', 'new1', { hostInterface: 'new1', addresses: ['10.2.0.77'] }),
      create('net0', 'new2'),
      create('net0', 'hurt', { hostInterface: 'hurt0' }),
      { do: 'destroy', name: 'old' },
      network('net9', 9),
      { do: 'destroy', name: 'last', wait: 'gone' },
      { do: 'remove', name: 'net9' },
    ],
  }
}

export const scenarios: Scenario[] = [
  ...backends.flatMap(firewall => modes.map(mode => change(firewall, mode))),
  ...backends.map(calls),
]
