import type { NftChain, NftElement, NftFamily, NftRule, NftSet, NftTable } from '../ops-nft.js'
import type { NftExpr } from '../ops-nft-expr.js'
import { Refusal } from './refusal.js'

export type Chain = NftChain & { handle: bigint }
export type Rule = NftRule & { handle: bigint }
export type NftSetState = NftSet & { handle: bigint; elements: NftElement[] }

export interface TableState {
  table: NftTable & { handle: bigint }
  chains: Chain[]
  /** Of all its chains, each chain's in their order. */
  rules: Rule[]
  sets: NftSetState[]
  lastHandle: bigint
}

/** The ruleset of a namespace: plain data, so that a transaction can work on a copy. */
export interface NftState {
  generation: number
  lastHandle: bigint
  tables: TableState[]
}

export const emptyNft = (): NftState => ({ generation: 1, lastHandle: 0n, tables: [] })

export function findTable(state: NftState, family: NftFamily, name: string): TableState {
  const found = state.tables.find(({ table }) => table.family === family && table.name === name)
  if (!found) throw new Refusal('ENOENT')
  return found
}

export function findChain(table: TableState, name: string): Chain {
  const found = table.chains.find(chain => chain.name === name)
  if (!found) throw new Refusal('ENOENT')
  return found
}

export function findSet(table: TableState, name: string): NftSetState {
  const found = table.sets.find(set => set.name === name)
  if (!found) throw new Refusal('ENOENT')
  return found
}

/** The expressions of a chain's rules, as a packet meets them. */
export function exprsOf(table: TableState, chain: string): NftExpr[] {
  return table.rules.filter(rule => rule.chain === chain).flatMap(rule => rule.exprs)
}

/** The chains that an expression leads to, by itself or by the elements of a map. */
export function jumpsOf(table: TableState, expr: NftExpr): string[] {
  if (expr.expr === 'verdict') return 'chain' in expr ? [expr.chain] : []
  return expr.expr === 'lookup' ? table.sets.filter(({ name }) => name === expr.set).flatMap(jumpsOfSet) : []
}

export function jumpsOfSet(set: NftSetState): string[] {
  return set.elements.flatMap(({ data }) => (data && 'verdict' in data && 'chain' in data ? [data.chain] : []))
}
