// Prints what a build of the addon makes of the recorded messages: each operation's bytes, and what each recorded message means.
// It is plain JavaScript, for a Node that has none of our development dependencies. scripts/test-arm64 compares two of them.
// usage: node wire-table.mjs ADDON
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const { encode, decode } = createRequire(import.meta.url)(process.argv[2])
const kinds = [
  'link',
  'address',
  'route',
  'neighbour',
  'conntrack',
  'icmp4',
  'icmp6',
  'frame',
  'nft.table',
  'nft.chain',
  'nft.rule',
  'nft.set',
  'nft.elements',
  'nft.generation',
]
const folder = join(import.meta.dirname, '../fixtures/wire')
const revive = (_, value) => {
  if (typeof value?.hex === 'string') return new Uint8Array(Buffer.from(value.hex, 'hex'))
  return typeof value?.bigint === 'string' ? BigInt(value.bigint) : value
}
const print = (_, value) => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  return typeof value === 'bigint' ? `${value}n` : value
}
const attempt = work => {
  try {
    return work()
  } catch (error) {
    return `${error.message}`
  }
}

const totals = { encoded: 0, golden: 0, decoded: 0 }
for (const file of readdirSync(folder)
  .filter(name => name.endsWith('.hex'))
  .sort()) {
  // A comment's lines, then its message's; see test/helpers/hex.ts.
  for (const part of readFileSync(join(folder, file), 'utf8').split(/(?<=^[^#].*\n)(?=#)/m)) {
    const hex = part.replace(/^#.*$/gm, '').replace(/\s/g, '')
    const [, op] = /^# egressd: (.*)$/m.exec(part) ?? []
    if (op && !JSON.parse(op).op.startsWith('xt.')) {
      const bytes = attempt(() => Buffer.from(encode(JSON.parse(op, revive))).toString('hex'))
      totals.encoded++
      if (bytes === hex) totals.golden++
      console.log(file, bytes)
    }
    for (const kind of kinds) {
      const value = attempt(() => decode(kind, new Uint8Array(Buffer.from(hex, 'hex'))))
      if (typeof value !== 'string') totals.decoded++
      console.log(file, kind, JSON.stringify(value, print))
    }
  }
}
console.log(JSON.stringify(totals))
