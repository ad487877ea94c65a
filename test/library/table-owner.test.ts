// Tables of our name that somebody else made, or another egressd: they stay as they are, and nothing is made without them.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Egress } from '../../src/egress.js'
import type { NetworkOptions } from '../../src/engine/options.js'
import { byId, look } from '../helpers/doctor.js'
import { value } from '../helpers/host.js'
import { backends, createLibrary, dual, type Library, named, refusal } from '../helpers/library.js'

interface Table {
  family: string
  name: string
  handle: number
}

/** The tables, as nft has them; -j does not tell comments, in some versions. */
function tables({ host }: Library): Record<string, string | undefined> {
  const { nftables } = host.json<{ nftables: { table?: Table }[] }>('nft', ['-j', 'list', 'tables'])
  return Object.fromEntries(
    nftables.flatMap(({ table }) => {
      if (!table) return []
      const text = host.tool('nft', ['list', 'table', table.family, table.name])
      return [[`${table.family} ${table.name}`, /^\tcomment "(.*)"$/m.exec(text)?.[1]]]
    }),
  )
}

async function generation({ host }: Library): Promise<number> {
  const [read] = await host.kernel.run([{ op: 'nft.generation' }])
  return value(read)
}

const ruleset = ({ host }: Library) => host.tool('nft', ['-a', 'list', 'ruleset'])

const other = (library: Library, stateDir = `${library.stateDir}-other`) =>
  Egress.open({ host: { fd: library.host.kernel.hostFd }, stateDir, netnsDir: library.netnsDir })

const second: NetworkOptions = { name: 'br1', subnets: ['10.9.0.0/16'] }
const ours = (stateDir: string) => ({
  'inet egressd': `egressd: ${stateDir}`,
  'bridge egressd': `egressd: ${stateDir}`,
})

test('ours name the state directory, and what somebody flushed names it again', async () => {
  await using library = await createLibrary()
  const { host, stateDir, watch } = library
  const spec = {
    networks: [{ name: 'br0', subnets: ['192.168.0.0/16'] }],
    namespaces: [{ name: 'ns0', network: 'br0' }],
  }
  await library.egress.apply(spec)
  expect(tables(library)).toEqual(ours(stateDir))
  const before = library.census()
  host.tool('nft', ['flush', 'ruleset'])
  expect((await library.egress.check(spec)).inSync).toBe(false)
  await library.egress.apply(spec)
  const { nftables: _, ...rest } = before
  expect(library.census()).toMatchObject(rest)
  expect(tables(library)).toEqual(ours(stateDir))
  watch.reset()
  expect((await library.egress.apply(spec)).changed).toBe(false)
  expect(watch.writes).toEqual([])
  await library.egress.down()
  expect(tables(library)).toEqual({})
})

