// Values that are nearly what they should be: a good one, with some of it otherwise.
import { fc } from './random.js'

/** Field names that JavaScript has a meaning for. */
const words = ['__proto__', 'constructor', 'toString', 'length', 'name', '', '0']

const texts = fc.oneof(
  fc.constantFrom('', ' ', 'lo', 'br0', '..', '/', 'a/b', 'a\0b', '\ud800', 'é', 'x'.repeat(16), 'x'.repeat(5_000)),
  fc.constantFrom('0.0.0.0/0', '10.0.0.0/8', '10.0.0.1/8', '::/0', 'fd00::/64', '::ffff:1.2.3.4', '1.2.3', '300.1.1.1'),
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
)
const numbers = fc.oneof(
  fc.constantFrom(-1, 0, 1, 0.5, 68, 65_535, 65_536, 2 ** 31, 2 ** 53, 1e21, -0, Number.MAX_VALUE),
  fc.integer(),
)
const plain = fc.oneof(texts, numbers, fc.boolean(), fc.constant(null))

/** What JSON can say. */
export const json: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>(tie => ({
  value: fc.oneof(
    { maxDepth: 3 },
    { weight: 4, arbitrary: plain },
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 8 })), tie('value'), { maxKeys: 4 }),
  ),
})).value

function cyclic(): unknown {
  const value: { self?: unknown; list: unknown[] } = { list: [] }
  value.self = value
  value.list.push(value)
  return value
}

/** And what else a program can pass. */
export const anything: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: json },
  fc
    .constantFrom<(() => unknown)[]>(
      () => undefined,
      () => Number.NaN,
      () => Number.POSITIVE_INFINITY,
      () => 2n ** 70n,
      () => Symbol('s'),
      () => () => 1,
      () => new Date(Number.NaN),
      () => /x/,
      () => new Map([['name', 'br0']]),
      () => new Uint8Array(3),
      () => new Proxy([], {}),
      () => Object.create(null),
      () => Object.create({ name: 'br0', subnets: ['10.0.0.0/8'] }),
      cyclic,
    )
    .map(make => make()),
)

interface Change {
  at: number
  how: 'put' | 'drop' | 'add' | 'twice' | 'text'
  key: string
  value: unknown
  cut: number
}

/** One of `good`, with up to four changes, each at a place of its own; new values are of `values`. */
export function nearlyOf<T>(good: readonly T[], values: fc.Arbitrary<unknown> = json): fc.Arbitrary<unknown> {
  const change: fc.Arbitrary<Change> = fc.record({
    at: fc.nat(),
    how: fc.constantFrom('put', 'drop', 'add', 'twice', 'text'),
    key: fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 8 })),
    value: values,
    cut: fc.nat(40),
  })
  return fc
    .tuple(fc.constantFrom(...good), fc.array(change, { maxLength: 4 }))
    .map(([value, changes]) => changes.reduce<unknown>(changed, structuredClone(value)))
}

type Holder = Record<string, unknown>

function changed(root: unknown, { at, how, key, value, cut }: Change): unknown {
  const holder: Holder = { root }
  const places: [object: Holder, key: string][] = []
  const walk = (object: Holder, depth: number) => {
    for (const name of Object.keys(object)) {
      places.push([object, name])
      const inner = object[name]
      if (depth < 8 && typeof inner === 'object' && inner !== null && !ArrayBuffer.isView(inner))
        walk(inner as Holder, depth + 1)
    }
  }
  walk(holder, 0)
  const [object, name] = places[at % places.length] as [Holder, string]
  const old = object[name]
  if (how === 'put') object[name] = value
  else if (how === 'drop' && Array.isArray(object)) object.splice(Number(name), 1)
  else if (how === 'drop' && object !== holder) delete object[name]
  else if (how === 'twice' && Array.isArray(old)) old.push(...old.slice(0, 8))
  else if (how === 'add' && Array.isArray(old)) old.push(value)
  else if (how === 'text' && typeof old === 'string') object[name] = `${old.slice(0, cut)}${key}${old.slice(cut + 1)}`
  else if (how === 'add' && typeof old === 'object' && old !== null)
    Object.defineProperty(old, key, { value, enumerable: true, configurable: true, writable: true })
  return holder.root
}
