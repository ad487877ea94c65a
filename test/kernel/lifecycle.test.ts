// What becomes of work under way where its environment goes: a worker that is terminated, a process that exits, a callback that throws,
// a handle that nobody has any more.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { expect, test, vi } from 'vitest'
import { createHost, netnsPath, type TestHost } from '../helpers/host.js'
import { bothThreads } from '../helpers/threads.js'

const module = new URL('../../dist/kernel/native.js', import.meta.url).href
const nsfs = statSync('/proc/self/ns/net').dev

/** Descriptors of namespaces. */
const held = () =>
  readdirSync('/proc/self/fd').filter(fd => {
    try {
      return statSync(`/proc/self/fd/${fd}`).dev === nsfs
    } catch {
      return false
    }
  }).length
const threads = () =>
  readdirSync('/proc/self/task').filter(id => {
    try {
      return readFileSync(`/proc/self/task/${id}/comm`, 'utf8').startsWith('egressd')
    } catch {
      return false
    }
  }).length
const veths = (host: TestHost) => host.json<object[]>('ip', ['-j', 'link', 'show', 'type', 'veth']).length

/** A door, and jobs that each make a namespace with a link to the host, which stands as long as its descriptor. */
const common = `
  const { nativeKernel } = await import(${JSON.stringify(module)})
  const { readdirSync, statSync } = await import('node:fs')
  const open = () => nativeKernel.open(at)
  const make = (door, hold) => door.run([
    { op: 'netns.create', as: 1, hold },
    { op: 'link.add', kind: 'veth', name: 'v' + Math.random().toString(36).slice(2, 12), peer: { name: 'c', netns: 1 } },
  ])`
const inWorker = (body: string) => `
  const { workerData, parentPort } = require('node:worker_threads')
  const at = { fd: workerData }
  const said = word => parentPort.postMessage(word)
  // NB: from then on nothing is delivered to it any more.
  const block = () => { said('ready'); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0) }
  ;(async () => {${common}
  ${body}
  })()`

test.each([
  ['before it has loaded the addon', `said('ready'); await new Promise(() => setInterval(() => {}, 1000))`],
  ['before its first job', `open(); said('ready'); await new Promise(() => setInterval(() => {}, 1000))`],
  ['with a hundred jobs under way', `const door = open(); for (let i = 0; i < 100; i++) make(door, true); block()`],
  [
    'with jobs whose answers nobody has taken',
    `const door = open(); for (let i = 0; i < 20; i++) make(door, true); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300); block()`,
  ],
  ['with namespaces begun ahead', `const door = open(); for (let i = 0; i < 20; i++) door.prepare(); block()`],
  [
    'after its jobs',
    `const door = open(); for (let i = 0; i < 20; i++) await make(door, false); said('ready'); await new Promise(() => setInterval(() => {}, 1000))`,
  ],
  ['while it listens', `const door = open(); await door.watch(() => {}).ready; make(door, true); block()`],
])('a worker that is terminated %s leaves nothing', async (_what, body) => {
  await using host = await createHost()
  await bothThreads()
  const before = { held: held(), threads: threads() }
  for (let i = 0; i < 3; i++) {
    const worker = new Worker(inWorker(body), { eval: true, workerData: host.kernel.hostFd })
    const [word] = await Promise.race([once(worker, 'message'), once(worker, 'error')])
    expect(word).toBe('ready')
    await worker.terminate()
  }
  await vi.waitFor(() => expect({ held: held(), threads: threads() }).toEqual(before), { timeout: 30_000 })
  await vi.waitFor(() => expect(veths(host)).toBe(0), { timeout: 30_000 })
})

const inProcess = async (host: TestHost, body: string, ...flags: string[]) => {
  const script = `const at = { path: ${JSON.stringify(netnsPath({ fd: host.kernel.hostFd }))} }${common}\n${body}`
  const running = promisify(execFile)(process.execPath, [...flags, '--input-type=module', '-e', script], {
    timeout: 50_000,
  })
  const { code = 0, signal = null, stdout, stderr } = await running.catch(error => error)
  return { code, signal, stdout: stdout as string, stderr: stderr as string }
}

test.each([0, 1, 20])('a process that exits %d ms after its jobs began leaves nothing', async after => {
  await using host = await createHost()
  const body = `const door = open()
    for (let i = 0; i < 200; i++) make(door, true)
    setTimeout(() => process.exit(7), ${after})`
  expect(await inProcess(host, body)).toMatchObject({ code: 7, signal: null, stderr: '' })
  await vi.waitFor(() => expect(veths(host)).toBe(0), { timeout: 30_000 })
})

const news = `const { execFileSync } = await import('node:child_process')
  const tell = name => execFileSync('nsenter', ['--net=' + at.path, 'nft', 'add', 'table', 'ip', name])`

test('a callback that throws ends the process as any other exception does', async () => {
  await using host = await createHost()
  const body = `${news}
    await open().watch(() => { throw new Error('on purpose') }).ready
    setInterval(() => {}, 1000)
    tell('one')`
  const ended = await inProcess(host, body)
  expect({ code: ended.code, signal: ended.signal }).toEqual({ code: 1, signal: null })
  expect(ended.stderr).toContain('on purpose')
})

test('where such an exception is caught, the next news are told', async () => {
  await using host = await createHost()
  const body = `${news}
    let heard = 0
    process.on('uncaughtException', ({ message }) => console.log(message))
    const door = open()
    await door.watch(() => { heard++; throw new Error('number ' + heard) }).ready
    for (let i = 1; i <= 3; i++) {
      tell('t' + i)
      while (heard < i) await new Promise(resolve => setTimeout(resolve, 5))
    }
    await new Promise(resolve => setTimeout(resolve, 50))
    await door.close()`
  const ended = await inProcess(host, body)
  expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(ended.stdout.trim().split('\n').slice(0, 3)).toEqual(['number 1', 'number 2', 'number 3'])
})

test('handles that nobody has any more are closed by the collector, and no descriptor is left', async () => {
  await using host = await createHost()
  const body = `
    const device = statSync('/proc/self/ns/net').dev
    const held = () => readdirSync('/proc/self/fd').filter(fd => {
      try { return statSync('/proc/self/fd/' + fd).dev === device } catch { return false }
    }).length
    const drop = () => { for (let i = 0; i < 100; i++) open() }
    // NB: held until it is dropped: the collector may come by itself while the second thread, which may begin late, is waited for.
    let first = open()
    await first.run([{ op: 'link.list' }])
    // That door, and what each of the two threads keeps.
    for (let i = 0; i < 2_000 && held() !== 3; i++) await new Promise(resolve => setTimeout(resolve, 5))
    const before = held()
    drop()
    const most = held()
    first = undefined
    for (let i = 0; i < 1_000 && held() >= before; i++) {
      gc()
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    console.log(most - before, before - held())`
  const ended = await inProcess(host, body, '--expose-gc')
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  const [more, fewer] = ended.stdout.trim().split(' ').map(Number)
  expect(more).toBe(100)
  expect(fewer).toBe(1)
})
