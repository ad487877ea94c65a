// What egressd is for, on the kernel that runs, by one firewall backend and in one mode, held against ip(8), nft(8), iptables-legacy(8) and packets.
// For a fresh sandbox (egressd-exec sandbox), and for kernels where vitest would take too long. Each step is a line: `ok: …` or `FAILED: …`.
// usage: node test/kernels/smoke.mjs nftables|xtables bridge|routed
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { layInternet } from '../../dist/demo/topology.js'
import { Egress, isEgressError } from '../../dist/index.js'
import { nativeKernel } from '../../dist/kernel/native.js'
import { takeCensus } from '../../scripts/census.mjs'

const [firewall, mode] = process.argv.slice(2)
const about = `${firewall}, ${mode}`
const network = { name: 'br0', mode, firewall, subnets: ['192.168.0.0/16', 'fd00::/64'] }
const ns0 = { name: 'ns0', hostInterface: 'veth0', addresses: ['192.168.0.2', 'fd00::2'] }
const ns1 = { name: 'ns1', hostInterface: 'veth1', addresses: ['192.168.0.3', 'fd00::3'] }
const document = { networks: [network], namespaces: [ns0, ns1].map(each => ({ ...each, network: 'br0' })) }
const publics = ['8.8.8.8', '2001:4860:4860::8888']

