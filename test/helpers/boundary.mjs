// Calls every function of the addon with values that it should never get, in a process of its own: a crash ends that, and
// the last line that it wrote is the case. `node boundary.mjs SEED RUNS`; stands in namespaces of its own (net, mount, pid).
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { loadAddon } from '../../dist/kernel/load.js'
import { described, make, mutated } from './hostile.mjs'

const root = join(import.meta.dirname, '../..')
const [seed, runs] = process.argv.slice(2, 4).map(Number)
const patience = 20_000 // milliseconds, for a promise

const addon = loadAddon()
const home = mkdtempSync(join(tmpdir(), 'boundary-'))
process.chdir(home)

const revive = (_, value) => {
  if (typeof value?.hex === 'string') return Uint8Array.from(Buffer.from(value.hex, 'hex'))
  return typeof value?.bigint === 'string' ? BigInt(value.bigint) : value
}
const printable = (_, value) => {
  if (ArrayBuffer.isView(value)) return { hex: Buffer.from(value.buffer).toString('hex') }
  return typeof value === 'bigint' ? { bigint: String(value) } : value
}
const operations = [...fixtureOperations(), ...others()]
const kinds = ['frame', 'link', 'address', 'route', 'neighbour', 'conntrack', 'icmp4', 'icmp6', 'nft.rule', 'nft.set']
const blobs = ['xt-filter-4', 'xt-nat-6', 'link-list', 'nft-rule-list', 'message-refused'].flatMap(bytesOf)
const watched = { receiveBuffer: 4096, delayMs: 1 }
const pinged = { target: '127.0.0.1', count: 2, intervalMs: 0, timeoutMs: 50, size: 8, ttl: 3 }

/** What each argument of a function is like; one that is not here gets anything. */
const like = {
  Door: [[{ fd: 0 }, { path: 'nothing' }, { pid: process.pid }]],
  run: [operations.map(op => [op]).concat([operations.slice(0, 12)]), [1, 7]],
  runAll: [operations.map(op => [[op], [op]])],
  forgo: [[1]],
  pinFd: [
    [0, 1, 99],
    ['pin', '', 'no-folder/pin'],
  ],
  ping: [
    [pinged, { ...pinged, target: '::1' }],
    [{ pid: process.pid }, { fd: 99 }],
  ],
  watch: [[{}], [watched, {}]],
  encode: [operations],
  decode: [kinds, blobs],
  encodeXt: [operations.filter(({ op }) => op === 'xt.edit'), blobs, blobs],
  decodeXt: [[4, 6], blobs],
  lockFile: [['lock', 'nothing/lock', '']],
  notify: [
    ['@nobody', 'nobody', '@'],
    ['READY=1', ''],
    [[], [0, 1], [99], [-1]],
  ],
  peerCredentials: [[0, 1, 99]],
  replaceProcess: [
    ['nothing', ''],
    [['a', 'b'], []],
    [['A=b'], []],
  ],
}

const methods = Object.getOwnPropertyNames(addon.Door.prototype).filter(name => name !== 'constructor')
const functions = Object.keys(addon).filter(name => typeof addon[name] === 'function')
const called = [...functions, ...methods.map(name => `door.${name}`)]

function argumentsOf(name) {
  const plain = name.replace('door.', '')
  const places = (like[plain] ?? []).map(templates => mutated(templates))
  const good = places.length > 0 ? fc.tuple(...places) : fc.constant([])
  return fc.oneof({ weight: 3, arbitrary: good }, { weight: 1, arbitrary: fc.array(described, { maxLength: 4 }) })
}
const one = fc.constantFrom(...called).chain(name =>
  fc.record(
    {
      name: fc.constant(name),
      args: argumentsOf(name),
      // What it is called on: nearly always what it should be.
      self: fc.oneof({ weight: 15, arbitrary: fc.constant(null) }, described),
      closed: fc.constantFrom(false, false, false, true),
    },
    { noNullPrototype: true },
  ),
)

