import type { NftChange } from '../ops-nft.js'
import type { NftExpr } from '../ops-nft-expr.js'
import { addElements, deleteElements } from './nft-elements.js'
import {
  type Chain,
  exprsOf,
  findChain,
  findSet,
  findTable,
  jumpsOf,
  jumpsOfSet,
  type NftState,
  type TableState,
} from './nft-state.js'
import { Refusal } from './refusal.js'

type Change<K extends NftChange['change']> = Extract<NftChange, { change: K }>

type Table = 'table.add' | 'table.delete'

/** Makes one change of a transaction, or throws what the kernel would say to it. */
export function change(state: NftState, one: NftChange): void {
  if (one.change === 'table.add') addTable(state, one)
  else if (one.change === 'table.delete') deleteTable(state, one)
  else {
    const make = changes[one.change] as (table: TableState, one: NftChange) => void
    make(findTable(state, one.family, one.table), one)
  }
}

const changes: { [K in Exclude<NftChange['change'], Table>]: (table: TableState, one: Change<K>) => void } = {
  'chain.add': addChain,
  'chain.delete': deleteChain,
  'rule.add': addRule,
  'rule.delete': deleteRule,
  'rule.flush': (table, { chain }) => {
    findChain(table, chain)
    table.rules = table.rules.filter(rule => rule.chain !== chain)
  },
  'set.add': addSet,
  'set.delete': deleteSet,
  'element.add': (table, one) => addElements(table, findSet(table, one.set), one.elements, one.exclusive ?? false),
  'element.delete': (table, one) => deleteElements(findSet(table, one.set), one.elements),
  'element.flush': (table, one) => {
    findSet(table, one.set).elements = []
  },
}

function addTable(state: NftState, { change: _, exclusive, ...table }: Change<'table.add'>): void {
  const there = state.tables.some(other => other.table.family === table.family && other.table.name === table.name)
  if (there && exclusive) throw new Refusal('EEXIST')
  if (there) return
  const handle = ++state.lastHandle
  state.tables.push({ table: { ...table, handle }, chains: [], rules: [], sets: [], lastHandle: 0n })
}

function deleteTable(state: NftState, { family, name }: Change<'table.delete'>): void {
  const table = findTable(state, family, name)
  state.tables.splice(state.tables.indexOf(table), 1)
}

function addChain(table: TableState, { change: _, exclusive, ...chain }: Change<'chain.add'>): void {
  const old = table.chains.find(other => other.name === chain.name)
  if (!old) {
    const policy = chain.hook === undefined ? {} : { policy: chain.policy ?? 'accept' }
    table.chains.push({ ...chain, ...policy, handle: ++table.lastHandle })
    return
  }
  if (old.hook === undefined && chain.policy !== undefined) throw new Refusal('EOPNOTSUPP')
  if (exclusive) throw new Refusal('EEXIST')
  if (chain.hook !== undefined) {
    // nft_chain_parse_hook(), then nf_tables_updchain()
    if (old.hook === undefined) throw new Refusal('EEXIST')
    if (chain.hook !== old.hook || chain.priority !== old.priority) throw new Refusal('EOPNOTSUPP')
    if (chain.type !== old.type) throw new Refusal('EEXIST')
  }
  if (chain.policy !== undefined) old.policy = chain.policy
}

// With its rules. Those of others that lead to it hold it.
function deleteChain(table: TableState, { name }: Change<'chain.delete'>): void {
  const chain = findChain(table, name)
  const others = table.chains.filter(other => other !== chain)
  const direct = others.flatMap(other => exprsOf(table, other.name)).flatMap(expr => jumpsOf(table, expr))
  const targets = [...direct, ...table.sets.flatMap(jumpsOfSet)]
  if (targets.includes(name)) throw new Refusal('EBUSY')
  table.chains.splice(table.chains.indexOf(chain), 1)
  table.rules = table.rules.filter(rule => rule.chain !== name)
}

function addRule(table: TableState, one: Change<'rule.add'>): void {
  const { change: _, insert, after, before, ...rule } = one
  findChain(table, rule.chain)
  for (const expr of rule.exprs) checkExpr(table, expr)
  const place = placeOf(table, rule.chain, one)
  table.rules.splice(place, 0, { ...structuredClone(rule), exprs: rule.exprs.map(counted), handle: ++table.lastHandle })
}

function deleteRule(table: TableState, { chain, handle }: Change<'rule.delete'>): void {
  findChain(table, chain)
  const place = table.rules.findIndex(rule => rule.chain === chain && rule.handle === handle)
  if (place < 0) throw new Refusal('ENOENT')
  table.rules.splice(place, 1)
}

// A counter is read back with its counts always.
const counted = (expr: NftExpr): NftExpr =>
  expr.expr === 'counter'
    ? { expr: 'counter', packets: expr.packets ?? 0n, bytes: expr.bytes ?? 0n }
    : structuredClone(expr)

function placeOf(table: TableState, chain: string, { insert, after, before }: Change<'rule.add'>): number {
  const beside = after ?? before
  if (beside !== undefined) {
    const place = table.rules.findIndex(rule => rule.chain === chain && rule.handle === beside)
    if (place < 0) throw new Refusal('ENOENT')
    return after === undefined ? place : place + 1
  }
  return insert ? 0 : table.rules.length
}

function checkExpr(table: TableState, expr: NftExpr): void {
  if (expr.expr === 'lookup') findSet(table, expr.set)
  if (expr.expr !== 'verdict' || !('chain' in expr)) return
  if (findChain(table, expr.chain).hook !== undefined) throw new Refusal('EOPNOTSUPP')
}

/**
 * What is looked at when all changes are made (nft_chain_validate()). Packets go from base chains only, and
 * NFT_JUMP_STACK_SIZE jumps deep: more, or a circle, is refused, and so is to masquerade anywhere but behind postrouting.
 */
export function validate(state: NftState): void {
  for (const table of state.tables) {
    for (const base of table.chains) if (base.hook !== undefined) walk(table, base, base.name, 0)
  }
}

function walk(table: TableState, base: Chain, chain: string, depth: number): void {
  if (depth === 16) throw new Refusal('EMLINK')
  for (const expr of exprsOf(table, chain)) {
    if (expr.expr === 'masquerade' && (base.type !== 'nat' || base.hook !== 'postrouting'))
      throw new Refusal('EOPNOTSUPP')
    for (const target of jumpsOf(table, expr)) walk(table, base, target, depth + 1)
  }
}

function addSet(table: TableState, { change: _, exclusive, ...set }: Change<'set.add'>): void {
  const old = table.sets.find(other => other.name === set.name)
  if (!old) {
    table.sets.push({ ...structuredClone(set), elements: [], handle: ++table.lastHandle })
    return
  }
  const same =
    old.keyType === set.keyType &&
    old.keyLength === set.keyLength &&
    old.data?.type === set.data?.type &&
    Boolean(old.interval) === Boolean(set.interval)
  if (exclusive || !same) throw new Refusal('EEXIST')
}

function deleteSet(table: TableState, { name }: Change<'set.delete'>): void {
  const set = findSet(table, name)
  if (table.rules.some(rule => looksUp(rule.exprs, name))) throw new Refusal('EBUSY')
  table.sets.splice(table.sets.indexOf(set), 1)
}

const looksUp = (exprs: readonly NftExpr[], set: string) =>
  exprs.some(expr => expr.expr === 'lookup' && expr.set === set)
