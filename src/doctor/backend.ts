import type { Backend } from '../plan/firewall.js'
import { nftTables } from '../plan/nftables-shape.js'
import { Findings, type Judgement, some } from './check.js'
import { ask, type View } from './view.js'

export interface Backends {
  /** What `auto` takes, and why; null: there is none. */
  chosen: { backend: Backend; why: string } | null
  /** `inet filter`, …: tables of nf_tables that are not ours; null where that cannot be listed. */
  nft: string[] | null
  /** Names of the xtables tables that were ever used here. */
  legacy: { 4: string[]; 6: string[] }
  /** Of the recorded networks. */
  recorded: Backend[]
}

export async function readBackends({ kernel, probe, records }: View): Promise<Backends> {
  const listed = await ask(kernel, { op: 'nft.list', rules: false, elements: false }, ['EPROTONOSUPPORT', 'EOPNOTSUPP'])
  const legacy = async (file: string) =>
    ((await ask(kernel, { op: 'procnet.get', key: file }, ['ENOENT', 'EACCES'])) ?? '').split('\n').filter(Boolean)
  const [nftables, xtables] = [await probe.fault('nftables'), await probe.fault('xtables')]
  return {
    chosen: nftables && xtables ? null : await probe.backend('auto'),
    nft:
      listed?.tables
        .filter(({ family, name }) => !nftTables.some(ours => ours.family === family && ours.table === name))
        .map(({ family, name }) => `${family} ${name}`) ?? null,
    legacy: { 4: await legacy('ip_tables_names'), 6: await legacy('ip6_tables_names') },
    recorded: [...new Set(records.networks.map(({ backend }) => backend))],
  }
}

export function judgeBackends({ chosen, nft, legacy, recorded }: Backends): Judgement {
  const found = new Findings()
  if (!chosen) return found.stop('neither nf_tables nor xtables can be used').judgement()
  found.saw(`auto takes ${chosen.backend}: ${chosen.why}`)
  if (recorded.length > 0) found.saw(`recorded networks use ${recorded.join(' and ')}`)
  if (nft && nft.length > 0) found.saw(`tables of others in nf_tables: ${some(nft)}`)
  const old = ([4, 6] as const).flatMap(family => legacy[family].map(table => `${table} (IPv${family})`))
  if (old.length > 0) found.saw(`tables of xtables legacy in use: ${some(old)} (/proc/net/ip_tables_names)`)
  if (old.length > 0 && nft && nft.length > 0)
    found.note(
      'rules of both kinds are in force here, and each tool shows but its own',
      'iptables-legacy-save; nft list ruleset   # to see all of them',
    )
  return found.judgement()
}