const tool = (command, ...args) => {
  const done = spawnSync(command, args, { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.error ?? done.stderr}`)
  return done.stdout
}
const json = (...command) => JSON.parse(tool(...command) || '[]')
const inside = (name, ...command) => ['nsenter', `--net=/run/netns/${name}`, ...command]

let failed = 0
async function step(name, work) {
  const begun = performance.now()
  try {
    await work()
    console.log(`ok: ${about}: ${name} (${Math.round(performance.now() - begun)} ms)`)
  } catch (error) {
    failed++
    const said = isEgressError(error) ? inspect(error.toJSON(), { depth: 6 }) : String(error?.stack ?? error)
    console.log(`FAILED: ${about}: ${name}\n${said.replace(/^/gm, '    ')}`)
  }
}

async function reaches(namespace, targets = publics) {
  for (const target of targets) {
    const [echo] = await namespace.ping(target, { timeoutMs: 5000 })
    assert.equal(echo.result, 'reply', `${namespace.name} to ${target}`)
  }
}

/** The rules as text, without what counts. */
const rules = () =>
  firewall === 'nftables'
    ? tool('nft', '--stateless', 'list', 'ruleset')
    : ['iptables-legacy', 'ip6tables-legacy'].map(save => tool(save, '-t', 'nat', '-S') + tool(save, '-S')).join('')

const kernel = nativeKernel.open()
await layInternet(kernel)
// As it is in the end: forwarding stays on, and the folder of pins a mount.
writeFileSync('/proc/sys/net/ipv4/ip_forward', '1')
writeFileSync('/proc/sys/net/ipv6/conf/all/forwarding', '1')
await until(() => json('ip', '-j', 'link', 'show', 'uplink0')[0].operstate === 'UP')
const before = census()
let egress = await Egress.open({ firewall })
let made

await step('a network, and a namespace that reaches the internet', async () => {
  const net = await egress.network(network)
  assert.equal(net.backend, firewall)
  made = await net.create(ns0)
  await reaches(made)
})

await step('ip(8) reads what was asked for', async () => {
  const [link] = json('ip', '-j', '-d', 'link', 'show', 'veth0')
  assert.equal(link.ifalias, 'egressd:br0/ns0')
  assert.equal(link.operstate, 'UP')
  assert.equal(link.inet6_addr_gen_mode, 'none')
  assert.equal(link.master, mode === 'bridge' ? 'br0' : undefined)
  const addresses = json('ip', '-j', 'addr', 'show', 'br0', 'scope', 'global')[0]
    .addr_info.filter(({ local }) => local)
    .map(({ local, prefixlen }) => [local, prefixlen])
  const [four, six] = mode === 'bridge' ? [16, 64] : [32, 128]
  assert.deepEqual(addresses, [
    ['192.168.0.1', four],
    ['fd00::1', six],
  ])
  for (const [family, gateway] of [
    ['-4', '192.168.0.1'],
    ['-6', 'fd00::1'],
  ]) {
    const [route] = json(...inside('ns0', 'ip', '-j', family, 'route', 'show', 'default'))
    assert.equal(route.gateway, gateway)
    assert.equal(route.dev, 'eth0')
  }
})

await step('the backend’s own tool reads the rules', async () => {
  if (firewall === 'xtables') return assert.match(rules(), /-A POSTROUTING .*egressd:br0.*-j MASQUERADE/)
  const { nftables } = json('nft', '-j', 'list', 'ruleset')
  const tables = nftables.flatMap(({ table }) => (table ? [`${table.family} ${table.name}`] : []))
  assert.deepEqual(tables.sort(), mode === 'bridge' ? ['bridge egressd', 'inet egressd'] : ['inet egressd'])
})

await step('a second one; they reach each other, and TCP goes both ways', async () => {
  const net = await egress.findNetwork('br0')
  const other = await net.create(ns1)
  await reaches(made, ['192.168.0.3', 'fd00::3'])
  const server = await other.listen({ port: 0 })
  server.on('connection', socket => socket.end('hello'))
  const socket = await made.connect({ address: '192.168.0.3', port: server.address().port })
  let text = ''
  for await (const chunk of socket) text += chunk
  assert.equal(text, 'hello')
  server.close()
})

await step('no other source address goes out', async () => {
  tool(...inside('ns1', 'ip', 'addr', 'add', '192.168.0.77/32', 'dev', 'eth0'))
  const ping = from => spawnSync(...head(inside('ns1', 'ping', '-c', '1', '-W', '1', '-I', from, '8.8.8.8'))).status
  assert.equal(ping('192.168.0.3'), 0)
  assert.equal(ping('192.168.0.77'), 1)
  tool(...inside('ns1', 'ip', 'addr', 'del', '192.168.0.77/32', 'dev', 'eth0'))
})

await step('a process inside sees its own interfaces', async () => {
  const child = await made.spawn('ip', ['-j', 'link'])
  let text = ''
  for await (const chunk of child.stdout) text += chunk
  assert.deepEqual(
    JSON.parse(text).map(({ ifname }) => ifname),
    ['lo', 'eth0'],
  )
})

await step('the same document changes nothing', async () => {
  const text = rules()
  const { changed, changes } = await egress.apply(document)
  assert.deepEqual([changed, changes], [false, []])
  assert.equal(rules(), text)
})

await step('a restart takes it up, and writes nothing', async () => {
  const text = rules()
  await egress.close()
  egress = await Egress.open({ firewall })
  made = await egress.findNamespace('ns0')
  assert.equal(rules(), text)
  assert.deepEqual((await egress.check(document)).changes, [])
  await reaches(made)
})

const drifts = [
  [
    'an address of the bridge is deleted',
    ['ip', 'addr', 'del', `192.168.0.1/${mode === 'bridge' ? 16 : 32}`, 'dev', 'br0'],
  ],
  ['the host’s end is down', ['ip', 'link', 'set', 'veth0', 'down']],
  ['the default route is deleted', inside('ns0', 'ip', 'route', 'del', 'default')],
  ['the veth pair is deleted', ['ip', 'link', 'del', 'veth0']],
  ['the bridge is deleted', ['ip', 'link', 'del', 'br0']],
  ['the host’s end has another name', ['ip', 'link', 'set', 'veth0', 'name', 'other0'], 'down'],
  firewall === 'nftables'
    ? ['the ruleset is flushed', ['nft', 'flush', 'ruleset']]
    : ['the nat table is flushed', ['iptables-legacy', '-t', 'nat', '-F']],
]
for (const [name, command, first] of drifts) {
  await step(`drift: ${name}`, async () => {
    if (first) tool('ip', 'link', 'set', 'veth0', first)
    tool(...command)
    if (first) tool('ip', 'link', 'set', 'other0', 'up')
    assert.notDeepEqual((await egress.check(document)).changes, [])
    await egress.apply(document)
    assert.deepEqual((await egress.check(document)).changes, [])
    await reaches(await egress.findNamespace('ns0'))
  })
}

await step('a change in place: isolated', async () => {
  const isolated = { ...document, networks: [{ ...network, isolated: true }] }
  await egress.apply(isolated)
  const namespace = await egress.findNamespace('ns0')
  const [echo] = await namespace.ping('192.168.0.3', { timeoutMs: 1000 })
  assert.notEqual(echo.result, 'reply')
  await reaches(namespace)
  await egress.apply(document)
  // A question for the neighbour that nobody heard goes on for a while, and then fails whoever waits for it.
  await until(async () => (await namespace.ping('192.168.0.3', { timeoutMs: 1000 }))[0].result === 'reply')
})

const bent = [
  ['set down', ['ip', 'link', 'set', 'veth0', 'down']],
  ['deleted', ['ip', 'link', 'del', 'veth0']],
  ['deleted inside', inside('ns0', 'ip', 'link', 'del', 'eth0')],
]
for (const [name, command] of bent) {
  await step(`a watch puts back a link that is ${name}`, async () => {
    const watch = egress.watch()
    const { ifindex } = json('ip', '-j', 'link', 'show', 'veth0')[0]
    tool(...command)
    const stands = links => links.some(link => link.ifname === 'veth0' && link.operstate === 'UP')
    const renewed = links => name === 'set down' || links.every(link => link.ifindex !== ifindex)
    await until(() => [stands, renewed].every(holds => holds(json('ip', '-j', 'link'))))
    await reaches(await egress.findNamespace('ns0'))
    await watch.close()
  })
}

await step('many at once, and destroyed until the kernel has let go', async () => {
  const net = await egress.findNetwork('br0')
  const results = await net.createMany(Array.from({ length: 20 }, (_, i) => ({ name: `many${i}` })))
  assert.deepEqual(
    results.filter(({ ok }) => !ok).map(({ error }) => error.toJSON()),
    [],
  )
  const namespaces = results.map(({ namespace }) => namespace)
  for (const namespace of [namespaces[0], namespaces[19]]) await reaches(namespace)
  await net.destroyMany(namespaces, { wait: 'gone' })
  assert.equal(
    namespaces.some(({ path }) => existsSync(path)),
    false,
  )
})

await step('claims from a pool, one by a name; a released one is gone or used again', async () => {
  const net = await egress.findNetwork('br0')
  for (const recycle of ['never', 'trusted']) {
    const pool = net.pool({ size: 3, recycle })
    const claimed = [await pool.claim({ name: 'job' }), await pool.claim()]
    for (const namespace of claimed) await reaches(namespace)
    for (const namespace of claimed) await pool.release(namespace)
    const stats = await pool.readStats()
    console.log(`    ${recycle}: ${inspect(stats, { breakLength: Infinity })}`)
    await reaches(await pool.claim())
    await pool.close()
  }
})

await step('down leaves nothing', async () => {
  await egress.down()
  assert.deepEqual(census(), before)
})
await kernel.close()
process.exitCode = failed > 0 ? 1 : 0

async function until(holds) {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries === 400) throw new Error(`not within 20 s: ${holds}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** Legacy tables stay once they are there, and are empty; so does the folder of pins, which is a mount by then. */
function census() {
  const { iptables: _, ip6tables: __, mounts: ___, 'files of /run/netns': pins, ...rest } = takeCensus()
  return { ...rest, pins: pins.filter(name => name !== 'ENOENT') }
}

function head([command, ...args]) {
  return [command, args]
}