describe('a stranger’s', () => {
  const cases: [table: string, options: Partial<NetworkOptions>][] = [
    ['inet', { firewall: 'nftables' }],
    ['bridge', { firewall: 'nftables' }],
    ['inet', { firewall: 'xtables', mode: 'routed' }],
    ['bridge', { firewall: 'xtables' }],
  ]
  test.each(cases)('%s, for %j: refused before anything is changed, and by doctor', async (family, options) => {
    await using library = await createLibrary()
    const { host, stateDir, egress, watch } = library
    const hook = family === 'inet' ? 'forward' : 'prerouting'
    const text = `table ${family} egressd {\nset bridges {\ntype ifname\n}\nchain c {\ntype filter hook ${hook} priority 0\ncounter\n}\n}\n`
    host.tool('nft', ['-f', '-'], { input: text })
    const before = library.census()
    const asked = { ...dual, ...options }
    const spec = { networks: [asked], namespaces: [{ name: 'ns0', network: 'br0' }] }
    const refused = {
      code: 'EGRESSD_NAME_TAKEN',
      value: `${family} egressd`,
      message: expect.stringContaining(`nft delete table ${family} egressd`),
      details: { family, table: 'egressd', stateDir: null },
    }
    // The first looks for the kernel's features, in namespaces of its own.
    expect(await refusal(egress.network(asked))).toMatchObject(refused)
    watch.reset()
    for (const work of [
      () => egress.network(asked),
      () => egress.apply(spec),
      () => egress.apply(spec, { dryRun: true }),
      () => egress.plan(spec),
      () => egress.check(spec),
    ])
      expect(await refusal(work())).toMatchObject(refused)
    expect(watch.writes).toEqual([])
    expect(library.census()).toEqual(before)
    expect(readdirSync(join(stateDir, 'networks'))).toEqual([])
    const found = byId(await look(library), 'our-tables')
    expect(found).toMatchObject({ status: 'stop', fix: [`nft delete table ${family} egressd`] })
    expect(found.evidence.join()).toContain(`table ${family} egressd of nf_tables is not ours`)

    host.tool('nft', ['delete', 'table', family, 'egressd'])
    await egress.apply(spec)
    expect(byId(await look(library), 'our-tables')).toMatchObject({ status: 'ok', fix: [] })
    expect((await egress.check(spec)).inSync).toBe(true)
  })

  test('that no network needs is no hindrance', async () => {
    await using library = await createLibrary()
    library.host.tool('nft', ['add', 'table', 'bridge', 'egressd'])
    const network = await library.egress.network({ ...dual, mode: 'routed' })
    const [echo] = await (await network.create()).ping('8.8.8.8')
    expect(echo?.result).toBe('reply')
    expect(byId(await look(library), 'our-tables').status).toBe('note')
    await library.egress.down()
    expect(tables(library)).toEqual({ 'bridge egressd': undefined })
  })

  test.each(backends)(
    '%s: in the place of ours: nothing new is made, all of ours can go, and it stays',
    async firewall => {
      await using library = await createLibrary()
      const { host } = library
      const network = await library.egress.network({ ...dual, firewall })
      await library.egress.network({ ...second, firewall })
      const namespace = await network.create(named)
      await network.create({ name: 'ns1' })
      host.tool('nft', ['-f', '-'], { input: 'flush ruleset\ntable inet egressd { }\ntable bridge egressd { }\n' })
      const taken = ruleset(library)
      const refused = { code: 'EGRESSD_NAME_TAKEN' }
      expect(await refusal(network.create())).toMatchObject(refused)
      expect(await refusal(library.egress.network({ ...dual, firewall }))).toMatchObject(refused)
      const names = [{ name: 'ns0', network: 'br0' }]
      const spec = { networks: [{ ...dual, firewall }], namespaces: names }
      expect(await refusal(library.egress.apply(spec, { prune: true }))).toMatchObject(refused)
      expect(library.egress.namespaces.map(({ name }) => name).sort()).toEqual(['ns0', 'ns1'])
      await library.restart()
      await library.egress.gc()
      await namespace.destroy().catch(() => {})
      expect(await library.egress.down()).toMatchObject({ namespaces: ['ns0', 'ns1'], networks: ['br0', 'br1'] })
      expect(ruleset(library)).toBe(taken)
    },
  )

  test('in the place of ours: a document without networks takes all away', async () => {
    await using library = await createLibrary()
    await (await library.egress.network(dual)).create(named)
    library.host.tool('nft', ['-f', '-'], { input: 'flush ruleset\ntable inet egressd { }\n' })
    const { changes } = await library.egress.apply({}, { prune: true })
    const going = changes.filter(({ action }) => action === 'delete')
    expect(going.map(({ kind, action, result }) => [kind, action, result])).toEqual([
      ['network', 'delete', 'done'],
      ['namespace', 'delete', 'done'],
    ])
    expect(tables(library)).toEqual({ 'inet egressd': undefined })
  })
})

