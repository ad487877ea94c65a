import { nftType } from '../kernel/nft-types.js'
import type { NftChain, NftElement, NftFamily, NftRule, NftSet } from '../kernel/ops-nft.js'
import type { NftExpr } from '../kernel/ops-nft-expr.js'

/** A whole table: its rules, constant but for the guard, and the elements of its sets. */
export interface Shape {
  family: NftFamily
  table: string
  sets: NftSet[]
  chains: NftChain[]
  rules: NftRule[]
  /** By the name of the set; sets without elements may be absent. */
  elements: Map<string, NftElement[]>
}

/** The table of both families' networks; that of bridges' ports has the same name in family bridge. */
export const nftTable = { family: 'inet' as NftFamily, table: 'egressd' }
export const nftBridgeTable = { family: 'bridge' as NftFamily, table: 'egressd' }

/** Those of our name, and no others. */
export const nftTables: readonly Table[] = [nftTable, nftBridgeTable]

export const isTable =
  (one: Table) =>
  (other: Table): boolean =>
    one.family === other.family && one.table === other.table

/** IFNAME . MAC . ADDRESS: who may send by which interface. */
export const senderKey = {
  4: [nftType.ifname, nftType.etherAddr, nftType.ipv4Addr],
  6: [nftType.ifname, nftType.etherAddr, nftType.ipv6Addr],
}

export const addressType = { 4: nftType.ipv4Addr, 6: nftType.ipv6Addr }

export const families = [4, 6] as const

export type Table = Pick<Shape, 'family' | 'table'>

/** Rules of one chain, in their order. */
export const chainRules = (table: Table, chain: string, ...rules: NftExpr[][]): NftRule[] =>
  rules.map(exprs => ({ ...table, chain, exprs }))
