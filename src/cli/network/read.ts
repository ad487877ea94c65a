import type { NetworkApi } from '../../api.js'
import type { Globals } from '../command/globals.js'
import { kinds } from '../command/mistake.js'
import { findNetwork } from '../find.js'
import { openApi } from '../open-api.js'
import { printFields, printJson, printTable } from '../output/print.js'
import { networkViewOf } from '../views.js'

interface ReadOptions extends Globals {
  json?: boolean
}

export async function listNetworks({ json, ...globals }: ReadOptions): Promise<number> {
  await using opened = await openApi(globals, { collect: false })
  const networks = await opened.api.listNetworks()
  const namespaces = await opened.api.listNamespaces()
  const counts = new Map<string, number>()
  for (const { network } of namespaces) counts.set(network, (counts.get(network) ?? 0) + 1)
  const views = networks
    .map(network => ({ ...networkViewOf(network), namespaces: counts.get(network.name) ?? 0 }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  if (json) printJson(views)
  else {
    const columns = ['NAME', 'MODE', 'SUBNETS', 'FIREWALL', 'MTU', 'NAMESPACES']
    await printTable(
      columns.map((head, i) => ({ head, right: i > 3 })),
      views.map(view => [
        view.name,
        view.mode,
        view.subnets.join(' '),
        view.backend,
        String(view.mtu),
        String(view.namespaces),
      ]),
      `There is no network yet. To make one: ${kinds.network.none}`,
    )
  }
  return 0
}

export async function showNetwork({ json, ...globals }: ReadOptions, name: string): Promise<number> {
  await using opened = await openApi(globals, { collect: false })
  const network = await findNetwork(opened.api, name)
  const names = (await network.listNamespaces()).map(each => each.name)
  if (json) printJson({ ...networkViewOf(network), namespaces: names.length })
  else printNetwork(network, names)
  return 0
}

/** So many names are told in a line; the others are counted. */
const shown = 20

export function printNetwork(network: NetworkApi, names: readonly string[]): void {
  const { mode, bridge, subnets, gateways, masquerade, backend, mtu } = network
  const more =
    names.length > shown ? ` … and ${names.length - shown} more: egressd ns ls --network ${network.name}` : ''
  printFields([
    ['name', network.name],
    ['mode', mode],
    [mode === 'bridge' ? 'bridge' : 'interface', bridge],
    ['subnets', subnets.join(' ')],
    ['gateways', gateways.join(' ')],
    ['masquerade', masquerade ? 'yes' : 'no'],
    ['firewall', backend],
    ['mtu', String(mtu)],
    ['namespaces', names.length > 0 ? `${names.length}: ${names.slice(0, shown).join(' ')}${more}` : '0'],
  ])
}
