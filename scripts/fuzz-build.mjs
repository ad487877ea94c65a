// Builds the fuzzer, and what it begins with.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

/** What it begins with, what it learns, and what it finds. */
export const folder = 'build-fuzz'
/** Where it is built. */
export const built = 'build-asan'
export const program = join(built, 'fuzz')
const fixtures = 'test/fixtures'
const headerSize = 16 // nlmsghdr

/** Runs a command; its output is shown where it fails. */
export function run(command, ...args) {
  const done = spawnSync(command, args, { encoding: 'utf8' })
  if (done.status === 0) return done.stdout
  throw new Error(`${command} ${args.join(' ')}\n${done.error ?? ''}${done.stdout ?? ''}${done.stderr ?? ''}`)
}

/** The fuzzer, with sanitizers. */
export const build = () => run('scripts/build-sanitized', 'asan', 'fuzz')

/** The same, with counters of lines in their place. */
export function buildForCoverage(into) {
  const options = {
    CMAKE_BUILD_TYPE: 'Debug',
    CMAKE_C_COMPILER: 'clang',
    CMAKE_CXX_COMPILER: 'clang++',
    CMAKE_CXX_FLAGS: '-fprofile-instr-generate -fcoverage-mapping',
    EGRESSD_SANITIZE: 'fuzzer-no-link',
  }
  run('cmake', '-S', '.', '-B', into, ...Object.entries(options).map(([name, value]) => `-D${name}=${value}`))
  run('cmake', '--build', into, '--target', 'fuzz', '--parallel', String(availableParallelism()))
}

/** The targets, as the program lists them: the name, which fixtures it begins with, and what of them. */
export function targets() {
  const lines = run(program, '--list').trim().split('\n')
  return lines.map(line => {
    const [name, seed, prefixes] = line.split('|')
    return { name, seed, prefixes: prefixes.split(' ') }
  })
}

/** The messages that a file of hex digits holds, with `between` between them. */
function messagesOf(file, between) {
  const parts = readFileSync(file, 'utf8').split(between)
  return parts.map(part => Buffer.from(part.replace(/\s+/g, ''), 'hex')).filter(bytes => bytes.length > 0)
}

// The body of each message in a datagram.
function bodiesOf(datagram) {
  const bodies = []
  for (let at = 0; at + headerSize <= datagram.length; ) {
    const length = datagram.readUInt32LE(at)
    if (length < headerSize) break
    bodies.push(datagram.subarray(at + headerSize, at + length))
    at += (length + 3) & ~3
  }
  return bodies
}

/** Files that one target begins with, in the folder `path`: of golden bytes, and of what was once found by it. */
export function writeSeeds({ name, seed, prefixes }, path, { found = true } = {}) {
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true })
  const wanted = readdirSync(join(fixtures, 'wire')).filter(file => prefixes.some(prefix => file.startsWith(prefix)))
  const golden = wanted.flatMap(file => messagesOf(join(fixtures, 'wire', file), /^#.*$/m))
  if (golden.length === 0) throw new Error(`no fixture is called ${prefixes.join('*, ')}*`)
  const kept = join(fixtures, 'fuzz', `${name}.hex`)
  const inputs = [
    ...(seed === 'body' ? golden.flatMap(bodiesOf) : golden),
    ...(found && existsSync(kept) ? messagesOf(kept, /^#.*$|\n/m) : []),
  ]
  for (const bytes of inputs) writeFileSync(join(path, createHash('sha1').update(bytes).digest('hex')), bytes)
}

/** Runs a target with libFuzzer's arguments: its exit status, and all that it printed. */
export function start(file, target, args) {
  // What one input may take: 4 KiB, a minute (of a busy machine), and memory, of which an allocation in one piece is the one to watch.
  const limits = ['-max_len=4096', '-timeout=60', '-rss_limit_mb=1024', '-malloc_limit_mb=64']
  const child = spawn(file, [`--target=${target}`, ...limits, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', chunk => {
      text += chunk
    })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', status => resolve({ status, text }))
  })
}
