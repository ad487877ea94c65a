// Writes test/fixtures/wire/xt-*.hex: what iptables-legacy hands to setsockopt for the rules of test/fixtures/xt-rules.json.
// Run it as root in a network namespace of its own: unshare -n node scripts/capture-xtables.mjs
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const countersPointer = 88 // offsetof(struct ipt_replace, counters)
const options = { SET_REPLACE: 'IPT_SO_SET_REPLACE', SET_ADD_COUNTERS: 'IPT_SO_SET_ADD_COUNTERS' }
const tool = family => (family === 4 ? 'iptables-legacy' : 'ip6tables-legacy')
const run = (command, input) => execFileSync('sh', ['-c', command], { encoding: 'utf8', input })

/** Runs a command under strace and returns what it handed over with that option, in hex. */
function capture(command, option, input) {
  const strace = `strace -f -qq -xx -s 1000000 -e trace=setsockopt ${command}`
  const { stderr, status } = spawnSync('sh', ['-c', strace], { encoding: 'utf8', input, maxBuffer: 1 << 26 })
  const found = new RegExp(`IP6?T_SO_${option}, "([^"]*)"`).exec(stderr)
  if (status !== 0 || !found) throw new Error(`${command}: ${stderr}`)
  const bytes = Buffer.from(found[1].replaceAll('\\x', ''), 'hex')
  if (option === 'SET_REPLACE') bytes.fill(0, countersPointer, countersPointer + 8)
  return bytes.toString('hex').replaceAll(/.{96}/g, '$&\n').trimEnd()
}

function write(name, blocks) {
  const head = `# ${run('iptables-legacy -V').trim()}, Linux ${release()}; the pointer to the counters is zeroed\n`
  const text = blocks.map(({ lines, hex }) => `\n${lines.map(line => `# ${line}\n`).join('')}${hex}\n`)
  writeFileSync(`test/fixtures/wire/${name}.hex`, head + text.join(''))
}

const cases = JSON.parse(readFileSync('test/fixtures/xt-rules.json', 'utf8'))
for (const [family, table] of [4, 6].flatMap(each => ['filter', 'nat'].map(name => [each, name]))) {
  const flush = `${tool(family)} -t ${table} -F`
  run(flush)
  const blocks = [{ lines: [flush], hex: capture(flush, 'SET_REPLACE') }]
  for (const { chain, text, rule } of cases.filter(each => each.family === family && each.table === table)) {
    const command = `${tool(family)} -t ${table} -A ${chain} ${text}`
    const edit = `edit: ${JSON.stringify({ edit: 'append', chain, rule })}`
    blocks.push({ lines: [command, edit], hex: capture(command, 'SET_REPLACE') })
    run(flush)
  }
  write(`xt-${table}-${family}`, blocks)
}

// Chains that lead to each other, before and behind their own place, and a rule without a target.
const linked = family => `*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:A - [0:0]
:B - [0:0]
:C - [0:0]
-A INPUT -i eth0 -j B
-A INPUT -p tcp -m tcp --dport 22 -g C
-A INPUT -m comment --comment "counts only"
-A FORWARD -m limit --limit 5/min -j LOG --log-prefix "dropped: "
-A FORWARD -j A
-A FORWARD -s ${family === 4 ? '10.0.0.0/8' : 'fd00::/8'} -j ACCEPT
-A A -m mark --mark 0x1 -j RETURN
-A B -j A
-A C -g B
-A C -j REJECT
COMMIT
`
for (const family of [4, 6]) {
  const restore = `${tool(family)}-restore`
  const lines = [`${restore} <<END`, ...linked(family).trimEnd().split('\n'), 'END']
  write(`xt-linked-${family}`, [{ lines, hex: capture(restore, 'SET_REPLACE', linked(family)) }])
  run(`${tool(family)} -P FORWARD ACCEPT; ${tool(family)} -F; ${tool(family)} -X`)
}

const first = 'iptables-legacy -A INPUT -s 10.0.0.0/8 -c 7 588 -j ACCEPT'
const second = 'iptables-legacy -I INPUT -s 172.16.0.0/12 -j DROP'
const inserted = { source: { address: '172.16.0.0', prefix: 12 }, target: 'DROP' }
const edit = `edit: ${JSON.stringify({ edit: 'insert', chain: 'INPUT', rule: inserted })}`
const counted = [{ lines: [first], hex: capture(first, 'SET_REPLACE') }]
counted.push({ lines: [second, options.SET_REPLACE, edit], hex: capture(second, 'SET_REPLACE') })
run('iptables-legacy -D INPUT 1')
counted.push({ lines: [second, options.SET_ADD_COUNTERS], hex: capture(second, 'SET_ADD_COUNTERS') })
write('xt-counters', counted)
