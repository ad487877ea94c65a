// JavaScript values that nobody should pass, described by plain ones: so a case can be printed, and made again.
import fc from 'fast-check'

const throwing = () => {
  throw new RangeError('a getter that throws')
}
const fields = ['op', 'index', 'name', 'family', 'target', 'length', 'fd', 'path', 'edits', 'changes', 'address']

function detached() {
  const bytes = new Uint8Array(64)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}

function shrunk() {
  const buffer = new ArrayBuffer(64, { maxByteLength: 64 })
  const bytes = new Uint8Array(buffer, 32)
  buffer.resize(16)
  return bytes
}

function cyclic() {
  const value = { op: 'link.list', list: [] }
  value.self = value
  value.list.push(value, value.list)
  return value
}

/** An array whose first element is a getter; what stands behind it is looked at after the getter has run. */
function arrayWith(get) {
  const array = [0, { op: 'link.list' }, { op: 'link.list' }]
  Object.defineProperty(array, 0, { get: () => get(array) })
  return array
}

const objectWith = get =>
  Object.defineProperties({}, Object.fromEntries(fields.map(name => [name, { get, enumerable: true }])))

const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** By name: `context.close()` closes the door whose method is running. */
const makers = {
  undefined: () => undefined,
  null: () => null,
  NaN: () => Number.NaN,
  Infinity: () => Number.POSITIVE_INFINITY,
  'minus zero': () => -0,
  'minus one': () => -1,
  half: () => 0.5,
  '2^31': () => 2 ** 31,
  '2^32 - 1': () => 2 ** 32 - 1,
  '2^32': () => 2 ** 32,
  '2^53': () => 2 ** 53,
  '2^63': () => 2 ** 63,
  '2^64': () => 2 ** 64,
  '-2^63': () => -(2 ** 63),
  '1e308': () => 1e308,
  '0n': () => 0n,
  '-1n': () => -1n,
  '2n^64': () => 2n ** 64n,
  '2n^4000': () => 2n ** 4000n,
  symbol: () => Symbol('s'),
  function: () => () => {},
  'throwing function': () => throwing,
  class: () => class {},
  promise: () => new Promise(() => {}),
  date: () => new Date(Number.NaN),
  'String object': () => Object('inet'),
  'Number object': () => Object(1),
  global: () => globalThis,
  'no prototype': () => Object.assign(Object.create(null), { op: 'link.list' }),
  'text with a NUL': () => 'a\0b',
  'half a surrogate': () => '\ud800',
  'long text': () => 'x'.repeat(1_000_000),
  'long text of Greek': () => 'Ω'.repeat(70_000),
  'empty text': () => '',
  'cyclic object': cyclic,
  'deep array': () => Array.from({ length: 5_000 }).reduce(inner => [inner], []),
  'huge sparse array': () => Object.assign([], { length: 2 ** 32 - 1 }),
  'many numbers': () => Array.from({ length: 50_000 }, () => 1),
  'many texts': () => Array.from({ length: 20_000 }, () => 'x'),
  'empty array': () => [],
  'detached bytes': detached,
  'shrunk bytes': shrunk,
  'shared bytes': () => new Uint8Array(new SharedArrayBuffer(16)),
  'no bytes': () => new Uint8Array(0),
  'many bytes': () => new Uint8Array(1_000_000).fill(0xff),
  'bytes of a frame': () => new Uint8Array([20, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 128]),
  'floating numbers': () => new Float64Array(8),
  'a view': () => new DataView(new ArrayBuffer(8)),
  'an array buffer': () => new ArrayBuffer(8),
  'throwing getters': () => objectWith(throwing),
  'throwing proxy': () => new Proxy({}, { get: throwing, has: throwing, ownKeys: throwing, getPrototypeOf: throwing }),
  'proxy of an array': () => new Proxy([{ op: 'link.list' }], { get: throwing }),
  'revoked proxy': revoked,
  'array whose element throws': () => arrayWith(throwing),
  'array that shrinks': () =>
    arrayWith(array => {
      array.length = 1
      return { op: 'link.list' }
    }),
  'array that grows': () =>
    arrayWith(array => {
      if (array.length < 1000) array.push({ op: 'link.list' })
      return { op: 'link.list' }
    }),
  'array that closes the door': context =>
    arrayWith(() => {
      context.close()
      return { op: 'link.list' }
    }),
  'object that closes the door': context => {
    let asked = 0
    return Object.defineProperty({ target: '127.0.0.1' }, 'op', {
      get: () => {
        if (asked++ === 0) context.close()
        return 'link.list'
      },
    })
  },
  'field that changes': () => {
    let asked = 0
    return Object.defineProperties(
      {},
      Object.fromEntries(fields.map(name => [name, { get: () => [1, 'a', [], {}, null][asked++ % 5] }])),
    )
  },
  'toString that throws': () => ({ toString: throwing, valueOf: throwing, [Symbol.toPrimitive]: throwing }),
  'a door': context => context.door,
}
export const names = Object.keys(makers)

const leaf = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...names).map(special => ({ special })) },
  fc.oneof(fc.integer(), fc.double(), fc.boolean(), fc.string({ maxLength: 20 })).map(value => ({ value })),
)

/** A description; `make` makes the value. */
export const described = fc.letrec(tie => ({
  value: fc.oneof(
    { maxDepth: 3 },
    { weight: 5, arbitrary: leaf },
    fc.array(tie('value'), { maxLength: 4 }).map(array => ({ array })),
    fc
      .dictionary(fc.oneof(fc.constantFrom(...fields), fc.string({ maxLength: 6 })), tie('value'), { maxKeys: 4 })
      .map(object => ({ object })),
  ),
})).value

/** A template with some of its fields, however deep, in the place of others. */
export const mutated = templates =>
  fc
    .tuple(fc.constantFrom(...templates), fc.array(fc.tuple(fc.nat(), described), { maxLength: 3 }))
    .map(([like, changes]) => ({ like, changes }))

// No path of a described text leads out of the folder that the process is in.
const tame = value => (typeof value === 'string' ? value.replaceAll('/', '_') : value)

export function make(description, context) {
  if ('special' in description) return makers[description.special](context)
  if ('array' in description) return description.array.map(one => make(one, context))
  if ('object' in description)
    return Object.fromEntries(Object.entries(description.object).map(([key, one]) => [tame(key), make(one, context)]))
  if ('like' in description) return change(structuredClone(description.like), description.changes, context)
  return tame(description.value)
}

function change(root, changes, context) {
  const holder = { root }
  const places = []
  const walk = (object, depth) => {
    for (const key of Object.keys(object)) {
      places.push([object, key])
      const inner = object[key]
      if (depth < 6 && inner !== null && typeof inner === 'object' && !ArrayBuffer.isView(inner)) walk(inner, depth + 1)
    }
  }
  walk(holder, 0)
  for (const [at, to] of changes) {
    const [object, key] = places[at % places.length]
    object[key] = make(to, context)
  }
  return holder.root
}
