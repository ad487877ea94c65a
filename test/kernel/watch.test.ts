import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { nativeKernel } from '../../src/kernel/native.js'
import type { KernelBatch, LinkEvent } from '../../src/kernel/watch.js'
import { createHost, netnsPath, value, values } from '../helpers/host.js'
import { bothThreads } from '../helpers/threads.js'
import { Heard, sentinel, watchedHost } from '../helpers/watch.js'

/** Those that watch, or ping: Node's own come and go. */
const threads = () =>
  readdirSync('/proc/self/task').filter(id => {
    try {
      return readFileSync(`/proc/self/task/${id}/comm`, 'utf8') === 'egressd-errand\n'
    } catch {
      return false
    }
  }).length
/** Resolves when there are none any more: a thread ends after it has let go of all it had. */
const noThreads = async () => {
  while (threads() > 0) await new Promise(done => setTimeout(done, 1))
}
const descriptors = () => readdirSync('/proc/self/fd').length

test('hears what another process does to links, addresses and routes of ours on the host', async () => {
  await using host = await watchedHost()
  const { heard, tool } = host
  tool('ip', ['link', 'set', 've0', 'down'])
  expect(await heard.event({ kind: 'link', index: 11 })).toEqual({
    kind: 'link',
    action: 'new',
    nsid: null,
    index: 11,
    name: 've0',
    mark: 'egressd:br0/ns0',
    outside: null,
  })
  tool('ip', ['address', 'del', '192.0.2.1/24', 'dev', 'br0'])
  expect(await heard.event({ kind: 'address' })).toMatchObject({ action: 'delete', index: 10, mark: 'egressd:br0' })
  tool('ip', ['route', 'add', '203.0.113.0/24', 'dev', 'br0'])
  expect(await heard.event({ kind: 'route', action: 'new' })).toMatchObject({ index: 10, name: 'br0' })
  tool('ip', ['route', 'del', '203.0.113.0/24', 'dev', 'br0'])
  await heard.event({ kind: 'route', action: 'delete', index: 10 })
  tool('ip', ['link', 'del', 've0'])
  await heard.event({ kind: 'link', action: 'delete', index: 11, mark: 'egressd:br0/ns0' })
})

test.each([
  ['its alias', ['alias', ''], {}],
  ['its name', ['name', 'other'], { name: 'other' }],
  ['its MTU', ['mtu', '1400'], {}],
  ['its MAC', ['address', '02:00:00:00:00:77'], {}],
  ['its bridge', ['nomaster'], {}],
  ['its address generation', ['addrgenmode', 'eui64'], {}],
])('hears of a change of %s, and still knows whose it is', async (_what, change, also) => {
  await using host = await watchedHost()
  // Renaming takes a link that is down, on older kernels.
  if (change[0] === 'name') host.tool('ip', ['link', 'set', 've0', 'down'])
  host.tool('ip', ['link', 'set', 've0', ...change])
  expect(await host.heard.event({ kind: 'link', index: 11, ...also })).toMatchObject({ mark: 'egressd:br0/ns0' })
})

test.each([
  ['one made while it listened', false],
  ['one that stood before', true],
])('hears what happens inside of a namespace, by its number: %s', async (_what, before) => {
  await using host = await watchedHost({}, before)
  const { heard, kernel, tool, inside } = host
  expect((await host.watch.ready).inside).toBe(true)
  const link = value((await kernel.run([{ op: 'link.get', index: 11 }]))[0])
  const nsid = link.peerNetns
  const at = { netns: inside }
  tool('ip', ['link', 'set', 'ceth0', 'address', '02:00:00:00:00:55'], at)
  expect(await heard.event({ kind: 'link', nsid })).toMatchObject({ index: 2, name: 'ceth0', outside: 11 })
  tool('ip', ['route', 'del', 'default'], at)
  expect(await heard.event({ kind: 'route', nsid })).toMatchObject({ action: 'delete', index: 2, outside: 11 })
  tool('ip', ['address', 'del', '192.0.2.2/24', 'dev', 'ceth0'], at)
  expect(await heard.event({ kind: 'address', nsid })).toMatchObject({ action: 'delete', index: 2, outside: 11 })
  tool('ip', ['link', 'set', 'lo', 'down'], at)
  expect(await heard.event({ kind: 'link', nsid, index: 1 })).toMatchObject({ mark: null, outside: 11 })
  tool('ip', ['link', 'del', 'ceth0'], at)
  await heard.event({ kind: 'link', action: 'delete', nsid, index: 2 })
})

test('hears old system calls, which have no port', async () => {
  await using host = await watchedHost()
  const script = `
import fcntl, socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
request = struct.pack("16sH14x", b"ceth0", socket.AF_INET)
fcntl.ioctl(s, 0x8916, request + bytes(16))  # SIOCSIFADDR 0.0.0.0`
  host.tool('python3', ['-c', script], { netns: host.inside })
  await host.heard.event({ kind: 'address', action: 'delete', outside: 11 })
  const down = `
import fcntl, socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(s, 0x8914, struct.pack("16sH22x", b"ve0", 0))  # SIOCSIFFLAGS: down`
  host.tool('python3', ['-c', down])
  await host.heard.event({ kind: 'link', nsid: null, index: 11 })
})

