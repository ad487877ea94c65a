// What processes that were killed leave behind: that goes, all of it, and nothing else does.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Files } from '../../src/doctor/files.js'
import { readRecords } from '../../src/doctor/records.js'
import { Egress } from '../../src/egress.js'
import { dyingGroup } from '../../src/plan/desired.js'
import { StateDirectory } from '../../src/state/directory.js'
import { createLibrary, dual, type Library, named } from '../helpers/library.js'

async function standing(): Promise<Library> {
  const library = await createLibrary()
  const network = await library.egress.network(dual)
  await network.create(named)
  return library
}

const linkNames = ({ host }: Library) =>
  host.json<{ ifname: string }[]>('ip', ['-j', 'link']).map(({ ifname }) => ifname)

/** Namespaces whose records are lost, as if never written. Reopened without looking for remains. */
async function lose(library: Library, ...names: string[]): Promise<Egress> {
  await library.egress.close()
  for (const name of names) rmSync(join(library.stateDir, 'namespaces', `${name}.json`))
  return library.restart({ collect: false })
}

test('remains of a namespace go: its link, its pin, its resolv.conf, its conntrack entries; and all else stays', async () => {
  const etcNetnsDir = '/run/egressd-test-etc'
  await using library = await createLibrary({ etcNetnsDir })
  const network = await library.egress.network(dual)
  await network.create({ ...named, dns: { servers: ['8.8.8.8'] } })
  const before = library.census()
  await (await network.create({ name: 'lost', dns: { servers: ['8.8.8.8'] } })).ping('8.8.8.8')
  const egress = await lose(library, 'lost')
  expect(readdirSync(etcNetnsDir).sort()).toEqual(['lost', 'ns0'])

  const said = await egress.gc({ dryRun: true })
  expect(said.remove).toMatchObject([{ alias: 'egressd:br0/lost', pins: [join(library.netnsDir, 'lost')], pids: [] }])
  expect(existsSync(join(library.netnsDir, 'lost'))).toBe(true)
  const standing = library.census()
  expect(await egress.gc({ dryRun: true })).toEqual(said)
  expect(library.census()).toEqual(standing)

  expect(await egress.gc()).toEqual(said)
  expect(library.census()).toEqual(before)
  expect(readdirSync(etcNetnsDir)).toEqual(['ns0'])
  const [tracked] = await library.host.kernel.run([{ op: 'conntrack.list', address: '192.168.0.3' }])
  expect(tracked).toEqual({ ok: true, value: [] })
  library.watch.reset()
  expect(await egress.gc()).toEqual({ remove: [], kept: [], files: [], left: [] })
  expect(library.watch.writes).toEqual([])
  rmSync(etcNetnsDir, { recursive: true })
})

test('opening does the same, and writes nothing where there is nothing', async () => {
  await using library = await standing()
  const before = library.census()
  await library.egress.networks[0]?.create({ name: 'lost' })
  await lose(library, 'lost')
  writeFileSync(join(library.stateDir, 'namespaces/ns0.json.new'), '{')
  await library.restart()
  expect(library.census()).toEqual(before)
  expect(readdirSync(join(library.stateDir, 'namespaces'))).toEqual(['ns0.json'])
  library.watch.reset()
  await library.restart()
  expect(library.watch.writes).toEqual([])
})

test('a hundred in one batch: one request deletes the links', async () => {
  await using library = await standing()
  const before = library.census()
  const names = Array.from({ length: 100 }, (_, n) => `lost${n}`)
  for (const name of names) await library.egress.networks[0]?.create({ name })
  const egress = await lose(library, ...names)
  library.watch.reset()
  const { remove } = await egress.gc()
  expect(remove).toHaveLength(100)
  expect(library.watch.writes.filter(op => op === 'link.delete')).toHaveLength(1)
  expect(library.census()).toEqual(before)
})

