import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Kernel } from '../../src/kernel/kernel.js'
import type { Op, Verdict } from '../../src/kernel/ops.js'
import { netnsPath } from '../helpers/host.js'
import { dual, named } from '../helpers/library.js'
import { watchedLibrary } from '../helpers/watched.js'

test('its own churn of 200 namespaces is no news: nothing is looked at, and nobody is woken', async () => {
  await using library = await watchedLibrary()
  const network = await library.egress.network({ ...dual, firewall: 'nftables' })
  await using watch = await library.begin()
  const before = watch.stats()
  let made = 0
  const worker = async () => {
    while (made < 200) {
      made++
      const namespace = await network.create()
      await namespace.destroy({ wait: made % 10 === 0 ? 'gone' : 'reusable' })
    }
  }
  await Promise.all(Array.from({ length: 4 }, worker))
  const many = await network.createMany(Array.from({ length: 50 }, () => ({})))
  await Promise.all(many.map(async one => one.ok && (await one.namespace.destroy({ wait: 'gone' }))))
  // Something of another's doing, so that all before it has been heard.
  library.host.tool('ip', ['link', 'set', 'br0', 'mtu', '1400'])
  await library.told.until('repaired')
  await watch.settled()
  const after = watch.stats()
  expect(library.told.events.map(({ type }) => type)).toEqual(['drift', 'repaired'])
  expect(after.repairs).toBe(1)
  // The kernel tells of another MTU, and of its repair, in a few messages each. Of the 250 namespaces there would be more than 500.
  expect(after.wakeups - before.wakeups).toBeLessThanOrEqual(25)
  expect(after.looks - before.looks).toBeLessThanOrEqual(25)
})

test('who flushes again and again is left alone for longer and longer, and named', async () => {
  await using library = await watchedLibrary()
  const { host, told } = library
  const network = await library.egress.network({ ...dual, firewall: 'nftables' })
  await network.create(named)
  await using watch = await library.begin()
  const script = 'while :; do nft delete table inet egressd 2>/dev/null; done'
  const path = netnsPath({ fd: host.kernel.hostFd })
  const quarrel = spawn('nsenter', [`--net=${path}`, 'sh', '-c', script], { stdio: 'ignore' })
  const ended = once(quarrel, 'exit')
  try {
    const first = await told.until('conflict')
    expect(first).toMatchObject({ subject: { kind: 'firewall' }, by: { name: 'nft' }, milliseconds: 500 })
    const second = await told.until('conflict', ({ milliseconds }) => milliseconds > 500)
    expect(second).toMatchObject({ milliseconds: 1000, times: first.times + 1 })
    await told.until('conflict', ({ milliseconds }) => milliseconds === 2000)
  } finally {
    quarrel.kill('SIGKILL')
    await ended
  }
  const { repairs } = watch.stats()
  expect(repairs).toBeLessThanOrEqual(6)
  // Left in peace, it is put right when that time is over.
  await expect
    .poll(() => host.json<{ nftables: { table?: { name: string } }[] }>('nft', ['-j', 'list', 'tables']), {
      timeout: 10_000,
    })
    .toMatchObject({
      nftables: expect.arrayContaining([{ table: expect.objectContaining({ family: 'inet', name: 'egressd' }) }]),
    })
})

test('the bridge goes, and forty namespaces with it: all are put back', async () => {
  await using library = await watchedLibrary()
  const { host, told } = library
  const network = await library.egress.network({ ...dual, firewall: 'nftables' })
  const made = await network.createMany(Array.from({ length: 40 }, (_, i) => ({ name: `n${i}` })))
  await using watch = await library.begin()
  host.tool('ip', ['link', 'del', 'br0'])
  await told.until('repaired', ({ subject }) => subject.kind === 'network')
  const ports = () => host.json<{ master?: string }[]>('ip', ['-j', 'link', 'show', 'type', 'veth'])
  await expect
    .poll(
      async () => {
        await watch.settled()
        return ports().filter(({ master }) => master === 'br0').length
      },
      { timeout: 10_000 },
    )
    .toBe(40)
  for (const one of made) {
    if (!one.ok) throw one.error
    expect((await one.namespace.ping('8.8.8.8', { timeoutMs: 5000 }))[0]?.result).toBe('reply')
  }
  expect(told.events.filter(({ type }) => type === 'failed')).toEqual([])
})

