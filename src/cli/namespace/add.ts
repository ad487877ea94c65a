import type { EgressApi } from '../../api.js'
import type { NamespaceOptions } from '../../engine/options.js'
import { EgressError } from '../../errors.js'
import type { Globals } from '../command/globals.js'
import { interruptible } from '../command/interruptible.js'
import { kinds, mistake } from '../command/mistake.js'
import { printError } from '../command/print-error.js'
import { statusOf } from '../command/status.js'
import { findNetwork } from '../find.js'
import { openApi } from '../open-api.js'
import { printJson } from '../output/print.js'
import { progressOf } from '../output/progress.js'
import { namespaceViewOf } from '../views.js'

interface AddOptions extends Globals {
  network?: string
  address?: string[]
  interface?: string
  hostInterface?: string
  mtu?: number
  route?: string[]
  routes: boolean
  dns?: string[]
  search?: string[]
  sysctl?: Record<string, string>
  json?: boolean
}

export async function addNamespaces(given: AddOptions, names: readonly string[]): Promise<number> {
  if (names.length > 1 && (given.address || given.hostInterface !== undefined))
    throw mistake(
      'EGRESSD_INVALID_SPEC',
      `--address and --host-interface are for one namespace, and there are ${names.length} names`,
      'leave them out, or make one at a time',
    )
  const options = optionsFrom(given)
  await using opened = await openApi(given)
  if (given.network === undefined) throw await whichNetwork(opened.api, names[0] as string)
  const network = await findNetwork(opened.api, given.network)
  const there = new Set((await network.listNamespaces()).map(({ name }) => name))
  const { signal, stop, number } = interruptible()
  const progress = await progressOf('namespaces', names.length)
  try {
    const items = names.map(name => ({ name, ...options }))
    const outcomes = await network.createMany(items, { signal, onProgress: progress.update })
    progress.stop()
    const failures = outcomes.flatMap(outcome => (outcome.ok ? [] : [outcome.error]))
    if (given.json)
      printJson(
        outcomes.map((outcome, i) =>
          outcome.ok ? namespaceViewOf(outcome.namespace) : { name: names[i], error: outcome.error },
        ),
      )
    for (const [i, outcome] of outcomes.entries()) {
      const name = names[i] as string
      if (!outcome.ok) printError(named(outcome.error, name, names.length))
      else if (!given.json)
        console.log(
          `namespace ${name} ${there.has(name) ? 'is there' : 'made'}: ${outcome.namespace.addresses.join(' ')}`,
        )
    }
    if (signal.aborted) return 128 + number()
    return failures.length === 0 ? 0 : statusOf(failures[0])
  } finally {
    progress.stop()
    stop()
  }
}

/** Where there are many, whose it is. */
function named(error: EgressError, name: string, count: number): EgressError {
  if (count === 1 || error.message.includes(name)) return error
  return new EgressError(error.code, `namespace ${name}: ${error.message}`, error)
}

async function whichNetwork(api: EgressApi, name: string): Promise<EgressError> {
  const networks = (await api.listNetworks()).map(network => network.name)
  const [first] = networks
  const message = `namespace ${name}: of which network?`
  if (first === undefined) {
    const remedy = `there is no network yet; make one first: ${kinds.network.none}`
    return mistake('EGRESSD_INVALID_SPEC', message, remedy, { field: 'network' })
  }
  const others = networks.length > 1 ? ` (there are: ${networks.slice(0, 10).join(', ')})` : ''
  const remedy = `say which: egressd ns add ${name} --network ${first}${others}`
  return mistake('EGRESSD_INVALID_SPEC', message, remedy, { field: 'network' })
}

function optionsFrom(given: AddOptions): Omit<NamespaceOptions, 'name'> {
  const { address, interface: inside, hostInterface, mtu, route, routes, dns, search, sysctl } = given
  if (!routes && route)
    throw mistake('EGRESSD_INVALID_SPEC', '--no-routes and --route exclude each other', 'give one of them')
  return {
    ...(address && { addresses: address }),
    ...(inside !== undefined && { interface: inside }),
    ...(hostInterface !== undefined && { hostInterface }),
    ...(mtu !== undefined && { mtu }),
    ...(route && { routes: route.map(routeFrom) }),
    ...(!routes && { routes: false as const }),
    ...((dns || search) && { dns: { ...(dns && { servers: dns }), ...(search && { search }) } }),
    ...(sysctl && { sysctls: sysctl }),
  }
}

function routeFrom(text: string): { to: string; via?: string } {
  const [to = '', via] = text.split(',', 2)
  return { to, ...(via !== undefined && { via }) }
}