test('tells who changed nf_tables, and of which table; of elements in our own alone', async () => {
  await using host = await watchedHost()
  const { heard, tool } = host
  expect((await host.watch.ready).nftables).toBe(true)
  tool('nft', ['-f', '-'], { input: 'table inet egressd {\nset s { type ipv4_addr; }\nchain c { counter; }\n}\n' })
  const made = await heard.event({ kind: 'nft', action: 'new' })
  expect(made).toEqual({
    kind: 'nft',
    action: 'new',
    family: 'inet',
    table: 'egressd',
    by: { pid: expect.any(Number), name: 'nft' },
  })
  heard.batches.length = 0
  tool('nft', ['add', 'element', 'inet', 'egressd', 's', '{ 192.0.2.9 }'])
  await heard.event({ kind: 'nft', table: 'egressd', action: 'new' })
  tool('nft', ['-f', '-'], { input: 'table ip other {\nset s { type ipv4_addr; }\n}\n' })
  await heard.event({ kind: 'nft', table: 'other', family: 'ip' })
  heard.batches.length = 0
  tool('nft', ['add', 'element', 'ip', 'other', 's', '{ 192.0.2.9 }'])
  await sentinel(host)
  expect(heard.events.filter(({ kind }) => kind === 'nft')).toEqual([])
  tool('nft', ['flush', 'ruleset'])
  const gone = await heard.event({ kind: 'nft', table: 'egressd', action: 'delete' })
  expect(gone).toMatchObject({ by: { name: 'nft' } })
  // A table with a set, a chain and a rule: four objects, told once.
  expect(heard.events.filter(event => event.kind === 'nft' && event.table === 'egressd')).toHaveLength(1)
})

test('names the very process, where it is in the first pid namespace', async () => {
  await using host = await watchedHost()
  const script = `
import os, subprocess, sys
sys.stdout.write(str(os.getpid())); sys.stdout.flush()
os.execvp("nft", ["nft", "add", "table", "ip", "named"])`
  const pid = Number(host.tool('python3', ['-c', script]))
  const event = await host.heard.event({ kind: 'nft', table: 'named' })
  expect(event).toMatchObject({ by: { pid, name: 'nft' } })
})

test('tells nothing of what this process does, nor of what is of others', async () => {
  await using host = await watchedHost()
  const { kernel, heard, tool, watch } = host
  const churn = async (i: number) => {
    const index = 100 + i
    const made = values(
      await kernel.run([
        { op: 'netns.create', as: 1, hold: true },
        { op: 'link.add', kind: 'veth', name: `v${i}`, index, master: 10, peer: { name: 'c', index: 2, netns: 1 } },
        { op: 'link.set', index, addrGenMode: 'none', alias: `egressd:br0/n${i}` },
        { op: 'link.set', join: true, index, up: true },
        { op: 'link.set', in: 1, index: 1, up: true },
        { op: 'link.set', in: 1, join: true, index: 2, addrGenMode: 'none', alias: `egressd:br0/n${i}` },
        { op: 'link.set', in: 1, join: true, index: 2, up: true },
        { op: 'address.add', in: 1, join: true, index: 2, address: '192.0.2.77', prefix: 24 },
        { op: 'route.add', in: 1, join: true, family: 4, gateway: '192.0.2.1', index: 2 },
        { op: 'nft.commit', changes: [{ change: 'table.add', family: 'inet', name: `egressd` }] },
        { op: 'nft.commit', changes: [{ change: 'table.delete', family: 'inet', name: `egressd` }] },
      ]),
    )
    watch.forget(index)
    kernel.closeFd((made[0] as { fd: number }).fd)
  }
  for (let i = 0; i < 50; i++) await churn(i)
  tool('ip', ['link', 'add', 'stranger', 'type', 'veth', 'peer', 'name', 'stranger2'])
  tool('ip', ['link', 'set', 'stranger', 'up'])
  tool('ip', ['address', 'add', '203.0.113.1/24', 'dev', 'stranger'])
  tool('ip', ['link', 'del', 'stranger'])
  // The kernel takes the namespaces away when it comes to it.
  const gone = () => host.json<unknown[]>('ip', ['-j', 'link', 'show', 'type', 'veth']).length === 1
  while (!gone()) await new Promise(done => setTimeout(done, 10))
  await sentinel(host)
  expect(heard.events.filter(event => !(event.kind === 'address' && event.index === 10))).toEqual([])
  expect(heard.batches.length).toBeLessThanOrEqual(2)
})

