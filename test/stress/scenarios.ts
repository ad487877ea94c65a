import type { SpecInput } from '../../src/spec/schema.js'
import type { ErrorScenario } from './errors.js'
import type { Step } from './shim.js'
import type { Scenario } from './world.js'

type Json = Record<string, unknown>

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

/**
 * The same with one call for each thing. What is made and destroyed again in one go has addresses of its own: another process
 * that takes these steps does so once more, and what comes after must get the same then.
 */
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
    points: 150,
    before: [
      network('net0', 1),
      create('net0', 'by0'),
      create('net0', 'hurt', { hostInterface: 'hurt0' }),
      create('net0', 'old'),
      { do: 'createMany', network: 'net0', options: [{ name: 'old1' }, { name: 'old2' }] },
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
      {
        do: 'createMany',
        network: 'net0',
        options: [
          { name: 'brief1', addresses: ['10.1.7.1', 'fd00:1::71'] },
          { name: 'many1' },
          { name: 'many2' },
          { name: 'brief2', addresses: ['10.1.7.2', 'fd00:1::72'] },
        ],
      },
      { do: 'destroyMany', network: 'net0', options: ['brief1', 'old1', 'old2', 'brief2'], wait: 'gone' },
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

/** The same as requests of a daemon, with one for what stands no longer than it. */
export const requests: Scenario = (() => {
  const { steps, ...rest } = calls('nftables')
  const [first, second, ...others] = steps as [Step, Step, ...Step[]]
  return {
    ...rest,
    steps: [
      first,
      second,
      // A daemon that is started anew makes another one.
      { do: 'anonymous', network: 'net1', options: { addresses: ['10.2.7.1', 'fd00:2::71'] } },
      ...others,
      { do: 'destroy', name: '(anonymous)', wait: 'gone' },
    ],
  }
})()

/** Each thing that is made or unmade, alone; and a document that changes into another one and back. */
export const errorScenario = (firewall: Firewall, mode: Mode): ErrorScenario => {
  const { before, steps } = change(firewall, mode)
  const fixed = (step: Step, first: number): Step => {
    const { networks, namespaces } = step.options as {
      networks: { name: string; subnets: string[] }[]
      namespaces: Json[]
    }
    // With addresses of their own, so that it is the same each time.
    const given = namespaces.map((namespace, i) => {
      const { subnets: of } = networks.find(({ name }) => name === namespace.network) as { subnets: string[] }
      return {
        addresses: of.map(subnet =>
          subnet.replace(/(\.0)?\.0\/16|\/64/, text => (text === '/64' ? `${first + i}` : `.7.${first + i}`)),
        ),
        ...namespace,
      }
    })
    return { do: 'apply', options: { networks, namespaces: given } }
  }
  const [was, is] = [fixed(before[0] as Step, 100), fixed(steps[0] as Step, 100)]
  const one = { mode, firewall, name: 'net8', subnets: subnets(8) }
  const own = {
    name: 'own',
    hostInterface: 'own0',
    addresses: ['10.1.9.9', 'fd00:1::99'],
    dns: { servers: ['9.9.9.9'] },
  }
  const create: Step = { do: 'create', network: 'net0', options: own }
  const destroy: Step = { do: 'destroy', name: 'own', wait: 'gone' }
  const several = [1, 2, 3].map(i => ({ name: `own${i}`, addresses: [`10.1.9.1${i}`, `fd00:1::9:${i}`] }))
  const createMany: Step = { do: 'createMany', network: 'net0', options: several }
  const names = several.map(({ name }) => name)
  const destroyMany: Step = { do: 'destroyMany', network: 'net0', options: names, wait: 'gone' }
  return {
    name: `${firewall}, ${mode}`,
    firewall,
    points: 0,
    before: [was],
    damage: [],
    steps: [],
    tries: [
      { name: 'a network', step: { do: 'network', options: one }, back: { do: 'remove', name: 'net8' }, whole: true },
      { name: 'no network', step: { do: 'remove', name: 'net8' }, back: { do: 'network', options: one }, whole: false },
      { name: 'a namespace', step: create, back: destroy, whole: true },
      { name: 'no namespace', step: destroy, back: create, whole: false },
      // Each of them for itself: one may be refused where others are made.
      { name: 'several namespaces', step: createMany, back: destroyMany, whole: false },
      { name: 'no namespaces', step: destroyMany, back: createMany, whole: false },
      { name: 'another document', step: is, back: was, whole: false, long: true },
    ],
  }
}
