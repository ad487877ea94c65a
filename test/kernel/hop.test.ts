// Several jobs in one hop, namespaces made beforehand, numbers of links that a job has learned, and files between its steps.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import type { PreparedNetns } from '../../src/kernel/kernel.js'
import type { Op } from '../../src/kernel/ops.js'
import type { Link } from '../../src/kernel/ops-link.js'
import { createHost, value, values } from '../helpers/host.js'
import { bothThreads } from '../helpers/threads.js'

test('jobs of one hop end each at its own first failure', async () => {
  await using host = await createHost()
  const bridge = (name: string): Op => ({ op: 'link.add', kind: 'bridge', name })
  const [first, second, third] = await host.kernel.runAll([
    [bridge('a')],
    [bridge('a'), bridge('never')],
    [bridge('b'), { op: 'netns.create', as: 1 }, { op: 'link.get', in: 1, index: 1 }],
  ])
  expect(first?.map(({ ok }) => ok)).toEqual([true])
  expect(second).toMatchObject([
    { ok: false, fault: { errno: 'EEXIST' } },
    { ok: false, skipped: true },
  ])
  expect(third?.map(({ ok }) => ok)).toEqual([true, true, true])
  const links = host.json<{ ifname: string }[]>('ip', ['-j', 'link', 'show', 'type', 'bridge'])
  expect(links.map(({ ifname }) => ifname)).toEqual(['a', 'b'])
})

