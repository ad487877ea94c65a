import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import type { PoolClaim } from '../../src/engine/claim.js'
import type { Namespace } from '../../src/namespace.js'
import type { PoolStats } from '../../src/pool/source.js'
import { faults } from '../helpers/faults.js'
import { createLibrary, dual, type Library, refusal } from '../helpers/library.js'

/** As many links as namespaces: the kernel takes those of destroyed ones away a moment later. */
async function untilVeths(library: Library, count: number): Promise<void> {
  await expect.poll(() => veths(library)).toBe(count)
}

const veths = ({ host }: Library) => host.json<object[]>('ip', ['-j', 'link', 'show', 'type', 'veth']).length - 1

test('what is claimed by a name is as if it had been made by that name', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const pool = network.pool({ size: 3 })
  await pool.ready()
  const claimed = await pool.claim({ name: 'job-1', labels: { queue: 'builds' } })
  expect(claimed).toMatchObject({ name: 'job-1', anonymous: false, labels: { queue: 'builds' } })
  expect(claimed.path).toBe(join(library.netnsDir, 'job-1'))
  // The pin is that of a namespace: entered by its path, it is the one with the address.
  const inside = library.host.json<{ ifname: string; addr_info: { local: string }[] }[]>('ip', ['-j', 'address'], {
    netns: { path: claimed.path as string },
  })
  expect(inside.find(({ ifname }) => ifname === 'eth0')?.addr_info.map(({ local }) => local)).toEqual(claimed.addresses)
  expect((await claimed.ping('8.8.8.8'))[0]?.result).toBe('reply')
  const spec = { networks: [dual], namespaces: [{ name: 'job-1', network: 'br0', addresses: claimed.addresses }] }
  expect((await library.egress.check(spec)).changes).toEqual([])

  // What is ready ends with the process; what was claimed by a name stays, with its labels and its address.
  const egress = await library.restart()
  expect(egress.namespaces.map(({ name, labels, addresses }) => [name, labels, addresses])).toEqual([
    ['job-1', { queue: 'builds' }, claimed.addresses],
  ])
  expect((await egress.check(spec)).changes).toEqual([])
  expect((await egress.namespaces[0]?.ping('8.8.8.8'))?.[0]?.result).toBe('reply')
  expect((await egress.gc()).remove).toEqual([])
  await egress.namespaces[0]?.destroy({ wait: 'gone' })
  expect(veths(library)).toBe(0)
  expect(existsSync(join(library.netnsDir, 'job-1'))).toBe(false)
})

/** How a pool named ci is told of. */
const inTheWay = (field: string, what: string) => ({
  code: 'EGRESSD_MISMATCH',
  field,
  value: 'br0',
  message: `${what}: pool ci keeps namespaces ready in it`,
  remedy: expect.stringContaining('close the pool first (ci)'),
  details: { pools: ['ci'] },
})

test('a document that would take the network away is refused with the pool that has it, and how to close that', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  await using pool = network.pool({ size: 2, name: 'ci' })
  await pool.ready()
  const waits = inTheWay('networks', 'network br0 cannot go, or change so')
  expect(await refusal(library.egress.apply({}, { prune: true }))).toMatchObject(waits)
  expect(await refusal(library.egress.plan({ networks: [{ ...dual, mtu: 1400 }] }))).toMatchObject(waits)
  // One that is somebody's is in the way by itself.
  const { name } = await pool.claim()
  await pool.ready()
  expect((await refusal(library.egress.apply({}, { prune: true })))?.message).toBe(
    `${waits.message}; it has namespaces that the spec does not have: ${name}`,
  )
  await pool.close()
  const left = await refusal(library.egress.apply({}, { prune: true }))
  expect(left?.message).toBe(
    `network br0 cannot go, or change so: it has namespaces that the spec does not have: ${name}`,
  )
  expect(left?.remedy).toBe('destroy it first, or ask for it as it is')
  await library.egress.namespaces[0]?.destroy()
  expect(await library.egress.apply({}, { prune: true })).toMatchObject({ changed: true })
})