/** What was found once, by itself: these come first. */
const found = [
  ['replaceProcess', [{ value: 'nothing' }, { special: 'array whose element throws' }, { array: [] }]],
  ['notify', [{ value: '@nobody' }, { value: '' }, { special: 'array whose element throws' }]],
  ['door.run', [{ special: 'array that closes the door' }]],
  ['door.runAll', [{ array: [{ special: 'array that closes the door' }] }]],
  ['door.watch', [{ value: 'no function' }]],
].map(([name, args]) => [{ name, args, self: null, closed: false }])

await warmUp()
const before = descriptors()
let count = 0
const property = fc.asyncProperty(one, async tried => {
  count++
  writeSync(2, `${JSON.stringify({ seed, count, ...tried }, printable)}\n`)
  await attempt(tried)
  await settled(before)
})
try {
  await fc.assert(property, { seed, numRuns: runs, endOnFailure: true, examples: found })
} finally {
  for (const name of readdirSync(home)) spawnSync('umount', ['-l', join(home, name)])
  process.chdir('/')
  rmSync(home, { recursive: true, force: true })
}
writeSync(1, `${JSON.stringify({ count, called })}\n`)
process.exit(0)

async function attempt({ name, args, self, closed }) {
  const door = new addon.Door()
  const context = { door, close: () => door.close() }
  const made = args.map(one => make(one, context))
  if (closed) door.close()
  try {
    const value = call(name, door, made, self && { value: make(self, context) })
    await outcome(name, value)
  } catch (error) {
    // Called on what is no door, Node-API itself says so.
    if (!(self && error?.message === 'Invalid argument')) typed(error, name)
  } finally {
    door.close()
  }
}

function call(name, door, args, self) {
  if (!name.startsWith('door.'))
    return name === 'Door' && !self ? new addon.Door(...args) : addon[name].apply(self?.value, args)
  const described = Object.getOwnPropertyDescriptor(addon.Door.prototype, name.slice('door.'.length))
  return (described.get ?? described.value).apply(self ? self.value : door, args)
}

/** Waits for what it promises; closes what it opened. */
async function outcome(name, value) {
  if (value instanceof addon.Door) return value.close()
  if (value instanceof Promise) return release(await inTime(name, value))
  if (typeof value?.stop === 'function') {
    if (value.forget) hand(value)
    const waited = Object.entries(value).filter(([, part]) => part instanceof Promise)
    if (!value.done) value.ready.then(value.stop, value.stop)
    else setTimeout(() => value.stop(), 100)
    const parts = await Promise.allSettled(waited.map(([part, promise]) => inTime(`${name}.${part}`, promise)))
    for (const { reason } of parts) if (reason) typed(reason, name)
    return
  }
  release([value])
}

function hand(watch) {
  for (const index of [1, -1, 2 ** 40, 'x', undefined, null, Symbol('s'), {}]) watch.forget(index)
  watch.counters()
  watch.counters.call(null)
}

function inTime(name, promise) {
  const late = sleep(patience, undefined, { ref: true }).then(() => {
    throw new Error(`${name}: a promise that stays open`)
  })
  return Promise.race([promise, late])
}

/** Descriptors that an operation handed out are ours to close. */
function release(values, depth = 0) {
  for (const value of Array.isArray(values) ? values : []) {
    // NB: of a lock it is the addon's to close.
    if (typeof value?.unlock === 'function') value.unlock()
    else if (typeof value?.fd === 'number') closeSync(value.fd)
    if (typeof value?.value?.fd === 'number') closeSync(value.value.fd)
    if (Array.isArray(value) && depth < 2) release(value, depth + 1)
  }
}

/** An error says what it is: of ours, or of what it was given. */
function typed(error, name) {
  const fine =
    error instanceof TypeError ||
    (error instanceof Error && /^EGRESSD_[A-Z_]+$/.test(error.code ?? '')) ||
    (error instanceof Error && typeof error.fault?.errno === 'string')
  if (!fine) throw new Error(`${name}: an error of no type: ${error?.stack ?? String(error)}`, { cause: error })
}