test('what is asked for while there is bulk passes it by, where that has one thread', async () => {
  await using host = await createHost()
  let ended = 0
  const hop = async (jobs: Op[][], bulk?: boolean) => {
    for (const job of await host.kernel.runAll(jobs, bulk)) values(job)
    ended++
  }
  // Each takes as long as another process has the lock.
  const lock = spawn('flock', [process.env.XTABLES_LOCKFILE as string, 'sh', '-c', 'echo held; read line'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(lock.stdout, 'data')
  const edits = [{ edit: 'append', chain: 'INPUT', rule: { target: 'ACCEPT' } }] as const
  const long: Op = { op: 'xt.edit', family: 4, table: 'filter', edits, lockTimeoutMs: 60_000 }
  const bulk = Array.from({ length: 6 }, () => hop([[long]], true))
  const one = hop([[{ op: 'link.get', index: 1 }]])
  // NB: of those that it may run on, as the addon counts them.
  if (Number(spawnSync('nproc', { encoding: 'utf8' }).stdout) <= 2) {
    await one
    expect(ended).toBe(1)
  }
  lock.stdin.end('\n')
  await Promise.all([...bulk, one])
  expect(ended).toBe(7)
})

test('jobs that are not of their form are refused together, before any is run', async () => {
  await using host = await createHost()
  const good: Op = { op: 'link.add', kind: 'bridge', name: 'a' }
  for (const jobs of [[[good], [{ op: 'link.add' }]], [[good], 5], 'x'])
    await expect(host.kernel.runAll(jobs as never)).rejects.toMatchObject({ code: 'EGRESSD_INVALID_OPERATION' })
  expect(host.json('ip', ['-j', 'link', 'show', 'type', 'bridge'])).toEqual([])
})

test('a job takes the namespace that was made for it, whenever it comes; none is left of one that is forgone', async () => {
  await using host = await createHost()
  const { kernel } = host
  const seen = new Set<number>()
  for (const wait of [0, 0, 5, 20]) {
    const prepared = kernel.prepare()
    if (wait > 0) await new Promise(resolve => setTimeout(resolve, wait))
    const [made, lo] = values(
      await kernel.run(
        [
          { op: 'netns.create', as: 1 },
          { op: 'link.get', in: 1, index: 1 },
        ],
        prepared,
      ),
    )
    expect(lo).toMatchObject({ name: 'lo', up: false })
    seen.add(made.inode)
    // It is used up.
    await expect(kernel.run([{ op: 'netns.create', as: 1 }], prepared)).rejects.toMatchObject({
      code: 'EGRESSD_INVALID_OPERATION',
    })
  }
  expect(seen.size).toBe(4)
  const forgone = kernel.prepare()
  kernel.forgo(forgone)
  kernel.forgo(forgone)
  await expect(kernel.run([], forgone)).rejects.toMatchObject({ code: 'EGRESSD_INVALID_OPERATION' })
})

function isNetns(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('net:[')
  } catch {
    return false // closed meanwhile
  }
}

test('one that is to be begun behind a job is there for the next; who comes before makes its own', async () => {
  await using host = await createHost()
  const { kernel } = host
  let made = 0
  const run = async (...given: PreparedNetns[]) => {
    const ops = [
      { op: 'netns.create' as const, as: 1 },
      { op: 'link.get' as const, in: 1, index: 1 },
    ] as const
    expect(values(await kernel.run(ops, ...given))[1]).toMatchObject({ name: 'lo', up: false })
    made++
  }
  // Taken while the thread is at it, and after.
  for (const wait of [0, 20]) {
    const next = kernel.prepareNext()
    await run(kernel.prepare(), next)
    if (wait > 0) await new Promise(resolve => setTimeout(resolve, wait))
    await run(next)
  }
  // Side by side: before the job that it comes behind is done. And one whose job never came.
  const next = kernel.prepareNext()
  await Promise.all([run(kernel.prepare(), next), run(next)])
  await run(kernel.prepareNext())
  expect(made).toBe(7)
  // It is made before anybody asks for it, and goes when it is forgone.
  await bothThreads()
  const held = () => readdirSync('/proc/self/fd').filter(isNetns).length
  const before = held()
  const forgone = kernel.prepareNext()
  await run(kernel.prepare(), forgone)
  await vi.waitFor(() => expect(held()).toBe(before + 1), { timeout: 20_000 })
  kernel.forgo(forgone)
  await vi.waitFor(() => expect(held()).toBe(before), { timeout: 20_000 })
  await expect(kernel.run([], forgone)).rejects.toMatchObject({ code: 'EGRESSD_INVALID_OPERATION' })
})

// What was prepared in vain is made once more, by the job: a limit may have been another's, and be gone.
const inVain = `
  import { openSync, closeSync } from 'node:fs'
  const { nativeKernel } = await import(process.argv[1])
  const kernel = nativeKernel.open()
  await kernel.run([{ op: 'link.get', index: 1 }])
  const taken = []
  try { for (;;) taken.push(openSync('/dev/null')) } catch (error) { console.log(error.code) }
  const prepared = kernel.prepare()
  await new Promise(resolve => setTimeout(resolve, 50))
  for (const fd of taken) closeSync(fd)
  const [made] = await kernel.run([{ op: 'netns.create', as: 1 }], prepared)
  console.log(made.ok)
  await kernel.close()`

test('a job whose namespace could not be made beforehand makes it itself', () => {
  const door = join(import.meta.dirname, '../../dist/kernel/native.js')
  const command = ['ulimit -n 64; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', inVain, door]
  const { stdout, stderr } = spawnSync('sh', ['-c', ...command], { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(stdout.split('\n')).toEqual(['EMFILE', 'true', ''])
})

test('a namespace is pinned by its descriptor, and what is no namespace is not', async () => {
  await using host = await createHost()
  const { kernel } = host
  const folder = mkdtempSync('/run/egressd-test-')
  const [made] = values(await kernel.run([{ op: 'netns.create', as: 1, hold: true }]))
  const [fd, path] = [made.fd as number, join(folder, 'pin')]
  expect(kernel.pinFd(fd, path)).toBe(null)
  expect(statSync(path).ino).toBe(made.inode)
  expect(kernel.pinFd(fd, path)).toMatchObject({ errno: 'EEXIST' })
  expect(kernel.pinFd(0, join(folder, 'no'))).toMatchObject({ errno: 'EINVAL' })
  expect(kernel.pinFd(99_999, join(folder, 'no'))).toMatchObject({ errno: 'EBADF' })
  expect(kernel.pinFd(fd, 'relative')).toMatchObject({ errno: 'EINVAL' })
  expect(existsSync(join(folder, 'no'))).toBe(false)
  kernel.closeFd(fd)
  value((await kernel.run([{ op: 'netns.unpin', path }]))[0])
  host.tool('umount', [folder])
  rmSync(folder, { recursive: true })
})

test.each(['link.get', 'link.index'] as const)(
  'a route, a neighbour and a port are told of a link by the name that the job has asked for: %s',
  async asking => {
    await using host = await createHost()
    const verdicts = await host.kernel.run([
      { op: 'link.add', kind: 'bridge', name: 'br0' },
      { op: 'link.add', kind: 'veth', name: 'v0', peer: { name: 'v1' } },
      { op: 'link.set', name: 'v0', up: true },
      { op: asking, name: 'v0' },
      { op: 'neighbour.add', link: 'v0', address: '10.0.0.2', mac: '02:00:00:00:00:02', replace: true },
      { op: 'route.add', join: true, family: 4, destination: '10.0.0.2', link: 'v0' },
      { op: 'route.add', family: 4, destination: '10.0.0.3', link: 'v1' },
    ])
    const [, , , link] = values(verdicts.slice(0, 6)) as unknown[]
    const [{ ifindex }] = host.json<[{ ifindex: number }]>('ip', ['-j', 'link', 'show', 'v0'])
    expect(asking === 'link.get' ? (link as Link).index : link).toBe(ifindex)
    expect(verdicts[6]).toMatchObject({ ok: false, fault: { errno: 'ENODEV' } })
    const routes = host.json<{ dst: string; dev: string }[]>('ip', ['-j', 'route'])
    expect(routes.map(({ dst, dev }) => [dst, dev])).toEqual([['10.0.0.2', 'v0']])
    expect(host.tool('ip', ['neighbour', 'show', 'dev', 'v0'])).toContain('10.0.0.2 lladdr 02:00:00:00:00:02')
  },
)

test('files are written, moved and removed between steps, or the job ends there', async () => {
  await using host = await createHost()
  const folder = mkdtempSync('/tmp/egressd-test-')
  const [a, b] = [join(folder, 'a'), join(folder, 'b')]
  values(
    await host.kernel.run([
      { op: 'file.write', path: a, text: 'first' },
      { op: 'file.write', path: a, text: 'ü' },
      { op: 'file.move', from: a, to: b },
      { op: 'file.remove', path: a },
    ]),
  )
  expect([existsSync(a), readFileSync(b, 'utf8'), statSync(b).mode & 0o777]).toEqual([false, 'ü', 0o600])
  const refused = await host.kernel.run([
    { op: 'file.write', path: join(folder, 'no', 'a'), text: '' },
    { op: 'file.remove', path: b },
  ])
  expect(refused).toMatchObject([
    { ok: false, fault: { errno: 'ENOENT', call: 'open' } },
    { ok: false, skipped: true },
  ])
  // A full file system: nothing is left of what could not be written whole.
  host.tool('mount', ['-t', 'tmpfs', '-o', 'size=4k,nr_inodes=9', 'tmpfs', folder])
  const [full] = await host.kernel.run([{ op: 'file.write', path: a, text: 'x'.repeat(9000) }])
  expect(full).toMatchObject({ ok: false, fault: { errno: 'ENOSPC', call: 'write' } })
  expect(existsSync(a)).toBe(false)
  host.tool('umount', [folder])
  rmSync(folder, { recursive: true })
})
