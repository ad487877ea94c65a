import { z } from 'zod'
import { overlaps, parseSubnet, type Subnet } from './cidr.js'
import { type NamespaceSpec, readNamespace } from './namespace.js'
import { type NetworkSpec, readNetwork } from './network.js'
import { type Path, Problems, pathText } from './problems.js'
import { namespaceEntry, specInput } from './schema.js'

/** A namespace of a document. */
export interface NamedNamespaceSpec extends NamespaceSpec {
  name: string
  network: string
}

/** All that should be there. */
export interface Spec {
  networks: NetworkSpec[]
  namespaces: NamedNamespaceSpec[]
}

/** JSON Schema (2020-12) of a document, as `apply` takes it, for editors and checkers. */
export function specSchema(): object {
  return z.toJSONSchema(specInput, { io: 'input' })
}

/** A whole document. Throws one {@link EgressError} with every problem there is, each with its path. */
export function parseSpec(input: unknown): Spec {
  const problems = new Problems(input)
  const lists = (['networks', 'namespaces'] as const).map(key => {
    const list = problems.at([key])
    return Array.isArray(list) ? list : []
  })
  // What is inside of the lists is read one by one: a network is looked at together with its namespaces.
  const frame = specInput.extend({
    networks: z.array(z.unknown()).default([]),
    namespaces: z.array(z.unknown()).default([]),
  })
  problems.read(frame as unknown as typeof specInput, [])
  const [networksGiven = [], namespacesGiven = []] = lists
  const networks = networksGiven.map((_, i) => readNetwork(problems, ['networks', i]))
  checkNetworks(problems, networks)
  // Of one that is wrong in itself, nothing more is said where it is asked for.
  const named = new Set(networksGiven.map((_, i) => problems.at(['networks', i, 'name'])))
  const once = onlyOnce(problems)
  for (const [i, { name, bridge }] of networks.entries()) {
    once(['networks', i, 'name'], 'network', name)
    once(['networks', i, bridge === name ? 'name' : 'bridge'], 'interface', bridge)
  }
  const namespaces = namespacesGiven.flatMap((_, i) => {
    const path: Path = ['namespaces', i]
    const name = problems.at([...path, 'network'])
    const network = networks.find(network => network.name === name)
    if (!network) {
      problems.read(namespaceEntry, path)
      if (typeof name === 'string' && name !== '' && !named.has(name))
        problems.add([...path, 'network'], 'EGRESSD_NOT_FOUND', 'is no network of this document')
      return []
    }
    const spec = readNamespace(problems, path, network, namespaceEntry)
    once([...path, 'name'], 'namespace', spec.name)
    once([...path, 'hostInterface'], 'interface', spec.hostInterface)
    spec.addresses.forEach(({ address }, j) => {
      once([...path, 'addresses', j], 'address', address)
    })
    return [{ ...spec, name: spec.name ?? '', network: network.name }]
  })
  checkRoom(problems, networks, namespacesGiven)
  problems.throwIfAny()
  return { networks, namespaces }
}

/** BR_MAX_PORTS, less the number that no port has (net/bridge/br_private.h). */
const mostPorts = 1023

function checkRoom(problems: Problems, networks: readonly NetworkSpec[], namespaces: readonly unknown[]): void {
  const ports = new Map<unknown, number>()
  for (const [i] of namespaces.entries()) {
    const path: Path = ['namespaces', i, 'network']
    const name = problems.at(path)
    const count = (ports.get(name) ?? 0) + 1
    ports.set(name, count)
    if (count === mostPorts + 1 && networks.find(network => network.name === name)?.mode === 'bridge')
      problems.add(path, 'EGRESSD_NETWORK_FULL', 'has no room for more: a bridge takes 1,023 namespaces')
  }
}

/** Tells of a value that is there twice. */
function onlyOnce(problems: Problems) {
  const taken = new Map<string, string>()
  return (path: Path, kind: string, value: string | null) => {
    if (value === null || value === '') return
    const key = `${kind} ${value}`
    const first = taken.get(key)
    if (first) problems.add(path, 'EGRESSD_DUPLICATE', `is that of ${first} too`)
    else taken.set(key, pathText(path))
  }
}

function checkNetworks(problems: Problems, networks: readonly NetworkSpec[]): void {
  for (const [i, network] of networks.entries()) {
    for (const { subnet: text } of network.subnets) {
      for (const [j, other] of networks.slice(0, i).entries()) {
        const clash = other.subnets.find(({ subnet }) =>
          overlaps(parseSubnet(subnet) as Subnet, parseSubnet(text) as Subnet),
        )
        if (clash)
          problems.add(
            ['networks', i, 'subnets'],
            'EGRESSD_SUBNET_OVERLAP',
            `overlaps ${clash.subnet} of ${other.name === '' ? `networks[${j}]` : `network ${other.name}`}`,
          )
      }
    }
  }
}
