import { firewallNetwork } from '../plan/firewall.js'
import { tablesOf } from '../plan/nftables.js'
import { explainTaken, type TakenTable, takenTables } from '../plan/nftables-owner.js'
import { isTable, nftTables, type Table } from '../plan/nftables-shape.js'
import { tableOwner } from '../state/table-owner.js'
import { Findings, type Judgement } from './check.js'
import { ask, type View } from './view.js'

export interface OurTables {
  /** Tables of our name that stand, with their comment. */
  tables: (Table & { comment: string | null })[]
  taken: TakenTable[]
  /** The comment on ours. */
  mark: string
  /** Those that recorded networks need; null: none is recorded. */
  needed: Table[] | null
}

export async function readOurTables({ kernel, records }: View): Promise<OurTables> {
  const owner = tableOwner(records.path, kernel.host)
  const listed = await ask(kernel, { op: 'nft.list', rules: false, elements: false }, ['EPROTONOSUPPORT', 'EOPNOTSUPP'])
  const tables = listed?.tables ?? []
  const networks = records.networks.map(({ spec, backend }) => firewallNetwork(spec, backend))
  return {
    tables: tables
      .map(({ family, name, comment = null }) => ({ family, table: name, comment }))
      .filter(one => nftTables.some(isTable(one))),
    taken: takenTables(tables, owner),
    mark: owner.mark,
    needed: networks.length > 0 ? tablesOf(networks) : null,
  }
}

export function judgeOurTables({ tables, taken, mark, needed }: OurTables): Judgement {
  const found = new Findings()
  if (tables.length === 0) found.saw('no table of nf_tables is called egressd')
  for (const one of tables) {
    const name = `${one.family} ${one.table}`
    const theirs = taken.find(isTable(one))
    if (one.comment === mark) {
      found.saw(`table ${name} is ours: "${mark}"`)
    } else if (!theirs) {
      const fix = `nft delete table ${name}   # where no network is to be made any more`
      found.note(
        `table ${name} ("${one.comment}") is nobody's any more: the next network that needs it takes it over`,
        fix,
      )
    } else {
      const { what, fix } = explainTaken(theirs)
      if (needed?.some(isTable(one)) ?? true)
        found.stop(`${what}: no network that needs it can be made or changed`, fix)
      else found.note(`${what}; the recorded networks do not need it`)
    }
  }
  return found.judgement()
}