function descriptors() {
  const open = readdirSync('/proc/self/fd').map(fd => {
    try {
      return `${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`
    } catch {
      return null // of the reading itself
    }
  })
  return new Set(open.filter(one => one !== null))
}

// Threads may be about to close the last of them.
async function settled(known) {
  for (let tries = 0; ; tries++) {
    const more = [...descriptors()].filter(one => !known.has(one))
    if (more.length === 0) return
    if (tries === 2_000) throw new Error(`left open: ${more.join(', ')}`)
    await sleep(10)
  }
}

async function warmUp() {
  const door = new addon.Door()
  await Promise.all(Array.from({ length: 16 }, () => door.run([{ op: 'link.list' }])))
  // Each of the two threads keeps one of the namespace that it comes from, and the second may begin late. So does the door.
  await homes(3)
  await door.ping(pinged).done.catch(() => {})
  const watch = door.watch(() => {}, {})
  await watch.ready
  watch.stop()
  await watch.ended
  door.forgo(door.prepare())
  door.forgo(door.prepareNext())
  door.close()
  await homes(2)
}

async function homes(count) {
  const own = readlinkSync('/proc/self/ns/net')
  const open = () => [...descriptors()].filter(one => one.endsWith(` ${own}`)).length
  for (let tries = 0; open() !== count; tries++) {
    if (tries === 2_000) throw new Error(`there are ${open()} of ${own} open, not ${count}`)
    await sleep(10)
  }
}

function bytesOf(name) {
  const text = readFileSync(join(root, 'test/fixtures/wire', `${name}.hex`), 'utf8')
  const parts = text.split(/^#.*$/m).map(part => part.replace(/\s+/g, ''))
  return parts.filter(part => part !== '').map(part => Uint8Array.from(Buffer.from(part, 'hex')))
}

function fixtureOperations() {
  const folder = join(root, 'test/fixtures/wire')
  const files = readdirSync(folder).map(file => readFileSync(join(folder, file), 'utf8'))
  const lines = files.flatMap(text =>
    [...text.matchAll(/^# egressd: (.*)$/gm)].map(([, json]) => JSON.parse(json, revive)),
  )
  return lines.filter(({ op }) => typeof op === 'string')
}

/** Of operations that no fixture has, one each. */
function others() {
  const rule = { source: { address: '10.0.0.0', prefix: 8 }, comment: 'c', target: 'ACCEPT' }
  return [
    { op: 'netns.create', as: 1, hold: true },
    { op: 'netns.create', as: 1, pin: 'pinned' },
    { op: 'netns.open', as: 1, hold: true, from: { pid: process.pid } },
    { op: 'netns.processes' },
    { op: 'netns.unpin', path: 'pinned' },
    { op: 'sysctl.get', key: 'net/ipv4/ip_forward' },
    { op: 'sysctl.set', key: 'net/ipv4/ip_forward', value: '1' },
    { op: 'sysctl.list', under: 'net/ipv4/neigh' },
    { op: 'procnet.get', key: 'dev' },
    { op: 'procnet.read', key: 'dev' },
    { op: 'socket.open', family: 4, type: 'stream', bind: { address: '127.0.0.1', port: 0 }, listen: 4 },
    { op: 'file.write', path: 'file', text: 'text' },
    { op: 'file.move', from: 'file', to: 'other' },
    { op: 'file.remove', path: 'other' },
    { op: 'link.features', name: 'lo' },
    { op: 'netlink.dump', kind: 'link' },
    { op: 'nft.list', elements: true, rules: true },
    { op: 'xt.list', family: 4, table: 'filter' },
    { op: 'xt.edit', family: 4, table: 'filter', edits: [{ edit: 'append', chain: 'INPUT', rule }] },
    { op: 'conntrack.delete', address: ['10.0.0.1'] },
    { op: 'conntrack.deleteUntranslated', from: [{ address: '10.0.0.0', prefix: 24 }], notTo: [] },
  ]
}
