// A second reader of netlink messages, apart from the addon's: names every header field and attribute of a message, so that
// two messages can be compared by name.

/** What a message or a nest holds: a fixed header, then attributes by number. */
export interface Layout {
  header?: [name: string, bytes: number][]
  attributes: Record<number, string | [name: string, inside: Layout | Dependent]>
  /** A list: each attribute, whatever its number, is an element of it, named by its place. */
  elements?: Layout | Dependent | string
}
/** What is inside depends on an attribute that stands before it in the same nest. */
export type Dependent = (before: Map<number, Buffer>) => Layout

/** Path of a field, "IFLA_LINKINFO/IFLA_INFO_KIND", to its bytes in hexadecimal. Throws where a length is wrong. */
export function fields(message: Uint8Array, layout: Layout): Map<string, string> {
  const bytes = Buffer.from(message)
  const found = new Map<string, string>()
  found.set('nlmsg_type', String(bytes.readUInt16LE(4)))
  found.set('nlmsg_flags', `0x${bytes.readUInt16LE(6).toString(16)}`)
  walk(bytes.subarray(16, bytes.readUInt32LE(0)), layout, '', found)
  return found
}

function walk(bytes: Buffer, layout: Layout, path: string, found: Map<string, string>) {
  let at = 0
  const before = new Map<number, Buffer>()
  for (const [name, size] of layout.header ?? []) {
    if (at + size > bytes.length) throw new Error(`${path}${name} is cut`)
    found.set(path + name, bytes.toString('hex', at, at + size))
    at += size
  }
  while (at < bytes.length) {
    const length = at + 4 <= bytes.length ? bytes.readUInt16LE(at) : 0
    if (length < 4 || at + length > bytes.length) throw new Error(`an attribute at ${at} does not fit`)
    // NLA_F_NESTED and NLA_F_NET_BYTEORDER are no part of the number.
    const type = bytes.readUInt16LE(at + 2) & 0x3fff
    const payload = bytes.subarray(at + 4, at + length)
    const known = element(layout, before.size) ?? layout.attributes[type] ?? `attribute ${type}`
    const name = path + (typeof known === 'string' ? known : known[0])
    if (found.has(name)) throw new Error(`${name} is there twice`)
    if (typeof known === 'string') found.set(name, payload.toString('hex'))
    else walk(payload, typeof known[1] === 'function' ? known[1](before) : known[1], `${name}/`, found)
    before.set(layout.elements ? before.size : type, payload)
    at += (length + 3) & ~3
  }
}

function element({ elements }: Layout, place: number): string | [string, Layout | Dependent] | undefined {
  if (elements === undefined) return undefined
  return typeof elements === 'string' ? `${elements}[${place}]` : [`[${place}]`, elements]
}

/** What differs, one line each: `- name` only the reference has, `+ name` only we have, `name: theirs, ours` otherwise. */
export function differences(reference: Uint8Array, ours: Uint8Array, layout: Layout): string[] {
  const theirs = fields(reference, layout)
  const own = fields(ours, layout)
  const names = new Set([...theirs.keys(), ...own.keys()])
  const lines: string[] = []
  for (const name of names) {
    const [a, b] = [theirs.get(name), own.get(name)]
    if (b === undefined) lines.push(`- ${name}`)
    else if (a === undefined) lines.push(`+ ${name}`)
    else if (a !== b) lines.push(b === `${a}00` ? `${name}: without, with its NUL` : `${name}: ${a}, ${b}`)
  }
  return lines
}