test('a network with a pool is not removed, whether anything is ready in it or not', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  await using pool = network.pool({ size: 2, name: 'ci' })
  await pool.ready()
  const waits = inTheWay('network', 'network br0 cannot go')
  expect(await refusal(network.destroy())).toMatchObject(waits)
  const { name } = await pool.claim()
  expect((await refusal(network.destroy()))?.message).toBe(
    `network br0 cannot go: it still has namespaces, ${name} for one; pool ci keeps namespaces ready in it`,
  )
  await pool.close()
  expect((await refusal(network.destroy()))?.message).toBe(
    `network br0 cannot go: it still has namespaces, ${name} for one`,
  )
  await library.egress.namespaces[0]?.destroy()

  await using empty = network.pool({ size: 0, name: 'none' })
  expect(await refusal(network.destroy())).toMatchObject({ details: { pools: ['none'] } })
  const spec = { networks: [], namespaces: [] }
  expect(await refusal(library.egress.apply(spec, { prune: true }))).toMatchObject({
    code: 'EGRESSD_MISMATCH',
    message: 'network br0 cannot go, or change so: pool none keeps namespaces ready in it',
    details: { blocked: [{ network: 'br0', namespaces: [] }], pools: ['none'] },
  })
  await empty.close()
  await network.destroy()
  expect(library.egress.networks).toEqual([])
})

test('a claim that was cut short leaves neither file nor record', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  await using pool = network.pool({ size: 1 })
  const { path, addresses } = await pool.claim({ name: 'job-1' })
  await pool.close()
  // As where its process was killed between making the file and mounting the namespace, which it took along.
  library.host.tool('umount', [path as string])
  expect(existsSync(path as string)).toBe(true)
  const egress = await library.restart()
  expect(egress.namespaces).toEqual([])
  expect(existsSync(path as string)).toBe(false)
  await untilVeths(library, 0)

  const again = await egress.networks[0]?.create({ name: 'job-1', addresses })
  expect((await again?.ping('8.8.8.8'))?.[0]?.result).toBe('reply')
})

test('a claim that cannot be served leaves what was ready', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  await network.create({ name: 'there' })
  library.host.tool('touch', [join(library.netnsDir, 'strange')])
  await using pool = network.pool({ size: 2 })
  await pool.ready()
  const before = library.census()
  const refusals: [PoolClaim, string, string][] = [
    [{ name: 'there' }, 'EGRESSD_NAME_TAKEN', 'name'],
    [{ name: 'strange' }, 'EGRESSD_NAME_TAKEN', 'name'],
    [{ name: 'bad name' }, 'EGRESSD_INVALID_NAME', 'name'],
    [{ name: 'x', labels: { a: 1 as never } }, 'EGRESSD_INVALID_SPEC', 'labels.a'],
    [{ dns: { servers: ['9.9.9.9'] } }, 'EGRESSD_INVALID_SPEC', 'dns'],
    [{ name: 'x', dns: { servers: ['9.9.9'] } }, 'EGRESSD_INVALID_ADDRESS', 'dns.servers[0]'],
    [{ sysctls: { 'kernel.pid_max': 1 } }, 'EGRESSD_INVALID_SPEC', 'sysctls.kernel.pid_max'],
    [{ name: 'there', sysctls: { 'net.ipv4.ip_forward': 1 } }, 'EGRESSD_NAME_TAKEN', 'name'],
  ]
  for (const [claim, code, field] of refusals) expect(await refusal(pool.claim(claim))).toMatchObject({ code, field })
  expect((await refusal(pool.claim({ name: 'there' }))).message).toBe('name: another namespace is called there')
  expect(pool.stats).toMatchObject({ ready: 2, claimed: 0 })
  expect(library.census()).toEqual(before)
  const [a, b] = await Promise.all([pool.claim({ name: 'same' }), refusal(pool.claim({ name: 'same' }))])
  expect([a.name, b.code]).toEqual(['same', 'EGRESSD_NAME_TAKEN'])
})

