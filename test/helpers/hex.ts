// Golden bytes: test/fixtures/wire/NAME.hex, written by scripts/capture.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadAddon } from '../../src/kernel/load.js'
import type { Op } from '../../src/kernel/ops.js'

export interface Fixture {
  name: string
  /** The message of the reference tool (or of the kernel), and the command behind it. */
  command: string | null
  reference: Uint8Array | null
  /** Operations of ours that ask for the same, and what they sent when the file was written. */
  ours: { op: Op; bytes: Uint8Array }[]
}

export const { encode, decode } = loadAddon()

const folder = new URL('../fixtures/wire/', import.meta.url)

/** All fixtures whose name starts so. */
export function fixtures(prefix: string): Fixture[] {
  const files = readdirSync(folder).filter(file => file.startsWith(prefix) && file.endsWith('.hex'))
  if (files.length === 0) throw new Error(`no fixture is called ${prefix}*`)
  return files.map(file => fixture(file.slice(0, -4)))
}

export function fixture(name: string): Fixture {
  const found: Fixture = { name, command: null, reference: null, ours: [] }
  let comments: string[] = []
  let digits = ''
  const finish = () => {
    if (digits === '') return
    const bytes = new Uint8Array(Buffer.from(digits, 'hex'))
    const op = comments.find(line => line.startsWith('egressd: '))
    if (op) found.ours.push({ op: JSON.parse(op.slice('egressd: '.length), revive), bytes })
    else {
      found.reference = bytes
      found.command = comments.find(line => !/^(setup|with|sent|received)\b/.test(line)) ?? null
    }
    comments = []
    digits = ''
  }
  for (const line of readFileSync(join(folder.pathname, `${name}.hex`), 'utf8').split('\n')) {
    if (!line.startsWith('#')) {
      digits += line.replaceAll(' ', '')
      continue
    }
    finish()
    comments.push(line.slice(2))
  }
  finish()
  return found
}

// {"hex": "…"} stands for a Uint8Array, {"bigint": "…"} for a bigint.
function revive(_: string, value: { hex?: unknown; bigint?: unknown } | null) {
  if (typeof value?.hex === 'string') return new Uint8Array(Buffer.from(value.hex, 'hex'))
  return typeof value?.bigint === 'string' ? BigInt(value.bigint) : value
}

/** A message cut to `length` bytes, with its header saying so: what is inside must find the cut by itself. */
export function cut(message: Uint8Array, length: number): Uint8Array {
  const shorter = message.slice(0, length)
  if (length >= 4) new DataView(shorter.buffer).setUint32(0, length, true)
  return shorter
}
