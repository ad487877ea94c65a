// See scripts/capture. Reads the comment lines of test/fixtures/wire/NAME.hex and writes the file again with the bytes.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const folder = 'test/fixtures/wire'
const addon = createRequire(import.meta.url)('node-gyp-build')(process.cwd())
const temporary = mkdtempSync(join(tmpdir(), 'egressd-capture-'))
// In the order of enum nf_tables_msg_types; their types are NFNL_SUBSYS_NFTABLES << 8 and the number.
const nftMessages = ['TABLE', 'CHAIN', 'RULE', 'SET', 'SETELEM']
  .flatMap(noun => [`NEW${noun}`, `GET${noun}`, `DEL${noun}`])
  .concat('NEWGEN', 'GETGEN')

// Other scripts write fixtures of other kinds there.
const ours = file => /^# (sent |received |egressd: )/m.test(readFileSync(join(folder, file), 'utf8'))
const known = readdirSync(folder)
  .filter(ours)
  .map(file => file.replace(/\.hex$/, ''))
try {
  for (const name of process.argv.length > 2 ? process.argv.slice(2) : known) {
    const file = join(folder, `${name}.hex`)
    writeFileSync(file, `${regenerate(name, readFileSync(file, 'utf8')).join('\n')}\n`)
    console.log(name)
  }
} finally {
  rmSync(temporary, { recursive: true })
}

function regenerate(name, text) {
  const out = []
  const setup = []
  let run = ''
  for (const line of text.split('\n')) {
    const [, key, rest] = /^# (?:(setup|egressd|with): )?(.*)$/.exec(line) ?? []
    if (rest === undefined || key === 'with') continue
    out.push(line)
    const keep = /^(sent|received) (\S+)(?: #(\d+))?( whole)?$/.exec(rest)
    if (key === 'setup') setup.push(rest)
    else if (key === 'egressd') out.push(...hex(addon.encode(JSON.parse(rest, revive))))
    else if (!keep) run = rest
    else out.push(`# with: ${version(run)}; Linux ${release()}`, ...hex(reference(name, setup, run, keep)))
  }
  return out
}

function reference(name, setup, run, [, direction, typeName, nth, whole]) {
  const type = typeNumber(typeName)
  const messages = datagrams(name, setup, run)
    .filter(datagram => datagram.direction === direction)
    .flatMap(({ bytes }) => (whole ? [split(bytes)] : split(bytes).map(frame => [frame])))
    .filter(frames => frames.some(frame => frame.readUInt16LE(4) === type))
  const frames = messages.at(nth === undefined ? -1 : Number(nth))
  if (!frames) throw new Error(`${name}: "${run}" ${direction} no ${typeName}`)
  // Sequence number and port differ from run to run.
  for (const frame of frames) {
    frame.fill(0, 8, 16)
    // NLMSG_ERROR echoes the request's header behind its errno.
    if (frame.readUInt16LE(4) === 2) frame.fill(0, 28, 36)
  }
  return Buffer.concat(frames)
}

// All netlink datagrams of a run. `-e read` and `-e write` make strace print the bytes under each call.
function datagrams(name, setup, run) {
  const log = join(temporary, name)
  const traced = `strace -f -s 0 -o ${log} -e trace=sendmsg,sendto,recvmsg,recvfrom -e read=all -e write=all -- ${run}`
  const steps = [
    'set -e',
    'mount -t tmpfs tmpfs /run',
    'ip link set lo up',
    ...setup,
    `${traced} >/dev/null 2>&1 || true`,
  ]
  const box = ['--net', '--mount', '--propagation', 'private', 'sh', '-c', steps.join('\n')]
  const done = spawnSync('unshare', box, { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`${name}: ${done.stderr}`)
  const found = []
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const call = /^\d+ +(send|recv)(?:msg|to|from)\(/.exec(line)
    if (call) found.push({ direction: call[1] === 'send' ? 'sent' : 'received', parts: [] })
    const dump = /^ \| [0-9a-f]+ {2}((?:[0-9a-f]{2} {1,2})+)/.exec(line)
    if (dump) found.at(-1)?.parts.push(Buffer.from(dump[1].replaceAll(' ', ''), 'hex'))
  }
  return found.map(({ direction, parts }) => ({ direction, bytes: Buffer.concat(parts) }))
}

function split(bytes) {
  const frames = []
  for (let at = 0; at + 16 <= bytes.length; ) {
    const length = (bytes.readUInt32LE(at) + 3) & ~3
    // ip(8) sends its whole request buffer for a dump, zeros behind the message included.
    if (length < 16) break
    frames.push(bytes.subarray(at, at + length))
    at += length
  }
  return frames
}

// RTM_NEWLINK is 16; each noun has NEW, DEL and GET, and a number that it does not use.
function typeNumber(name) {
  const [, verb, noun] = /^RTM_(NEW|DEL|GET)(LINK|ADDR|ROUTE|NEIGH)$/.exec(name) ?? []
  if (verb) return 16 + ['LINK', 'ADDR', 'ROUTE', 'NEIGH'].indexOf(noun) * 4 + ['NEW', 'DEL', 'GET'].indexOf(verb)
  const nft = nftMessages.indexOf(name.replace(/^NFT_MSG_/, ''))
  if (nft >= 0) return (10 << 8) | nft
  const number = name === 'NLMSG_ERROR' ? 2 : Number(name)
  if (!Number.isInteger(number)) throw new Error(`${name}: give its number`)
  return number
}

function version(run) {
  const tool = run.split(' ')[0]
  const done = spawnSync(tool, ['-V'], { encoding: 'utf8' })
  return (done.stdout || done.stderr).split('\n')[0].trim() || tool
}

function hex(bytes) {
  const lines =
    Buffer.from(bytes)
      .toString('hex')
      .match(/.{1,64}/g) ?? []
  return lines.map(line => line.match(/.{1,8}/g).join(' '))
}

function revive(_, value) {
  if (typeof value?.hex === 'string') return new Uint8Array(Buffer.from(value.hex, 'hex'))
  return typeof value?.bigint === 'string' ? BigInt(value.bigint) : value
}