test('a link that goes though nobody said so is told of; one that was said to go is not', async () => {
  await using host = await watchedHost()
  host.kernel.closeFd(host.inside.fd)
  await host.heard.event({ kind: 'link', action: 'delete', index: 11 })
  const [made] = await host.kernel.run([{ op: 'netns.create', as: 1, hold: true }])
  Object.assign(host.inside, { fd: value(made).fd })
})

test('says so where news were lost, and goes on', async () => {
  await using host = await watchedHost({ receiveBuffer: 1, delayMs: 200 })
  const { heard, tool, watch } = host
  const rules = Array.from({ length: 500 }, (_, i) => `ip saddr 192.0.2.${i % 250} counter comment "${i}"`).join('\n')
  tool('nft', ['-f', '-'], { input: `table ip large {\nchain c {\n${rules}\n}\n}\n` })
  await heard.until(({ overrun }) => overrun)
  expect(watch.counters().overruns).toBeGreaterThan(0)
  heard.batches.length = 0
  // What that makes of news may be too much as well, and is told so.
  tool('ip', ['link', 'set', 've0', 'down'])
  await heard.until(({ overrun, events }) => overrun || events.some(({ kind }) => kind === 'link'))
})

test('closes: no thread, no descriptor, no call', async () => {
  await using host = await createHost()
  values(await host.kernel.run([{ op: 'link.list' }]))
  await bothThreads()
  const warm = host.kernel.watch(() => {})
  await warm.ready
  await warm.close()
  await noThreads()
  const before = descriptors()
  for (let i = 0; i < 20; i++) {
    const heard = new Heard()
    const watch = host.kernel.watch(heard.listener)
    if (i % 2 === 0) await watch.ready
    const closing = watch.close()
    await Promise.all([closing, watch.close()])
    if (i % 2 === 1) await watch.ready.catch(error => expect(error).toMatchObject({ code: 'EGRESSD_CLOSED' }))
    host.tool('nft', ['add', 'table', 'ip', `t${i}`])
    expect(heard.batches).toEqual([])
  }
  await noThreads()
  expect(descriptors()).toBe(before)
})

test('goes with its door, and with its worker', async () => {
  await using host = await createHost()
  const fd = (await import('node:fs')).openSync(`/proc/self/fd/${host.kernel.hostFd}`, 'r')
  const door = nativeKernel.open({ fd })
  const watch = door.watch(() => {})
  await watch.ready
  await door.close()
  await expect(door.watch(() => {}).ready).rejects.toMatchObject({ code: 'EGRESSD_CLOSED' })
  const code = `
    const { workerData, parentPort } = require('node:worker_threads')
    import(workerData.module).then(async ({ nativeKernel }) => {
      const door = nativeKernel.open({ fd: workerData.fd })
      await door.watch(() => {}).ready
      setInterval(() => {}, 1000)
      parentPort.postMessage('listens')
    })`
  for (let i = 0; i < 3; i++) {
    const module = new URL('../../dist/kernel/native.js', import.meta.url).href
    const worker = new Worker(code, { eval: true, workerData: { module, fd } })
    await new Promise(done => worker.once('message', done))
    await worker.terminate()
  }
  await noThreads()
  ;(await import('node:fs')).closeSync(fd)
})

test.each([
  ['that comes to its end', ''],
  ['that exits', 'process.exit()'],
])('a process %s while there are news is not held up by them', async (_what, last) => {
  await using host = await createHost()
  const module = new URL('../../dist/kernel/native.js', import.meta.url).href
  // Busy until the news are there: they are told when it has nothing to do any more but to end.
  const code = `
    const { nativeKernel } = await import('${module}')
    const { execFileSync } = await import('node:child_process')
    await nativeKernel.open().watch(() => console.log('told')).ready
    execFileSync('nft', ['add', 'table', 'ip', 'last'])
    for (const end = performance.now() + 100; performance.now() < end; );
    ${last}`
  const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }
  const arguments_ = [
    `--net=${netnsPath({ fd: host.kernel.hostFd })}`,
    process.execPath,
    '--input-type=module',
    '-e',
    code,
  ]
  const done = spawnSync('nsenter', arguments_, { encoding: 'utf8', env: environment })
  expect([done.status, done.signal, done.stderr]).toEqual([0, null, ''])
})

test('refuses options that are not of their form', async () => {
  await using host = await createHost()
  const watch = host.kernel.watch(() => {}, { receiveBuffer: 0 })
  await expect(watch.ready).rejects.toThrow(/options.receiveBuffer: expected a number from 1/)
  await watch.close()
  const bad = host.kernel.watch('x' as unknown as (batch: KernelBatch) => void)
  await expect(bad.ready).rejects.toThrow(/listener: expected a function/)
})

test('each link is known by its own number', async () => {
  await using host = await watchedHost()
  host.tool('ip', ['link', 'set', 'br0', 'down'])
  const event = (await host.heard.event({ kind: 'link' })) as LinkEvent
  expect(event).toMatchObject({ index: 10, mark: 'egressd:br0', name: 'br0' })
})
