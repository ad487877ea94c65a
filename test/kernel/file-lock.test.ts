// A file that is locked: by whom, and with what the lock goes.
import { once } from 'node:events'
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FileLock, loadAddon } from '../../src/kernel/load.js'

let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'file-lock-'))
  path = join(folder, 'lock')
})
afterEach(() => rmSync(folder, { recursive: true }))

const lock = () => loadAddon().lockFile(path)
const ours = { holder: process.pid }

test('it is let go of once: the number of its descriptor may be that of another file then', () => {
  const first = lock() as FileLock
  expect(lock()).toEqual(ours)
  first.unlock()
  const second = lock() as FileLock
  first.unlock()
  expect(lock()).toEqual(ours)
  second.unlock()

  const other = join(folder, 'other')
  writeFileSync(other, '')
  const fds: number[] = []
  do fds.push(openSync(other, 'r'))
  while (fds.at(-1) !== second.fd && fds.length < 1000)
  expect(fds).toContain(second.fd)
  first.unlock()
  second.unlock()
  for (const fd of fds) expect(fstatSync(fd).isFile()).toBe(true)
  for (const fd of fds) closeSync(fd)
})

const module = new URL('../../dist/kernel/load.js', import.meta.url).href
const inWorker = (then: string) => `const { parentPort } = require('node:worker_threads')
  import(${JSON.stringify(module)}).then(({ loadAddon }) => {
    const taken = loadAddon().lockFile(${JSON.stringify(path)})
    parentPort.once('message', () => { ${then} })
    parentPort.postMessage(typeof taken.fd)
  })`

test.each([
  ['is terminated', 'for (;;) {}'],
  ['ends', ''],
  ['ends, and has let go of it', 'taken.unlock()'],
  ['throws', 'throw new Error("enough")'],
  ['exits', 'process.exit()'],
])('a worker that %s has it no longer', async (what, then) => {
  for (let i = 0; i < 3; i++) {
    const worker = new Worker(inWorker(then), { eval: true })
    worker.on('error', () => {})
    expect(await once(worker, 'message')).toEqual(['number'])
    expect(lock()).toEqual(ours)
    const exit = new Promise(resolve => worker.once('exit', resolve))
    worker.postMessage('on')
    if (what === 'is terminated') void worker.terminate()
    await exit
    const next = lock()
    expect(next).toHaveProperty('unlock')
    ;(next as FileLock).unlock()
  }
})
