import type { Own } from './own.js'

/** How messages of one kind are made comparable. */
export interface MessageForm {
  /** Length of the header before the attributes: `struct ifinfomsg`, …. */
  header: number
  /** Attributes that say nothing: counters, time stamps, numbers that the kernel chose. */
  omits?: readonly number[]
  /** Only the first bytes of these say anything. */
  cuts?: Readonly<Record<number, number>>
  /** Attributes that are attributes themselves. */
  nests?: Readonly<Record<number, Omit<MessageForm, 'header'>>>
  /** Messages that pass by themselves, by their header. */
  passes?(header: DataView): boolean
}

/**
 * A line for each message: its header and its attributes, in hexadecimal, in the order of their types. NB: what does not parse is
 * kept whole, so that it differs.
 */
export function messageLines(bytes: Uint8Array, form: MessageForm, own: Own): string[] {
  const lines: string[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at + 16 <= bytes.length; ) {
    const length = view.getUint32(at, true)
    const end = at + length
    const start = at + 16 + form.header
    if (length < 16 || end > bytes.length) return [...lines, hexOf(bytes, at, bytes.length)]
    if (start > end) lines.push(hexOf(bytes, at, end))
    else if (!form.passes?.(new DataView(bytes.buffer, bytes.byteOffset + at + 16, form.header))) {
      const type = view.getUint16(at + 4, true)
      const attributes = attributeWords(bytes, view, { at: start, end }, form, own)
      lines.push([type, hexOf(bytes, at + 16, start), ...attributes].join(' '))
    }
    at = (end + 3) & ~3
  }
  return lines.sort()
}

// `type=value`; of one that is nested, `type{type=value …}`.
function attributeWords(
  bytes: Uint8Array,
  view: DataView,
  { at, end }: { at: number; end: number },
  form: Omit<MessageForm, 'header'>,
  own: Own,
): string[] {
  const words: string[] = []
  while (at + 4 <= end) {
    const length = view.getUint16(at, true)
    // NLA_F_NESTED and NLA_F_NET_BYTEORDER are said by some kernels and not by others.
    const type = view.getUint16(at + 2, true) & 0x3fff
    const [start, stop] = [at + 4, at + length]
    if (length < 4 || stop > end) return [...words, `?${hexOf(bytes, at, end)}`]
    const nest = form.nests?.[type]
    if (nest) words.push(`${type}{${attributeWords(bytes, view, { at: start, end: stop }, nest, own).join(' ')}}`)
    else if (!form.omits?.includes(type)) {
      const cut = form.cuts?.[type]
      const last = cut === undefined ? stop : Math.min(stop, start + cut)
      words.push(`${type}=${own.hex(hexOf(bytes, start, last))}`)
    }
    at += (length + 3) & ~3
  }
  return words.sort()
}

const hexOf = (bytes: Uint8Array, start: number, end: number) =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('hex')