test('a claim may want settings: they are those of its user alone', async () => {
  await using library = await createLibrary()
  const { host } = library
  const network = await library.egress.network(dual)
  await using pool = network.pool({ size: 1, high: 1, recycle: 'trusted' })
  const dns = { servers: ['9.9.9.9'], search: ['jobs.example'] }
  const sysctls = { 'net.ipv4.ip_default_ttl': 7, 'net/ipv4/tcp_syncookies': '0' }
  const first = await pool.claim({ name: 'job-1', dns, sysctls })
  const inside = (pid: Namespace, ...command: [string, ...string[]]) =>
    host.tool(command[0], command.slice(1), { netns: { path: pid.path as string } }).trim()
  expect(inside(first, 'cat', '/proc/sys/net/ipv4/ip_default_ttl')).toBe('7')
  expect(inside(first, 'cat', '/proc/sys/net/ipv4/tcp_syncookies')).toBe('0')
  const file = join(library.etcNetnsDir, 'job-1/resolv.conf')
  expect(readFileSync(file, 'utf8')).toMatch(/^#.*\nnameserver 9\.9\.9\.9\nsearch jobs\.example\n$/)
  const { addresses } = first
  const spec = { networks: [dual], namespaces: [{ name: 'job-1', network: 'br0', addresses, dns, sysctls }] }
  expect((await library.egress.check(spec)).changes).toEqual([])

  await pool.release(first)
  expect(existsSync(file)).toBe(false)
  await pool.ready()
  // A setting inside is a difference from a fresh one: that one was destroyed. This one is used again, without what it had.
  const second = await pool.claim({ name: 'job-2', dns })
  expect(inside(second, 'cat', '/proc/sys/net/ipv4/ip_default_ttl')).toBe('64')
  expect(existsSync(join(library.etcNetnsDir, 'job-2'))).toBe(true)
  await pool.release(second)
  expect(pool.stats).toMatchObject({ recycled: 1, destroyed: 1 })
  expect(existsSync(join(library.etcNetnsDir, 'job-2'))).toBe(false)

  // The first setting was taken before the second was refused: whatever it is like, nobody gets it.
  await pool.ready()
  const { destroyed } = pool.stats
  const refused = { 'net.ipv4.ip_default_ttl': 9, 'net.ipv4.ip_default_no': 1 }
  expect(await refusal(pool.claim({ name: 'job-3', sysctls: refused }))).toMatchObject({
    code: 'EGRESSD_REFUSED_VALUE',
    field: 'sysctls.net/ipv4/ip_default_no',
    fault: { errno: 'ENOENT' },
  })
  expect(existsSync(join(library.netnsDir, 'job-3'))).toBe(false)
  const third = await pool.claim({ name: 'job-3' })
  expect(pool.stats.destroyed).toBe(destroyed + 1)
  expect(inside(third, 'cat', '/proc/sys/net/ipv4/ip_default_ttl')).toBe('64')
})

test('bursts are served, each by another, and the pool is full again', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const pool = network.pool({ size: 8, prepare: async namespace => void (await namespace.ping('192.168.0.1')) })
  for (let burst = 0; burst < 3; burst++) {
    const claimed = await Promise.all(Array.from({ length: 30 }, (_, i) => pool.claim({ name: `b${burst}-${i}` })))
    expect(new Set(claimed.map(({ addresses }) => addresses[0])).size).toBe(30)
    expect((await claimed[29]?.ping('8.8.8.8'))?.[0]?.result).toBe('reply')
    await Promise.all(claimed.map(namespace => pool.release(namespace)))
  }
  await pool.ready()
  expect(pool.stats).toMatchObject({ ready: 8, claimed: 0, claims: 90, refusals: 0 })
  await pool.close()
  expect(library.egress.namespaces).toEqual([])
  await network.destroy()
  await untilVeths(library, 0)
})