describe('another state directory’s', () => {
  test('that has networks is named, and not disturbed, whether somebody has it or not', async () => {
    await using library = await createLibrary()
    const { stateDir, watch } = library
    const namespace = await (await library.egress.network(dual)).create(named)
    const before = library.census()
    await using rival = await other(library)
    const spec = { networks: [second] }
    const refused = {
      code: 'EGRESSD_NAME_TAKEN',
      message: expect.stringContaining(`egressd down --state-dir ${stateDir}`),
      details: { stateDir },
    }
    watch.reset()
    // NB: with `all` goes what is of a directory that nobody has at the moment.
    const refuse = async (all: boolean) => {
      for (const work of [() => rival.network(second), () => rival.apply(spec), () => rival.check(spec)])
        expect(await refusal(work())).toMatchObject(refused)
      await rival.gc({ all })
      expect(library.census()).toEqual(before)
      expect(readdirSync(`${stateDir}-other/networks`)).toEqual([])
      const found = byId(await look(library, { stateDir: `${stateDir}-other` }), 'our-tables')
      expect(found).toMatchObject({ status: 'stop', fix: [`egressd down --state-dir ${stateDir}`] })
    }
    await refuse(true)
    expect((await namespace.ping('8.8.8.8'))[0]?.result).toBe('reply')
    await library.egress.close()
    await refuse(false)
    await library.restart()
    expect(library.census()).toEqual(before)

    await library.egress.down()
    await rival.network(second)
    expect(tables(library)).toEqual(ours(`${stateDir}-other`))
    await rival.down()
  })

  const gone: [what: string, lose: (library: Library) => void][] = [
    ['is gone', ({ stateDir }) => rmSync(stateDir, { recursive: true })],
    ['has no records', ({ stateDir }) => rmSync(join(stateDir, 'networks/br0.json'))],
    ['knows no host', ({ stateDir }) => rmSync(join(stateDir, 'host.json'))],
    ['is of another boot', library => spoil(library, { boot: 'another' })],
    ['is of another host', library => spoil(library, { host: { device: 4, inode: 5 } })],
  ]
  function spoil({ stateDir }: Library, change: object): void {
    const file = join(stateDir, 'host.json')
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...change }))
  }

  test.each(gone)('that %s is taken over in one transaction', async (_what, lose) => {
    await using library = await createLibrary()
    const { host, stateDir } = library
    await library.egress.network(dual)
    await library.egress.close()
    host.tool('ip', ['link', 'del', 'br0'])
    lose(library)
    const mark = `egressd: ${stateDir}`
    expect(byId(await look(library, { stateDir: `${stateDir}-other` }), 'our-tables')).toMatchObject({
      status: 'note',
      evidence: expect.arrayContaining([expect.stringContaining(`table inet egressd ("${mark}") is nobody's`)]),
    })
    const rival = await library.restart({ stateDir: `${stateDir}-other` })
    const before = await generation(library)
    await rival.network(second)
    expect((await generation(library)) - before).toBe(1)
    expect(tables(library)).toEqual(ours(`${stateDir}-other`))
    const text = ruleset(library)
    expect(text).toContain('10.9.0.0/16')
    expect(text).not.toContain('192.168.0.0/16')
    await rival.down()
    expect(tables(library)).toEqual({})
  })

  test('whose path does not fit into a comment', async () => {
    await using library = await createLibrary()
    const { root } = library
    const long = join(root, 'x'.repeat(120))
    const holder = await other(library, long)
    await holder.network(dual)
    expect(Object.values(tables(library))).toEqual(
      Array(2).fill(expect.stringMatching(/^egressd: sha256 [0-9a-f]{64}$/)),
    )
    expect(await refusal(library.egress.network(second))).toMatchObject({ details: { stateDir: long } })
    await holder.close()
    expect(await refusal(library.egress.network(second))).toMatchObject({
      message: expect.stringContaining('whose path is too long'),
      details: { stateDir: null },
    })
    await using again = await other(library, long)
    expect((await again.check({ networks: [dual] })).inSync).toBe(true)
    await again.down()
    expect(tables(library)).toEqual({})
  })

  test('by another path to the same directory is ours', async () => {
    await using library = await createLibrary()
    await library.egress.network(dual)
    const before = library.census()
    mkdirSync(join(library.root, 'folder'))
    await library.restart({ stateDir: `${library.root}/folder/../state` })
    library.watch.reset()
    await library.egress.network(dual)
    expect(library.watch.writes).toEqual([])
    expect(library.census()).toEqual(before)
  })

  test('two that begin at once: one has the tables, and nothing is left of the other', async () => {
    await using library = await createLibrary()
    const directories = [0, 1].map(i => join(library.root, `racer${i}`))
    const winners: string[] = []
    for (let round = 0; round < 12; round++) {
      const racers = await Promise.all(directories.map(directory => other(library, directory)))
      const [first, last] = round % 2 === 0 ? [0, 1] : [1, 0]
      const asked = [dual, second]
      const results = await Promise.allSettled(
        [first, last].map(i => (racers[i] as Egress).network(asked[i] as NetworkOptions)),
      )
      const won = results.flatMap(({ status }, n) => (status === 'fulfilled' ? [n === 0 ? first : last] : []))
      const lost = results.flatMap(one => (one.status === 'rejected' ? [one.reason] : []))
      expect(won).toHaveLength(1)
      const [winner] = won as [number]
      const directory = directories[winner] as string
      expect(lost).toMatchObject([{ code: 'EGRESSD_NAME_TAKEN', details: { stateDir: directory } }])
      expect(lost[0].left ?? []).toEqual([])
      winners.push(directory)
      expect(tables(library)).toEqual(ours(directory))
      const bridges = library.host.json<{ ifname: string }[]>('ip', ['-j', 'link', 'show', 'type', 'bridge'])
      expect(bridges.map(({ ifname }) => ifname)).toEqual([asked[winner]?.name])
      expect((await racers[winner]?.check({ networks: [asked[winner] as NetworkOptions] }))?.inSync).toBe(true)
      expect(readdirSync(join(directories[1 - winner] as string, 'networks'))).toEqual([])
      for (const racer of racers) await racer.down()
      expect(tables(library)).toEqual({})
      expect(directories.filter(path => existsSync(path))).toEqual([])
    }
    expect(winners).toHaveLength(12)
  })
})
