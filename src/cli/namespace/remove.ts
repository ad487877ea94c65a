import type { EgressApi, NamespaceApi } from '../../api.js'
import type { EgressError } from '../../errors.js'
import type { Globals } from '../command/globals.js'
import { mistake } from '../command/mistake.js'
import { printError } from '../command/print-error.js'
import { statusOf } from '../command/status.js'
import { findNamespace, findNetwork } from '../find.js'
import { openApi } from '../open-api.js'
import { printJson } from '../output/print.js'
import { progressOf } from '../output/progress.js'

interface RemoveOptions extends Globals {
  network?: string
  ignoreMissing?: boolean
  wait?: boolean
  json?: boolean
}

export async function removeNamespaces(given: RemoveOptions, names: readonly string[]): Promise<number> {
  if ((names.length === 0) === (given.network === undefined))
    throw mistake(
      'EGRESSD_INVALID_SPEC',
      names.length === 0 ? 'which namespaces?' : 'names and --network exclude each other',
      'give names (egressd ns rm ns0), or a network to remove all of (egressd ns rm --network br0)',
    )
  await using opened = await openApi(given)
  // All names before the first change.
  const chosen = await choose(opened.api, given, new Set(names))
  const removed: string[] = []
  const failures: EgressError[] = []
  const progress = await progressOf('namespaces', chosen.length)
  for (const [name, members] of byNetwork(chosen)) {
    const before = removed.length + failures.length
    const network = await findNetwork(opened.api, name)
    const outcomes = await network.destroyMany(members, {
      wait: given.wait ? 'gone' : 'reusable',
      onProgress: ({ done }) => progress.update({ done: before + done, total: chosen.length }),
    })
    for (const [i, outcome] of outcomes.entries())
      if (outcome.ok) removed.push((members[i] as NamespaceApi).name)
      else failures.push(outcome.error)
  }
  progress.stop()
  if (given.json) printJson({ namespaces: removed, errors: failures })
  else for (const name of removed) console.log(`removed namespace ${name}`)
  for (const failure of failures) printError(failure)
  return failures.length === 0 ? 0 : statusOf(failures[0])
}

async function choose(
  api: EgressApi,
  { network, ignoreMissing }: RemoveOptions,
  names: ReadonlySet<string>,
): Promise<NamespaceApi[]> {
  if (network !== undefined) return (await findNetwork(api, network)).listNamespaces()
  const found: NamespaceApi[] = []
  for (const name of names) {
    const namespace = ignoreMissing ? await api.findNamespace(name) : await findNamespace(api, name)
    if (namespace) found.push(namespace)
  }
  return found
}

function byNetwork(namespaces: readonly NamespaceApi[]): Map<string, NamespaceApi[]> {
  const groups = new Map<string, NamespaceApi[]>()
  for (const namespace of namespaces) {
    const members = groups.get(namespace.network)
    if (members) members.push(namespace)
    else groups.set(namespace.network, [namespace])
  }
  return groups
}
