import type { EgressApi, NetworkApi } from '../../api.js'
import type { NetworkOptions } from '../../engine/options.js'
import type { Globals } from '../command/globals.js'
import { mistake } from '../command/mistake.js'
import { findNetwork } from '../find.js'
import { openApi } from '../open-api.js'
import { printJson } from '../output/print.js'
import { networkViewOf } from '../views.js'

interface AddOptions extends Globals {
  subnet?: string[]
  mode?: 'bridge' | 'routed'
  bridge?: string
  gateway?: string[]
  masquerade: boolean
  masqueradeTo?: string[]
  firewall?: 'auto' | 'nftables' | 'xtables'
  admit: boolean
  isolated?: boolean
  hostAccess?: 'none' | 'gateway' | 'all'
  mtu?: number
  json?: boolean
}

export async function addNetwork(given: AddOptions, name: string): Promise<number> {
  const wanted = networkFrom(given, name)
  await using opened = await openApi(given)
  const there = await opened.api.findNetwork(name)
  const network = await opened.api.network(wanted)
  if (given.json) printJson({ ...networkViewOf(network), namespaces: (await network.listNamespaces()).length })
  else {
    console.log(`network ${name} ${there ? 'is there' : 'made'}: ${network.subnets.join(' ')} on ${network.bridge}`)
    if (!there) console.error(`To put a namespace into it: egressd ns add NAME --network ${name}`)
  }
  return 0
}

function networkFrom(given: AddOptions, name: string): NetworkOptions {
  const { subnet, masquerade, masqueradeTo, mode, bridge, gateway, firewall, isolated, hostAccess, mtu } = given
  if (!subnet)
    throw mistake(
      'EGRESSD_INVALID_SPEC',
      `network ${name}: it needs a subnet`,
      `say which addresses it has: egressd network add ${name} --subnet 10.64.0.0/16`,
      { field: 'subnets' },
    )
  if (!masquerade && masqueradeTo)
    throw mistake('EGRESSD_INVALID_SPEC', '--no-masquerade and --masquerade-to exclude each other', 'give one of them')
  return {
    name,
    subnets: subnet,
    ...(mode && { mode }),
    ...(bridge !== undefined && { bridge }),
    ...(gateway && { gateway }),
    masquerade: masqueradeTo ? { to: masqueradeTo } : masquerade,
    ...(firewall && { firewall }),
    admit: given.admit,
    ...(isolated && { isolated }),
    ...(hostAccess && { hostAccess }),
    ...(mtu !== undefined && { mtu }),
  }
}

interface RemoveOptions extends Globals {
  namespaces?: boolean
  ignoreMissing?: boolean
  json?: boolean
}

export async function removeNetworks(given: RemoveOptions, names: readonly string[]): Promise<number> {
  await using opened = await openApi(given)
  // All names before the first change.
  const networks = await find(opened.api, new Set(names), given.ignoreMissing ?? false)
  const removed = { networks: [] as string[], namespaces: [] as string[] }
  for (const network of networks) if (!given.namespaces) await refuseFull(network)
  for (const network of networks) {
    const inside = given.namespaces ? await network.listNamespaces() : []
    const outcomes = await network.destroyMany(inside)
    for (const [i, outcome] of outcomes.entries()) {
      if (!outcome.ok) throw outcome.error
      removed.namespaces.push((inside[i] as { name: string }).name)
    }
    await network.destroy()
    removed.networks.push(network.name)
  }
  if (given.json) printJson(removed)
  else
    for (const name of removed.networks)
      console.log(`removed network ${name}${given.namespaces ? ', with its namespaces' : ''}`)
  return 0
}

async function find(api: EgressApi, names: ReadonlySet<string>, ignoreMissing: boolean): Promise<NetworkApi[]> {
  const found: NetworkApi[] = []
  for (const name of names) {
    const network = ignoreMissing ? await api.findNetwork(name) : await findNetwork(api, name)
    if (network) found.push(network)
  }
  return found
}

async function refuseFull(network: NetworkApi): Promise<void> {
  const { length } = await network.listNamespaces()
  if (length === 0) return
  const what = `network ${network.name} has ${length} ${length === 1 ? 'namespace' : 'namespaces'}`
  throw mistake('EGRESSD_MISMATCH', what, `remove it with them: egressd network rm ${network.name} --namespaces`)
}
