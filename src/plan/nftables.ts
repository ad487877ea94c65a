import * as nft from '../kernel/nft-rule.js'
import { type NftRange, rangeElements, rangesOf } from '../kernel/nft-types.js'
import type { NftChain, NftChange, NftElement, NftRuleset, NftSet } from '../kernel/ops-nft.js'
import type { DesiredFirewall, FirewallNetwork } from './firewall.js'
import { bridgeShape } from './nftables-bridge.js'
import { networkElements, type Placed, senderElements } from './nftables-elements.js'
import { inetShape } from './nftables-inet.js'
import { isTable, nftTables, type Shape, type Table } from './nftables-shape.js'

export type ActualNft = Omit<NftRuleset, 'generation'>

/**
 * The least change that turns what stands in our tables into what should; empty where nothing is to be done. `mark` is the
 * comment on ours; those that are `taken` are left alone.
 */
export function planNftables(
  desired: DesiredFirewall,
  actual: ActualNft,
  mark: string,
  taken: readonly Table[] = [],
): NftChange[] {
  const shapes = shapesOf(desired)
  return nftTables.flatMap(table => {
    if (taken.some(isTable(table))) return []
    const { family, table: name } = table
    const shape = shapes.find(isTable(table))
    const stands = actual.tables.find(each => each.family === family && each.name === name)
    const gone: NftChange[] = stands ? [{ change: 'table.delete', family, name }] : []
    if (!shape) return stands?.comment === mark ? gone : []
    const found = within(actual, shape)
    // What somebody bent is replaced as a whole: one transaction, so no packet sees the table away.
    if (!stands || stands.flags || stands.comment !== mark || !sameFrame(shape, found))
      return [...gone, ...makeTable(shape, mark)]
    return [...changeRules(shape, found), ...shape.sets.flatMap(set => changeElements(shape, set, found))]
  })
}

/** The tables that such networks need. */
export const tablesOf = (networks: readonly FirewallNetwork[]): Table[] =>
  shapesOf({ networks, namespaces: [], guard: [] })

/** The tables as they should be, with all their elements. */
export function shapesOf({ networks, namespaces, guard }: DesiredFirewall): Shape[] {
  // The other backend has the rules of its networks. But a drop or a masquerade here would meet their packets too, so that
  // they must be known; and who may send on a routed link is for this one to say.
  const ours = networks.some(({ backend }) => backend === 'nftables')
  const here = networks.filter(({ mode }) => ours || mode === 'routed').map(asSeenHere)
  const shapes: Shape[] = []
  if (here.length > 0) shapes.push(inetShape(ours ? guard : []))
  if (networks.some(({ mode }) => mode === 'bridge')) shapes.push(bridgeShape())
  for (const placed of here.flatMap(networkElements)) put(shapes, placed)
  const byName = new Map(networks.map(network => [network.name, network]))
  for (const namespace of namespaces) {
    const network = byName.get(namespace.network)
    for (const placed of network ? senderElements(namespace, network) : []) put(shapes, placed)
  }
  return shapes
}

// Nothing of such a network is dropped or rewritten here.
const asSeenHere = (network: FirewallNetwork): FirewallNetwork =>
  network.backend === 'nftables' ? network : { ...network, masquerade: null, isolated: false, hostAccess: 'all' }

function put(shapes: Shape[], { table, set, elements }: Placed): void {
  const all = shapes.find(({ family }) => family === table.family)?.elements
  const old = all?.get(set)
  if (old) old.push(...elements)
  else all?.set(set, [...elements])
}

function makeTable({ family, table, sets, chains, rules, elements }: Shape, comment: string): NftChange[] {
  return [
    { change: 'table.add', family, name: table, comment },
    ...chains.map(chain => ({ change: 'chain.add' as const, ...chain })),
    ...sets.map(set => ({ change: 'set.add' as const, ...set })),
    ...rules.map(rule => ({ change: 'rule.add' as const, ...rule })),
    ...sets.flatMap(({ name }) => addElements({ family, table }, name, elements.get(name) ?? [])),
  ]
}

