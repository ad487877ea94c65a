import type { Globals } from '../command/globals.js'
import { kinds } from '../command/mistake.js'
import { findNamespace, findNetwork } from '../find.js'
import { openApi } from '../open-api.js'
import { printFields, printJson, printTable } from '../output/print.js'
import { namespaceViewOf } from '../views.js'

interface ListOptions extends Globals {
  network?: string
  label?: Record<string, string>
  named?: boolean
  quiet?: boolean
  json?: boolean
}

export async function listNamespaces({ network, label, named, quiet, json, ...globals }: ListOptions): Promise<number> {
  await using opened = await openApi(globals, { collect: false })
  if (network !== undefined) await findNetwork(opened.api, network)
  const filter = { ...(network !== undefined && { network }), ...(label && { labels: label }) }
  const all = await opened.api.listNamespaces(filter)
  const views = all.filter(({ anonymous }) => !(named && anonymous)).map(namespaceViewOf)
  if (json) printJson(views)
  else if (quiet) for (const { name } of views) console.log(name)
  else {
    const filtered = network !== undefined || label || named
    await printTable(
      ['NAME', 'NETWORK', 'ADDRESSES', 'INTERFACE', 'ON THE HOST', 'LABELS'].map(head => ({ head })),
      views.map(view => [
        view.name,
        view.network,
        view.addresses.join(' '),
        view.interface,
        view.hostInterface,
        labelText(view.labels),
      ]),
      filtered ? 'There is none like that.' : `There is no namespace yet. To make one: ${kinds.namespace.none}`,
    )
  }
  return 0
}

export async function showNamespace({ json, ...globals }: Globals & { json?: boolean }, name: string): Promise<number> {
  await using opened = await openApi(globals, { collect: false })
  const view = namespaceViewOf(await findNamespace(opened.api, name))
  if (json) printJson(view)
  else
    printFields([
      ['name', view.name],
      ['network', view.network],
      ['addresses', view.addresses.join(' ')],
      ['interface', view.interface],
      ['on the host', view.hostInterface],
      ['path', view.path ?? ''],
      ['labels', labelText(view.labels)],
    ])
  return 0
}

const labelText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')