test('links of destroyed namespaces that nobody reaped', async () => {
  await using library = await standing()
  const { host } = library
  host.tool('sh', [
    '-ec',
    `ip link add x0 type veth peer name x1; ip link set x0 group ${dyingGroup}; ip link add y0 type bridge`,
  ])
  await library.restart()
  expect(linkNames(library).filter(name => /^[xy]/.test(name))).toEqual(['y0'])
})

/** As on a kernel without nf_tables, where two state directories may have networks that are alike. */
const loseTables = ({ host }: Library) => host.tool('nft', ['flush', 'ruleset'])

describe('what may be somebody else’s stays', () => {
  test('a network that is recorded nowhere here, until all is asked for', async () => {
    await using library = await standing()
    library.host.tool('ip', ['link', 'add', 'br9', 'type', 'bridge'])
    library.host.tool('ip', ['link', 'set', 'br9', 'alias', 'egressd:br9'])
    await library.restart()
    const { remove, kept } = await library.egress.gc()
    expect({ remove, kept }).toMatchObject({
      remove: [],
      kept: [{ alias: 'egressd:br9', why: expect.stringContaining('not recorded here') }],
    })
    expect(linkNames(library)).toContain('br9')
    expect((await library.egress.gc({ all: true })).remove).toMatchObject([{ alias: 'egressd:br9' }])
    expect(linkNames(library)).not.toContain('br9')
  })

  test('what is of a state directory that somebody has, even where all is asked for', async () => {
    await using library = await standing()
    const stateDir = `${library.stateDir}-other`
    const { hostFd } = library.host.kernel
    await using other = await Egress.open({ host: { fd: hostFd }, stateDir, netnsDir: library.netnsDir })
    loseTables(library)
    const network = await other.network({ name: 'br1', subnets: ['10.9.0.0/24'] })
    await network.create({ name: 'theirs' })
    const before = library.census()
    const { remove, kept } = await library.egress.gc({ all: true })
    expect(remove).toEqual([])
    expect(kept.map(({ alias, why }) => [alias, why]).sort()).toEqual([
      ['egressd:br1', `of ${stateDir}, which process ${process.pid} has`],
      ['egressd:br1/theirs', `of ${stateDir}, which process ${process.pid} has`],
    ])
    expect(library.census()).toEqual(before)
    await other.down()
  })

  test.each(['bridge', 'routed'] as const)(
    'a %s network of the same name in a directory that nobody has now',
    async mode => {
      await using library = await createLibrary()
      const mine = await library.egress.network({ name: 'net', bridge: 'br0', mode, subnets: ['192.168.0.0/16'] })
      await mine.create({ name: 'ns0' })
      const given = {
        host: { fd: library.host.kernel.hostFd },
        stateDir: `${library.stateDir}-other`,
        netnsDir: library.netnsDir,
      }
      const other = await Egress.open(given)
      loseTables(library)
      await (await other.network({ name: 'net', bridge: 'br1', mode, subnets: ['10.9.0.0/24'] })).create({
        name: 'theirs',
      })
      await other.close()
      const before = library.census()
      const { remove, kept } = await library.egress.gc()
      expect(remove).toEqual([])
      expect(kept).toMatchObject([
        { alias: 'egressd:net/theirs', why: expect.stringContaining('by what it is attached to') },
      ])
      expect(library.census()).toEqual(before)
      await using again = await Egress.open(given)
      await again.down()
    },
  )

  test('a namespace of another host of this machine, pinned in the same folder, that looks just like it', async () => {
    await using library = await standing()
    await using other = await createLibrary({ netnsDir: library.netnsDir })
    const theirs = await (await other.egress.network(dual)).create({ name: 'lost' })
    const [link] = other.host.json<{ ifindex: number }[]>('ip', ['-j', 'link', 'show', theirs.hostInterface])
    // Of ours there is only the host's end left, with the very number of theirs.
    library.host.tool('sh', [
      '-ec',
      `ip link del veth0; ip link add index ${link?.ifindex} ve0 type veth peer name ve1; ip link set ve0 alias egressd:br0/lost master br0`,
    ])
    expect((await library.egress.gc()).remove).toMatchObject([{ alias: 'egressd:br0/lost', pins: [] }])
    expect((await theirs.ping('192.168.0.1'))[0]?.result).toBe('reply')
    await other.egress.down()
  })

  test('what has a record by the time that we look: it is in the making', async () => {
    await using library = await standing()
    const lost = await library.egress.networks[0]?.create({ name: 'lost' })
    const record = readFileSync(join(library.stateDir, 'namespaces/lost.json'))
    const egress = await lose(library, 'lost')
    writeFileSync(join(library.stateDir, 'namespaces/lost.json'), record)
    expect(await egress.gc({ all: true, force: true })).toMatchObject({ remove: [], kept: [] })
    expect(linkNames(library)).toContain(lost?.hostInterface)
  })

  test('what is just being written down, and what is done while the records are read', async () => {
    await using library = await standing()
    await library.egress.networks[0]?.create({ name: 'lost' })
    const egress = await lose(library, 'lost')
    const half = join(library.stateDir, 'making/half.json')
    writeFileSync(half, '{"status":')
    expect((await egress.gc()).remove).toMatchObject([{ alias: 'egressd:br0/lost' }])
    expect(readFileSync(half, 'utf8')).toBe('{"status":')
    // Of a process that was killed it is half of what nothing came of.
    await library.restart()
    expect(existsSync(half)).toBe(false)
    await library.egress.close()

    const state = new StateDirectory(library.stateDir, library.host.kernel.host)
    const [from, to] = [state.making.path('ns0'), state.namespaces.path('ns0')]
    renameSync(to, from)
    const whole = state.making.whole.bind(state.making)
    state.making.whole = () => {
      renameSync(from, to)
      return whole()
    }
    expect(state.allNamespaces()).toMatchObject([{ name: 'ns0' }])
    state.close()

    renameSync(to, from)
    // The doctor looks for what is unfinished first.
    let looks = 0
    class Moving extends Files {
      override list(path: string): string[] {
        if (path.endsWith('/making') && looks++ === 1) renameSync(from, to)
        return super.list(path)
      }
    }
    expect(readRecords(library.stateDir, new Files(), new Moving()).namespaces).toMatchObject([{ name: 'ns0' }])
    expect(looks).toBe(2)
    await library.restart()
  })

  test('strangers: links, namespaces and pins that are not marked', async () => {
    await using library = await standing()
    const { host, netnsDir } = library
    host.tool('sh', [
      '-ec',
      'ip link add veffff0001 type veth peer name ceth9; ip link set veffff0001 alias egressd; ip link add br8 type bridge',
    ])
    writeFileSync(join(netnsDir, 'file'), '')
    mkdirSync(join(netnsDir, 'folder'))
    const before = library.census()
    await library.restart()
    await library.egress.gc({ all: true, force: true })
    expect(library.census()).toEqual(before)
    rmSync(join(netnsDir, 'file'))
    rmSync(join(netnsDir, 'folder'), { recursive: true })
  })
})

