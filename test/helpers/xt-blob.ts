// An IPT_SO_SET_REPLACE argument taken apart by a second reader, a plain one, for the tests of the first.
import { readFileSync } from 'node:fs'

/** Offsets in struct ipt_replace and struct ipt_entry / ip6t_entry. */
const head = { name: 0, count: 36, size: 40, hookEntry: 44, underflow: 64, oldCount: 84, entries: 96 }
const layouts = {
  4: { target: 88, next: 90, comefrom: 92, counters: 96 },
  6: { target: 140, next: 142, comefrom: 144, counters: 152 },
}

export interface Block {
  /** Its lines of comment. */
  lines: string[]
  /** The JSON behind `edit:`, where there is such a line. */
  edit?: unknown
  bytes: Buffer
}

/** Blocks of test/fixtures/wire/`name`.hex, without the head of the file. */
export function fixture(name: string): Block[] {
  const blocks = readFileSync(`test/fixtures/wire/${name}.hex`, 'utf8').split('\n\n').slice(1)
  return blocks.map(text => {
    const all = text.trimEnd().split('\n')
    const lines = all.filter(line => line.startsWith('# ')).map(line => line.slice(2))
    const json = lines.find(line => line.startsWith('edit: '))?.slice(6)
    const hex = all.filter(line => !line.startsWith('#')).join('')
    return { lines, bytes: Buffer.from(hex, 'hex'), edit: json && JSON.parse(json) }
  })
}

/** Offset of each entry in the blob. */
export function entryOffsets(family: 4 | 6, blob: Buffer): number[] {
  const offsets = []
  for (let at = head.entries; at < blob.length; at += blob.readUInt16LE(at + layouts[family].next)) offsets.push(at)
  return offsets
}

/** Without what the kernel keeps in the entries for itself. */
export function cleared(family: 4 | 6, blob: Buffer): Buffer {
  const copy = Buffer.from(blob)
  const { comefrom, counters } = layouts[family]
  for (const at of entryOffsets(family, blob))
    copy.fill(0, at + comefrom, at + comefrom + 4).fill(0, at + counters, at + counters + 16)
  return copy
}

/** Where every jump leads, chain by chain: the name of the chain, `next`, or the verdict. Throws where it leads nowhere. */
export function walk(family: 4 | 6, blob: Buffer): { chain: string; verdicts: (string | number)[] }[] {
  const offsets = entryOffsets(family, blob)
  if (offsets.length !== blob.readUInt32LE(head.count)) throw new Error('the number of entries is wrong')
  if (blob.length - head.entries !== blob.readUInt32LE(head.size)) throw new Error('the size is wrong')
  const text = (at: number, length: number) => blob.toString('latin1', at, at + length).replace(/\0.*$/s, '')
  const targetAt = (at: number) => at + blob.readUInt16LE(at + layouts[family].target)
  const starts = new Map<number, string>()
  for (const [hook, name] of ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'].entries())
    if (blob.readUInt32LE(32) & (1 << hook))
      starts.set(head.entries + blob.readUInt32LE(head.hookEntry + 4 * hook), name)
  const users = new Map<number, string>()
  for (const at of offsets.slice(0, -1)) {
    const target = targetAt(at)
    if (text(target + 2, 29) === 'ERROR')
      users.set(at + blob.readUInt16LE(at + layouts[family].next), text(target + 32, 30))
  }
  const chains: { chain: string; verdicts: (string | number)[] }[] = []
  for (const at of offsets) {
    const chain = starts.get(at) ?? users.get(at)
    if (chain !== undefined) chains.push({ chain, verdicts: [] })
    const target = targetAt(at)
    const name = text(target + 2, 29)
    if (name === 'ERROR') continue
    const next = at + blob.readUInt16LE(at + layouts[family].next)
    const verdict = name === '' ? blob.readInt32LE(target + 32) : name
    if (typeof verdict === 'string' || verdict < 0) chains.at(-1)?.verdicts.push(verdict)
    else if (verdict + head.entries === next) chains.at(-1)?.verdicts.push('next')
    else {
      const leadsTo = users.get(verdict + head.entries)
      if (!leadsTo) throw new Error(`a jump in ${chains.at(-1)?.chain} leads to no chain`)
      chains.at(-1)?.verdicts.push(leadsTo)
    }
  }
  return chains
}