const addElements = ({ family, table }: Pick<Shape, 'family' | 'table'>, set: string, elements: NftElement[]) =>
  elements.length > 0 ? [{ change: 'element.add', family, table, set, elements } satisfies NftChange] : []

/** Of a ruleset, what is in the table of that shape. */
function within({ sets, chains, rules }: ActualNft, shape: Shape) {
  const ours = ({ family, table }: { family: string; table: string }) =>
    family === shape.family && table === shape.table
  return { sets: sets.filter(ours), chains: chains.filter(ours), rules: rules.filter(ours) }
}
type Found = ReturnType<typeof within>

function sameFrame(shape: Shape, { sets, chains }: Found): boolean {
  const setKey = (set: NftSet) => [
    ...[set.name, set.keyType, set.keyLength, set.interval ?? false, set.concat ?? [], set.constant ?? false],
    ...[set.dynamic ?? false, set.size ?? null, String(set.timeoutMs ?? ''), set.exprs?.length ?? 0],
    ...[set.data?.type ?? null, hex(set.typeof ?? Uint8Array.of())],
  ]
  const policy = (chain: NftChain) => (chain.hook === undefined ? null : (chain.policy ?? 'accept'))
  const chainKey = (chain: NftChain) => [chain.name, chain.type, chain.hook, chain.priority, policy(chain)]
  const sorted = <T>(items: T[], key: (item: T) => unknown[]) =>
    items
      .map(item => JSON.stringify(key(item)))
      .sort()
      .join()
  // Sets that rules make for themselves are theirs, and compared with them.
  const named = sets.filter(({ anonymous }) => !anonymous)
  return (
    sorted(shape.sets, setKey) === sorted(named, setKey) && sorted(shape.chains, chainKey) === sorted(chains, chainKey)
  )
}

/** A chain with another rule, or its rules in another order, gets all of them anew. */
function changeRules({ family, table, chains, rules }: Shape, found: Found): NftChange[] {
  return chains.flatMap(({ name: chain }) => {
    const wanted = rules.filter(rule => rule.chain === chain)
    const stand = found.rules.filter(rule => rule.chain === chain)
    const same =
      wanted.length === stand.length && wanted.every(({ exprs }, i) => nft.sameExprs(exprs, stand[i]?.exprs ?? []))
    if (same) return []
    return [
      { change: 'rule.flush' as const, family, table, chain },
      ...wanted.map(rule => ({ change: 'rule.add' as const, ...rule })),
    ]
  })
}

function changeElements(shape: Shape, { name: set, interval, concat }: NftSet, { sets }: Found): NftChange[] {
  const wanted = shape.elements.get(set) ?? []
  const found = sets.find(({ name }) => name === set)?.elements ?? []
  const subtract = interval && !concat ? subtractRanges : subtractKeys
  const [missing, extra] = [subtract(wanted, found), subtract(found, wanted)]
  const { family, table } = shape
  const gone: NftChange[] = extra.length > 0 ? [{ change: 'element.delete', family, table, set, elements: extra }] : []
  return [...gone, ...addElements(shape, set, missing)]
}

/** Elements of `from` that `without` has not, or has with other data. */
function subtractKeys(from: NftElement[], without: NftElement[]): NftElement[] {
  const id = (element: NftElement) =>
    `${hex(element.key)}-${hex(element.keyEnd ?? element.key)}${element.catchAll ? '*' : ''} ${dataText(element)}`
  const has = new Set(without.map(id))
  return from.filter(element => !has.has(id(element)))
}

/** The same of intervals; they count as wholes. */
function subtractRanges(from: NftElement[], without: NftElement[]): NftElement[] {
  const id = ({ first, last, element }: NftRange) => `${hex(first)}-${hex(last)} ${dataText(element)}`
  const has = new Set(rangesOf(without).map(id))
  return rangesOf(from)
    .filter(range => !has.has(id(range)))
    .flatMap(({ first, last, element: { data } }) =>
      rangeElements(first, last).map(each => (each.intervalEnd || data === undefined ? each : { ...each, data })),
    )
}

const dataText = ({ data }: NftElement): string =>
  data === undefined ? '' : data instanceof Uint8Array ? hex(data) : JSON.stringify(Object.entries(data).sort())

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