test('a namespace that processes run in stays until it is asked for', async () => {
  await using library = await standing()
  const lost = await library.egress.networks[0]?.create({ name: 'lost' })
  const path = join(library.netnsDir, 'lost')
  const child: ChildProcess = spawn('nsenter', [`--net=${path}`, 'sh', '-c', 'echo in; exec sleep 300'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    // It is the shell that has said so.
    await expect.poll(() => readFileSync(`/proc/${child.pid}/comm`, 'utf8')).toBe('sleep\n')
    expect(lost?.name).toBe('lost')
    const egress = await lose(library, 'lost')
    const { remove, kept } = await egress.gc()
    expect(remove).toEqual([])
    expect(kept).toMatchObject([
      { alias: 'egressd:br0/lost', pids: [child.pid], why: `process ${child.pid} (sleep) still runs in it` },
    ])
    await library.restart()
    expect(existsSync(path)).toBe(true)
    expect((await library.egress.gc({ force: true })).remove).toMatchObject([{ pids: [child.pid] }])
    expect(existsSync(path)).toBe(false)
    expect(linkNames(library)).not.toContain(lost?.hostInterface)
    expect(child.exitCode).toBeNull()
  } finally {
    child.kill('SIGKILL')
  }
})

test('processes of another host on the machine, in its namespace of the same names and numbers, keep nothing', async () => {
  await using library = await standing()
  await using other = await standing()
  for (const { egress } of [library, other]) await egress.networks[0]?.create({ name: 'lost' })
  const path = join(other.netnsDir, 'lost')
  const child = spawn('nsenter', [`--net=${path}`, 'sh', '-c', 'echo in; exec sleep 300'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    await once(child.stdout, 'data')
    const egress = await lose(library, 'lost')
    const { remove, kept } = await egress.gc()
    expect(kept).toEqual([])
    expect(remove).toMatchObject([{ alias: 'egressd:br0/lost', pids: [] }])
    expect(existsSync(join(library.netnsDir, 'lost'))).toBe(false)
    expect(existsSync(path)).toBe(true)
  } finally {
    child.kill('SIGKILL')
  }
})

test('an anonymous namespace of this process stays, one that a child of a dead process holds is told', async () => {
  await using library = await standing()
  const anonymous = await library.egress.networks[0]?.create()
  const before = library.census()
  expect(await library.egress.gc({ all: true, force: true })).toMatchObject({ remove: [], kept: [] })
  expect(library.census()).toEqual(before)
  const [echo] = (await anonymous?.ping('8.8.8.8')) ?? []
  expect(echo?.result).toBe('reply')
})

test('a second bridge of ours goes, once nothing is on it', async () => {
  await using library = await standing()
  const { host } = library
  const before = library.census()
  const [mac] = host.json<{ address: string }[]>('ip', ['-j', 'link', 'show', 'br0'])
  // As after somebody renamed ours, and another was made in its place.
  host.tool('sh', [
    '-ec',
    `ip link add old0 address ${mac?.address} type bridge; ip link set old0 alias egressd:br0; ip link set veth0 master old0`,
  ])
  expect((await library.egress.gc()).remove).toEqual([])
  host.tool('ip', ['link', 'set', 'veth0', 'master', 'br0'])
  expect((await library.egress.gc()).remove).toMatchObject([{ alias: 'egressd:br0', links: [{ name: 'old0' }] }])
  expect(library.census()).toEqual(before)
})

test('what is being made and destroyed at the same time is no remains', async () => {
  await using library = await standing()
  const [network] = library.egress.networks
  let over = false
  const collected: unknown[] = []
  const collect = async () => {
    while (!over) collected.push(...(await library.egress.gc({ all: true, force: true })).left)
  }
  const churn = async (i: number) => {
    for (let n = 0; n < 15; n++) {
      const namespace = await network?.create(n % 3 === 0 ? {} : { name: `churn${i}-${n}` })
      const [echo] = (await namespace?.ping('192.168.0.1', { timeoutMs: 5000 })) ?? []
      expect(echo?.result).toBe('reply')
      if (n % 2 === 0) await namespace?.destroy()
    }
  }
  const collecting = collect()
  await Promise.all([0, 1, 2, 3].map(churn)).finally(() => {
    over = true
  })
  await collecting
  expect(collected).toEqual([])
  for (const namespace of library.egress.namespaces) {
    const [echo] = await namespace.ping('192.168.0.1', { timeoutMs: 5000 })
    expect([namespace.name, echo?.result]).toEqual([namespace.name, 'reply'])
  }
  expect(library.egress.namespaces.length).toBe(1 + 4 * 7)
})
