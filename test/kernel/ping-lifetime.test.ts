import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { packageRoot } from '../../src/kernel/load.js'
import { nativeKernel } from '../../src/kernel/native.js'
import { type Chain, createChain } from '../helpers/chain.js'
import { netnsPath } from '../helpers/host.js'
import { bothThreads } from '../helpers/threads.js'

let chain: Chain
beforeAll(async () => {
  chain = await createChain()
  // Where nobody has an address, the router says so after three seconds; a busy machine takes longer than that to begin with all of them.
  chain.host.tool('ip', ['neigh', 'add', nobody, 'lladdr', '02:00:00:00:00:77', 'dev', 'r2', 'nud', 'permanent'])
  await bothThreads()
})
afterAll(() => chain[Symbol.asyncDispose]())

const hour = 3_600_000
const nobody = '10.2.0.77'
const netns = () => ({ fd: chain.client.fd })

/** Threads of this process that ping. */
const threads = () =>
  readdirSync('/proc/self/task').filter(id => {
    try {
      return readFileSync(`/proc/self/task/${id}/comm`, 'utf8') === 'egressd-errand\n'
    } catch {
      return false
    }
  })
const pinging = (count: number) => vi.waitFor(() => expect(threads()).toHaveLength(count), { timeout: 20_000 })
const none = () => vi.waitFor(() => expect(threads()).toEqual([]), { timeout: 20_000 })
const descriptors = () =>
  readdirSync('/proc/self/fd').map(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
/** Sockets, eventfds and namespaces: what a ping holds. */
const held = () => descriptors().filter(target => /^(socket|anon_inode:\[eventfd|net):?/.test(target)).length

test('64 at once in one namespace: none takes what is for another', async () => {
  const { kernel } = chain.host
  const { v4, v6 } = chain.server
  const kinds = [
    [{ target: v4 }, 'reply', v4],
    [{ target: v6 }, 'reply', v6],
    [{ target: nobody, timeoutMs: 150 }, 'timeout', null],
    [{ target: v4, ttl: 1 }, 'ttl-exceeded', '10.1.0.1'],
    [{ target: v6, ttl: 1 }, 'ttl-exceeded', 'fd01::1'],
    // Too small for a cookie: the identifier alone tells them apart.
    [{ target: v4, size: 0 }, 'reply', v4],
    [{ target: '10.66.6.6', size: 0 }, 'network-unreachable', '10.1.0.1'],
    [{ target: '10.1.0.1', size: 3000 }, 'reply', '10.1.0.1'],
  ] as const
  // The kernel limits this one error whatever the sysctl says.
  chain.host.tool('ip', ['route', 'add', 'unreachable', '10.66.0.0/16'])
  chain.host.tool('nft', [
    'table ip t { chain c { type filter hook prerouting priority 0; ip daddr 10.66.0.0/16 reject with icmp net-unreachable; }; }',
  ])
  const running = Array.from({ length: 64 }, (_, i) => {
    const [options, result, from] = kinds[i % kinds.length] as (typeof kinds)[number]
    const answers = kernel.ping({ timeoutMs: 20_000, ...options, count: 5, intervalMs: 3 }, netns())
    return answers.then(echoes => expect(echoes.map(e => [e.result, e.from])).toEqual(Array(5).fill([result, from])))
  })
  await Promise.all(running)
  await none()
})

test('the 65th waits for its turn, and can be aborted while it waits', async () => {
  const { kernel } = chain.host
  const before = held()
  const stops = Array.from({ length: 64 }, () => new AbortController())
  const long = stops.map(({ signal }) => kernel.ping({ target: nobody, timeoutMs: hour }, netns(), signal))
  const waiting = kernel.ping({ target: chain.server.v4 }, netns())
  const abort = new AbortController()
  const second = kernel.ping({ target: chain.server.v4 }, netns(), abort.signal)
  await pinging(64)
  abort.abort(new Error('enough'))
  await expect(second).rejects.toThrow('enough')
  expect(await Promise.race([waiting, sleep(50, 'still waiting')])).toBe('still waiting')
  for (const stop of stops) stop.abort()
  const outcomes = await Promise.allSettled(long)
  expect(outcomes.every(outcome => outcome.status === 'rejected' && outcome.reason.name === 'AbortError')).toBe(true)
  expect((await waiting)[0]?.result).toBe('reply')
  await none()
  expect(held()).toBe(before)
})

test('an abort ends a ping in mid-wait, and one that came before starts none', async () => {
  const { kernel } = chain.host
  const before = held()
  const abort = new AbortController()
  const pending = kernel.ping({ target: nobody, timeoutMs: hour }, netns(), abort.signal)
  await pinging(1)
  abort.abort('reason')
  await expect(pending).rejects.toBe('reason')
  await none()
  await expect(kernel.ping({ target: nobody }, netns(), abort.signal)).rejects.toBe('reason')
  expect(threads()).toEqual([])
  // Too late: nothing happens.
  const late = new AbortController()
  await kernel.ping({ target: chain.server.v4 }, netns(), late.signal)
  late.abort()
  expect(held()).toBe(before)
})

test('close() stops what pings, and the door stays closed', async () => {
  const kernel = nativeKernel.open(netns())
  const before = held()
  const pending = kernel.ping({ target: nobody, timeoutMs: hour })
  const closed = expect(pending).rejects.toMatchObject({ code: 'EGRESSD_CLOSED' })
  await kernel.close()
  await closed
  await none()
  await expect(kernel.ping({ target: nobody })).rejects.toMatchObject({ code: 'EGRESSD_CLOSED' })
  expect(held()).toBeLessThan(before)
})

test('a namespace that is none', async () => {
  const { kernel } = chain.host
  const target = chain.server.v4
  const rejection = (ref: Parameters<typeof kernel.ping>[1]) => kernel.ping({ target }, ref).catch(error => error)
  expect(await rejection({ path: '/run/netns/none' })).toMatchObject({
    code: 'EGRESSD_KERNEL',
    fault: { errno: 'ENOENT' },
  })
  expect(await rejection({ path: '/etc/hostname' })).toMatchObject({
    code: 'EGRESSD_KERNEL',
    fault: { errno: 'EINVAL' },
  })
  expect(await rejection({ path: '' })).toMatchObject({ code: 'EGRESSD_INVALID_OPERATION' })
})

test('the namespace is the one of the moment of the call, even if its name goes', async () => {
  const path = '/run/netns/ping-named'
  const { kernel } = chain.host
  await kernel.run([{ op: 'netns.create', as: 1, pin: path }])
  const pending = kernel.ping({ target: '127.0.0.1' }, { path })
  await kernel.run([{ op: 'netns.unpin', path }])
  // Its loopback is down, which no other namespace here says.
  expect((await pending)[0]).toMatchObject({ result: 'send-failed', errno: 'ENETUNREACH' })
})

const addon = createRequire(import.meta.url).resolve('node-gyp-build')
const script = (body: string) => `
  const { Door } = require(${JSON.stringify(addon)})(${JSON.stringify(packageRoot)})
  const ping = timeoutMs => door.ping({ target: '${nobody}', timeoutMs }).done
  ${body}`

test('a worker that is terminated takes its pings along', async () => {
  for (let i = 0; i < 5; ++i) {
    const body = `
      const door = new Door({ fd: require('node:worker_threads').workerData })
      for (let i = 0; i < 100; ++i) ping(${hour})
      require('node:worker_threads').parentPort.postMessage('pinging')`
    const before = held()
    const worker = new Worker(script(body), { eval: true, workerData: chain.client.fd })
    await once(worker, 'message')
    await pinging(64)
    await worker.terminate()
    await none()
    await vi.waitFor(() => expect(held()).toBe(before), { timeout: 20_000 })
  }
})

const child = (body: string) => ['-e', script(`const door = new Door({ path: process.argv[1] })\n${body}`)]

test('a process exits in the middle of a ping', async () => {
  const path = netnsPath(netns())
  const body = `for (let i = 0; i < 100; ++i) ping(${hour}); setTimeout(() => process.exit(7), 50)`
  const exited = await promisify(execFile)(process.execPath, [...child(body), path], { timeout: 50_000 }).catch(e => e)
  expect([exited.code, exited.signal, exited.stderr]).toEqual([7, null, ''])
})

test('a signal ends a process in the middle of a ping', async () => {
  const body = `ping(${hour}); console.log('pinging')`
  const running = spawn(process.execPath, [...child(body), netnsPath(netns())], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(running.stdout, 'data')
  await sleep(20)
  running.kill('SIGTERM')
  expect(await once(running, 'exit')).toEqual([null, 'SIGTERM'])
})

test('a ping keeps the process alive until it is answered, and no longer', async () => {
  const body = 'ping(100).then(echoes => console.log(echoes[0].result))'
  const done = await promisify(execFile)(process.execPath, [...child(body), netnsPath(netns())], { timeout: 50_000 })
  expect(done).toEqual({ stdout: 'timeout\n', stderr: '' })
})