test('what the kernel refuses is told, and tried again; claims that wait are served then', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  library.watch.always = { 'netns.create': faults.ENOMEM }
  await using pool = network.pool({ size: 2, claimTimeoutMs: 20_000 })
  const waiting = pool.claim({})
  // NB: not while one more is being tried, or about to be: whose time is up then is told of that alone.
  const rests = ({ refusals, making, retryInMs }: PoolStats) => refusals >= 3 && making === 0 && (retryInMs ?? 0) > 10
  while (!rests(pool.stats)) await sleep(10)
  expect(pool.stats).toMatchObject({ ready: 0, lastError: { code: 'EGRESSD_KERNEL', fault: { errno: 'ENOMEM' } } })
  expect(await refusal(pool.claim({ timeoutMs: 5 }))).toMatchObject({ fault: { errno: 'ENOMEM' } })
  library.watch.reset()
  expect((await waiting).anonymous).toBe(true)
  await pool.ready()
  expect(pool.stats).toMatchObject({ ready: 2, claimed: 1, lastError: null })
})

test('closed in the midst of refilling, nothing is left of it', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const before = library.census()
  const pool = network.pool({ size: 60 })
  const late = refusal(Promise.all(Array.from({ length: 61 }, () => pool.claim({}))))
  while (pool.stats.claimed < 3) await sleep(1)
  await pool.close()
  expect((await late).code).toBe('EGRESSD_CLOSED')
  for (const namespace of library.egress.namespaces) await namespace.destroy({ wait: 'gone' })
  const after = library.census()
  expect(after).toEqual(before)
})

test('one that is destroyed by itself is no longer counted', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  await using pool = network.pool({ size: 1, high: 2 })
  const [a, b] = [await pool.claim({}), await pool.claim({})]
  await a.destroy()
  expect(pool.stats.claimed).toBe(1)
  await pool.release(b as Namespace)
  await pool.ready()
  expect(pool.stats).toMatchObject({ ready: 1, claimed: 0 })
})

test('recycled only where it is as fresh; the next user finds nothing of the one before', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  await using pool = network.pool({ size: 1, high: 1, recycle: 'trusted' })
  const first = await pool.claim({ name: 'job-1', labels: { of: 'one' } })
  const { addresses } = first
  const inside = (command: string, ...args: string[]) =>
    library.host.tool(command, args, { netns: { path: first.path as string } })
  inside('ip', 'address', 'add', '192.168.7.7/16', 'dev', 'eth0')
  inside('ip', 'route', 'add', '10.9.0.0/16', 'via', '192.168.0.1')
  inside('nft', 'add', 'table', 'inet', 'mine')
  await first.ping('8.8.8.8')
  await pool.release(first)
  expect(pool.stats).toMatchObject({ ready: 1, recycled: 1, destroyed: 0 })
  expect(existsSync(join(library.netnsDir, 'job-1'))).toBe(false)

  const second = await pool.claim({ name: 'job-2' })
  expect(second).not.toBe(first)
  expect(second).toMatchObject({ addresses, labels: {} })
  const seen = library.host.tool('sh', ['-ec', 'ip address; ip route; nft list ruleset'], {
    netns: { path: second.path as string },
  })
  for (const trace of ['192.168.7.7', '10.9.0.0', 'mine']) expect(seen).not.toContain(trace)
  expect((await second.ping('8.8.8.8'))[0]?.result).toBe('reply')
  expect(library.host.tool('conntrack', ['-L', '-s', addresses[0] as string]).split('\n').length).toBeLessThan(4)

  // A process in it would go on beside the next user's.
  const child = await second.spawn('sleep', ['60'], { stdio: 'ignore' })
  await pool.release(second)
  child.kill('SIGKILL')
  expect(pool.stats).toMatchObject({ recycled: 1, destroyed: 1 })
  const third = await pool.claim({})
  expect(third.addresses).not.toEqual(addresses)
})

test('what is recycled is taken up by nobody after a restart, and its address rests', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const pool = network.pool({ size: 1, high: 1, recycle: 'trusted' })
  const claimed = await pool.claim({ name: 'job-1' })
  await pool.release(claimed)
  expect(pool.stats).toMatchObject({ recycled: 1 })
  const egress = await library.restart()
  expect(egress.namespaces).toEqual([])
  expect((await egress.networks[0]?.create())?.addresses).not.toEqual(claimed.addresses)
})

