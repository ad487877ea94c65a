// Is the fuzzer any good? Readers are broken on purpose, one bound at a time in a copy, and each must be found to be.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { built, run, start, writeSeeds } from './fuzz-build.mjs'

/** What is taken away, of which file, and which target must miss it. */
const breaks = [
  ['reader.cc', ' || header.nla_len > rest_.size()', '', 'link', 'an attribute longer than what is left'],
  ['reader.cc', 'header.nla_len < sizeof(header) || ', '', 'address', 'an attribute shorter than its header'],
  ['message.cc', ' || header.nlmsg_len > bytes->size()', '', 'frames', 'a message longer than the datagram'],
  [
    'message.cc',
    'if (skip > body.size()) return std::nullopt;',
    '',
    'acknowledgement',
    'an echo longer than the message',
  ],
  ['message.cc', 'error < -kMaxErrno || ', '', 'acknowledgement', 'an error number that has no positive'],
  ['route.cc', ' || header.rtnh_len > rest.size()', '', 'route', 'a next hop longer than the list'],
  ['route.cc', 'if (payload.size() < sizeof(family))', 'if (false)', 'route', 'a gateway without a family'],
  ['icmp.cc', '|| length > packet->size()', '', 'icmp4', 'an IPv4 header longer than the packet'],
  [
    'icmp.cc',
    'if (length > packet->size()) return std::nullopt;',
    '',
    'icmp6',
    'an extension header longer than the packet',
  ],
  [
    'nft-userdata.cc',
    'if (userdata.size() < 2 + length) return std::nullopt;',
    '',
    'nft-userdata',
    'userdata cut short',
  ],
  ['nft.cc', ' || from + header.nla_len > to', '', 'nft-generation', 'a place beyond the request'],
  ['nft-expr-write.cc', ' || reg > NFT_REG32_15', '', 'nft-expression', 'a register written as another'],
  ['xt.cc', ' || next > rest.size()', '', 'xt-table-4', 'an entry longer than the table'],
  ['xt.cc', ' || size > target - at', '', 'xt-table-6', 'a match longer than its entry'],
  ['conntrack.cc', 'tuple.source.family != 0 && ', '', 'conntrack', 'an entry without addresses'],
  [
    'nft-element.cc',
    'element.timeout = r.Be64();',
    'element.timeout = r.U64();',
    'nft-elements',
    'a number of the wrong byte order',
  ],
]
const seconds = 60 // at most, for each

/** `chosen`: the targets that are to find something. */
export async function selfCheck(targets, chosen) {
  const copies = mkdtempSync(join(tmpdir(), 'egressd-broken-'))
  try {
    const waiting = [...breaks.entries()].filter(([, [, , , name]]) => chosen.some(target => target.name === name))
    const outcomes = []
    const worker = async () => {
      for (let one = waiting.shift(); one; one = waiting.shift())
        outcomes.push(await findBroken(copies, targets, ...one))
    }
    await Promise.all(Array.from({ length: availableParallelism() }, worker))
    return outcomes
  } finally {
    rmSync(copies, { recursive: true, force: true })
  }
}

async function findBroken(copies, targets, number, [file, what, instead, name, title]) {
  const place = join(copies, String(number))
  const seeds = join(place, 'seeds')
  mkdirSync(join(place, 'corpus'), { recursive: true })
  writeSeeds(
    targets.find(target => target.name === name),
    seeds,
    { found: false },
  )
  const broken = buildBroken(place, file, what, instead)
  const limits = [`-max_total_time=${seconds}`, '-seed=1', '-print_final_stats=1', `-artifact_prefix=${place}/`]
  const { status, text } = await start(broken, name, [...limits, join(place, 'corpus'), seeds])
  const executions = Number(
    /number_of_executed_units:\s*(\d+)/.exec(text)?.[1] ??
      text
        .match(/^#(\d+)/gm)
        ?.at(-1)
        ?.slice(1) ??
      0,
  )
  const why =
    /not so: .*|runtime error: .*|AddressSanitizer: \S+|Assertion .* failed/.exec(text)?.[0] ?? `status ${status}`
  const found = status !== 0 && !why.startsWith('status')
  console.log(
    `${found ? 'found' : 'NOT FOUND'} by ${name}: ${title} (${file}): after ${executions.toLocaleString('en')}, ${why}`,
  )
  return found
}

/** The fuzzer, with one line of one file otherwise: that file's object comes before the library that has the true one. */
function buildBroken(place, file, what, instead) {
  const path = join('native/wire', file)
  const text = readFileSync(path, 'utf8')
  if (text.split(what).length !== 2) throw new Error(`${path} has not once: ${what}`)
  const source = join(place, file)
  writeFileSync(source, text.replace(what, instead))
  const commands = JSON.parse(readFileSync(join(built, 'compile_commands.json'), 'utf8'))
  const compile = words(commands.find(command => command.file.endsWith(path)).command)
  const object = `${source}.o`
  run(...compile.slice(0, compile.indexOf('-o')), '-w', '-o', object, '-c', source)
  const link = words(readFileSync(join(built, 'CMakeFiles/fuzz.dir/link.txt'), 'utf8'))
  const before = link.slice(0, link.indexOf('-o')).map(word => (word.endsWith('.o') ? join(built, word) : word))
  const broken = join(place, 'fuzz')
  run(...before, object, join(built, 'libwire.a'), '-o', broken)
  return broken
}

const words = line => line.trim().replaceAll('"', '').split(/\s+/)