test('settles where a look takes longer than it is to the next one', async () => {
  await using library = await watchedLibrary()
  const network = await library.egress.network({ ...dual, firewall: 'nftables' })
  await network.create(named)
  const open = library.watch.open.bind(library.watch)
  library.watch.open = (...args) => {
    const kernel = open(...args)
    const run = kernel.run.bind(kernel) as (ops: readonly Op[]) => Promise<Verdict[]>
    kernel.run = (async (ops: readonly Op[]) => {
      await sleep(60)
      return run(ops)
    }) as Kernel['run']
    return kernel
  }
  await library.restart()
  await using watch = await library.begin({ pollMs: 100 })
  const { looks } = watch.stats()
  await expect.poll(() => watch.stats().looks).toBeGreaterThan(looks + 3)
  await watch.settled()
  expect(library.told.events).toEqual([])
})

test('what a stranger has taken is told, and put right once it is free', async () => {
  await using library = await watchedLibrary()
  const { host, told } = library
  await library.egress.network({ ...dual, firewall: 'nftables' })
  await using watch = await library.begin({ pollMs: 100 })
  host.tool('nft', ['-f', '-'], { input: 'delete table inet egressd\nadd table inet egressd\n' })
  const failed = await told.until('failed')
  expect(failed).toMatchObject({ subject: { kind: 'firewall' }, error: { code: 'EGRESSD_NAME_TAKEN' } })
  const looks = watch.stats().failures
  await expect.poll(() => watch.stats().failures).toBeGreaterThan(looks + 2)
  const firewall = told.events.filter(event => event.type === 'failed' && event.subject.kind === 'firewall')
  expect(firewall).toEqual([failed])
  host.tool('nft', ['delete', 'table', 'inet', 'egressd'])
  await told.until('repaired', ({ subject }) => subject.kind === 'firewall')
  expect(host.tool('nft', ['list', 'table', 'inet', 'egressd'])).toContain('masquerade')
})

test('closes in the midst of it', async () => {
  await using library = await watchedLibrary()
  const network = await library.egress.network({ ...dual, firewall: 'nftables' })
  await network.create(named)
  const watch = await library.begin()
  library.host.tool('nft', ['flush', 'ruleset'])
  await library.told.until('drift')
  await library.egress.close()
  await watch.close()
  const count = library.told.events.length
  library.host.tool('nft', ['flush', 'ruleset'])
  await library.restart()
  expect(library.told.events.length).toBe(count)
})

test('news that were lost: all is looked at, and what is bent is found', async () => {
  await using library = await watchedLibrary()
  const network = await library.egress.network({ ...dual, firewall: 'nftables' })
  const namespace = await network.create(named)
  // A door whose buffers hold next to nothing.
  const open = library.watch.open.bind(library.watch)
  library.watch.open = (...args) => {
    const kernel = open(...args)
    const listen = kernel.watch.bind(kernel)
    kernel.watch = listener => listen(listener, { receiveBuffer: 1, delayMs: 200 })
    return kernel
  }
  const egress = await library.restart()
  await using watch = await library.begin()
  const rules = Array.from({ length: 500 }, (_, i) => `ip saddr 192.0.2.${i % 250} counter`).join('\n')
  const input = `flush ruleset\ntable ip large {\nchain c {\n${rules}\n}\n}\n`
  library.host.tool('nft', ['-f', '-'], { input })
  await library.told.until('overrun')
  await library.told.until('repaired', ({ subject }) => subject.kind === 'firewall')
  expect(watch.stats().overruns).toBeGreaterThan(0)
  expect((await egress.namespaces[0]?.ping('8.8.8.8', { timeoutMs: 5000 }))?.[0]?.result).toBe('reply')
  expect(namespace.name).toBe('ns0')
})

test('a pool goes about its own without being watched over', async () => {
  await using library = await watchedLibrary()
  const network = await library.egress.network({ ...dual, firewall: 'nftables' })
  await using pool = network.pool({ size: 4 })
  await using watch = await library.begin()
  for (let i = 0; i < 30; i++) {
    const claim = await pool.claim({ name: `c${i}` })
    expect((await claim.ping('192.168.0.1', { timeoutMs: 5000 }))[0]?.result).toBe('reply')
    await pool.release(claim)
  }
  await watch.settled()
  expect(library.told.events).toEqual([])
})