test('what others destroy of those that are ready is not handed out', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  await using pool = network.pool({ size: 3, recycle: 'trusted' })
  await pool.ready()
  for (const namespace of await library.egress.listNamespaces()) await namespace.destroy()
  const used = await pool.claim({ name: 'job-1' })
  expect((await used.ping('8.8.8.8'))[0]?.result).toBe('reply')
  // Nor of those that are ready again.
  await pool.release(used)
  await pool.ready()
  await network.destroyMany(network.namespaces)
  for (const name of ['job-2', undefined]) {
    const claimed = await pool.claim(name === undefined ? {} : { name })
    expect((await claimed.ping('8.8.8.8'))[0]?.result).toBe('reply')
  }
  expect(pool.stats).toMatchObject({ claimed: 2, refusals: 0, lastError: null })
})

test('what a claim says is as it was when it was said, and wrong before it waits', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  await using pool = network.pool({ size: 1, high: 1 })
  const first = await pool.claim()
  const sysctls = { 'net.ipv4.ip_default_ttl': 42 }
  const claim = { name: 'job-1', labels: { queue: 'builds' }, sysctls, dns: { servers: ['192.0.2.1'] } }
  const waiting = pool.claim(claim)
  Object.assign(claim, { name: 'job-2' })
  Object.assign(claim.labels, { queue: 'others' })
  Object.assign(sysctls, { 'net.ipv4.ip_default_ttl': 43 })
  claim.dns.servers.push('192.0.2.2')
  const wrong: [PoolClaim, string][] = [
    [{ nmae: 'job-3' } as PoolClaim, 'nmae'],
    [{ name: 'job 3' }, 'name'],
    [{ labels: { queue: 1 as never } }, 'labels.queue'],
    [{ dns: { servers: [] } }, 'dns'],
    [{ name: 'job-3', sysctls: { 'kernel.panic': 1 } }, 'sysctls.kernel.panic'],
  ]
  for (const [bad, field] of wrong) expect(await refusal(pool.claim(bad))).toMatchObject({ field })
  await pool.release(first)
  const claimed = await waiting
  expect(claimed).toMatchObject({ name: 'job-1', labels: { queue: 'builds' } })
  const written = readFileSync(join(library.etcNetnsDir, 'job-1', 'resolv.conf'), 'utf8')
  expect(written.match(/^nameserver .*$/gm)).toEqual(['nameserver 192.0.2.1'])
  const ttl = library.host.tool('cat', ['/proc/sys/net/ipv4/ip_default_ttl'], { netns: claimed.ref })
  expect(ttl.trim()).toBe('42')
  expect(Object.isFrozen(claimed.labels)).toBe(true)
})

test('a process that waits until all are ready lives through a refusal', () => {
  const script = `import { Egress } from '${pathToFileURL('dist/index.js').href}'
    import { FakeMachine } from '${pathToFileURL('dist/kernel/fake/fake.js').href}'
    const egress = await Egress.open({ kernel: new FakeMachine(), stateDir: '/run/egressd-ready' })
    const network = await egress.network({ name: 'br0', subnets: ['192.168.0.0/16'] })
    let failures = 1
    const pool = network.pool({ size: 1, prepare() { if (failures-- > 0) throw new Error('not yet') } })
    await pool.ready({ signal: AbortSignal.timeout(20_000) })
    console.log('ready')
    await egress.close()`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'ready\n', stderr: '' })
})

test('one that somebody destroys while it is being claimed is not handed out', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  await using pool = network.pool({ size: 1 })
  await pool.ready()
  const [ready] = network.namespaces
  const claim = { sysctls: { 'net.ipv4.ip_default_ttl': 42 } }
  const [claimed] = await Promise.all([refusal(pool.claim(claim)), ready?.destroy()])
  expect(claimed.code).toBe('EGRESSD_REPLACED')
  expect((await (await pool.claim(claim)).ping('8.8.8.8'))[0]?.result).toBe('reply')
})
