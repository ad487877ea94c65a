import type { NftTable } from '../kernel/ops-nft.js'
import { nftTables, type Table } from './nftables-shape.js'

/** Whose tables of our name are is told by a comment on them, which names a state directory. */
export interface TableOwner {
  /** The comment on ours. */
  readonly mark: string
  /** Who has networks here by another such comment; null: nobody, or nobody any more. */
  elsewhere(comment: string): Elsewhere | null
}

export interface Elsewhere {
  /** null: its path does not fit into a comment, and no process has it at the moment. */
  stateDir: string | null
}

/** What every such comment begins with. */
export const tableMarkPrefix = 'egressd: '

/** A table of our name that is not ours to touch: another egressd's, or (null) somebody else's. */
export type TakenTable = Table & { by: Elsewhere | null }

/** Of the tables that stand, those of our name that are somebody else's. One that is of nobody any more may be had. */
export function takenTables(tables: readonly NftTable[], owner: TableOwner): TakenTable[] {
  return nftTables.flatMap((ours): TakenTable[] => {
    const stands = tables.find(({ family, name }) => family === ours.family && name === ours.table)
    if (!stands || stands.comment === owner.mark) return []
    if (!stands.comment?.startsWith(tableMarkPrefix)) return [{ ...ours, by: null }]
    const by = owner.elsewhere(stands.comment)
    return by === null ? [] : [{ ...ours, by }]
  })
}

/** Whose it is, and what to do about it, in words. */
export function explainTaken({ family, table, by }: TakenTable): { what: string; fix: string } {
  const name = `${family} ${table}`
  const what = `table ${name} of nf_tables`
  const remove = `nft delete table ${name}`
  if (by === null) return { what: `${what} is not ours: it has no mark of egressd`, fix: remove }
  const { stateDir } = by
  if (stateDir === null) return { what: `${what} is of another state directory, whose path is too long`, fix: remove }
  return {
    what: `${what} is of the state directory ${stateDir}, which has networks here`,
    fix: `egressd down --state-dir ${stateDir}`,
  }
}
