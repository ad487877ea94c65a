// "ip netns del" of one of ours, and "ip netns add" of somebody's by the same name: theirs is never ours.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Egress } from '../../src/egress.js'
import type { Namespace } from '../../src/namespace.js'
import { faults } from '../helpers/faults.js'
import { createLibrary, dual, type Library, refusal } from '../helpers/library.js'

const name = 'pin-owner0'
const pin = `/run/netns/${name}`
const spec = { networks: [dual], namespaces: [{ name, network: 'br0', hostInterface: 'veth0' }] }

interface Standing extends AsyncDisposable {
  library: Library
  /** What it was like before. */
  before: Record<string, unknown>
}

/** One of ours, pinned where "ip netns" looks for it. */
async function standing(): Promise<Standing> {
  const library = await createLibrary({ netnsDir: '/run/netns' })
  await library.egress.network(dual)
  const before = censusOf(library)
  await library.egress.apply(spec)
  return {
    library,
    before,
    async [Symbol.asyncDispose]() {
      spawnSync('ip', ['netns', 'del', name])
      await library[Symbol.asyncDispose]()
    },
  }
}

// Other files have theirs pinned in the same folder.
const censusOf = (library: Library) => ({ ...library.census(), pins: [] })

const ip = (library: Library, ...args: string[]) => library.host.tool('ip', args)

/** Theirs, in the place of ours, with something in it to be seen again. */
function usurp(library: Library): () => void {
  ip(library, 'netns', 'del', name)
  ip(library, 'netns', 'add', name)
  ip(library, '-n', name, 'link', 'add', 'theirs', 'type', 'bridge')
  ip(library, '-n', name, 'link', 'set', 'lo', 'up')
  const { ino, ctimeMs } = statSync(pin)
  return () => {
    expect(statSync(pin)).toMatchObject({ ino, ctimeMs })
    const links = library.host.json<{ ifname: string; ifalias?: string }[]>('ip', ['-j', '-n', name, 'link'])
    expect(links.map(({ ifname, ifalias }) => [ifname, ifalias])).toEqual([
      ['lo', undefined],
      ['theirs', undefined],
    ])
  }
}

const taken = { code: 'EGRESSD_NAME_TAKEN', field: 'name', value: name }
const untilGone = async ({ library, before }: Standing) => expect.poll(() => censusOf(library)).toEqual(before)

/** Each with what it does to one whose name somebody else has. */
const verbs: [string, (egress: Egress, one: Standing) => Promise<void>][] = [
  [
    'apply and create refuse; what they would do is told, and what to do about it',
    async egress => {
      const { changes } = await egress.plan(spec)
      expect(changes.find(change => change.name === name)?.does).toContain(
        `have the name ${name} free for it: a namespace that is not ours is pinned by it`,
      )
      const error = await refusal(egress.apply(spec))
      expect(error).toMatchObject(taken)
      expect(error?.message).toMatch(/Destroy pin-owner0 here, .* or take the other one away/)
      expect(await refusal((await egress.network(dual)).create({ name }))).toMatchObject(taken)
    },
  ],
  [
    'destroy takes ours away alone',
    async (egress, one) => {
      await (await egress.findNamespace(name))?.destroy()
      expect(await egress.findNamespace(name)).toBe(null)
      await untilGone(one)
      expect(await refusal((await egress.network(dual)).create({ name }))).toMatchObject(taken)
    },
  ],
  [
    'so does one of many, beside one that stands',
    async (egress, one) => {
      const network = await egress.network(dual)
      await network.create({ name: 'pin-owner1' })
      await network.destroyMany(network.namespaces)
      expect(existsSync('/run/netns/pin-owner1')).toBe(false)
      await untilGone(one)
    },
  ],
  [
    'one of many that cannot be looked at stays, and the others go',
    async (egress, one) => {
      const network = await egress.network(dual)
      await network.create({ name: 'pin-owner1' })
      one.library.watch.always = { 'netns.open': faults.ENOMEM }
      const results = await network.destroyMany(network.namespaces)
      expect(results).toMatchObject([{ ok: false, error: { code: 'EGRESSD_KERNEL' } }, { ok: true }])
      expect(existsSync('/run/netns/pin-owner1')).toBe(false)
      expect(network.namespaces.map(namespace => namespace.name)).toEqual([name])
      one.library.watch.always = {}
      await network.destroyMany(network.namespaces)
      await untilGone(one)
    },
  ],
  [
    'gc forgets it, and says before that it will',
    async (egress, one) => {
      const record = join(one.library.stateDir, 'namespaces', `${name}.json`)
      const said = await egress.gc({ dryRun: true })
      expect(said).toMatchObject({ remove: [], files: [record] })
      expect(existsSync(record)).toBe(true)
      expect(await egress.gc()).toEqual(said)
      expect(existsSync(record)).toBe(false)
      await untilGone(one)
    },
  ],
  [
    'down',
    async (egress, { library }) => {
      expect(await egress.down()).toMatchObject({ namespaces: [name], networks: ['br0'] })
      expect(ip(library, '-j', 'link')).not.toContain('egressd')
    },
  ],
]

test.each(verbs)('%s', async (_, verb) => {
  await using one = await standing()
  const isTheirs = usurp(one.library)
  await verb(one.library.egress, one)
  isTheirs()
})

test.each(verbs)('after a restart: %s', async (_, verb) => {
  await using one = await standing()
  const { library } = one
  await library.egress.close()
  const isTheirs = usurp(library)
  await verb(await library.restart(), one)
  isTheirs()
})

/** All that is done inside. */
const insides: [string, (namespace: Namespace) => Promise<unknown>][] = [
  ['ping', namespace => namespace.ping('192.168.0.1')],
  ['spawn', namespace => namespace.spawn('true')],
  ['connect', namespace => namespace.connect({ address: '192.168.0.1', port: 9 })],
  ['listen', namespace => namespace.listen()],
  ['datagram', namespace => namespace.datagram()],
  ['descriptor', namespace => namespace.descriptor()],
]

describe.each([false, true])('after a restart: %s', restarted => {
  test.each(insides)('%s is never inside of another, and says which is there', async (_, inside) => {
    await using one = await standing()
    const { library } = one
    if (restarted) await library.egress.close()
    const isTheirs = usurp(library)
    const egress = restarted ? await library.restart() : library.egress
    expect(await refusal(inside(egress.namespaces[0] as Namespace))).toMatchObject(taken)
    isTheirs()
  })

  test('and where nothing is there, that it was taken away', async () => {
    await using one = await standing()
    const { library } = one
    if (restarted) await library.restart()
    const namespace = library.egress.namespaces[0] as Namespace
    expect(await namespace.ping('192.168.0.1')).toMatchObject([{ result: 'reply' }])
    ip(library, 'netns', 'del', name)
    for (const [, inside] of insides) {
      const error = await refusal(inside(namespace))
      expect(error).toMatchObject({ code: 'EGRESSD_NOT_FOUND', field: 'namespace', value: name })
      expect(error?.message).toContain(`nothing is pinned at ${pin}`)
    }
    await library.egress.apply(spec)
    expect(await namespace.ping('192.168.0.1')).toMatchObject([{ result: 'reply' }])
  })
})

test('one that was claimed by a name and is given back: the other is not reset', async () => {
  await using one = await standing()
  const { library } = one
  await library.egress.findNamespace(name).then(namespace => namespace?.destroy())
  await using pool = (await library.egress.network(dual)).pool({ size: 1, recycle: 'trusted' })
  await pool.ready()
  const claimed = await pool.claim({ name })
  const isTheirs = usurp(library)
  ip(library, '-n', name, 'addr', 'add', '10.9.9.9/24', 'dev', 'lo')
  await pool.release(claimed)
  expect(ip(library, '-n', name, 'addr', 'show', 'dev', 'lo')).toContain('10.9.9.9/24')
  expect(await library.egress.findNamespace(name)).toBe(null)
  isTheirs()
})

test('while a process holds ours', async () => {
  await using one = await standing()
  const { library } = one
  const sleeper = spawn('ip', ['netns', 'exec', name, 'sleep', '60'])
  await once(sleeper, 'spawn')
  const inside = () => spawnSync('readlink', [`/proc/${sleeper.pid}/ns/net`], { encoding: 'utf8' }).stdout
  const ours = library.host.tool('readlink', ['/proc/self/ns/net'], { netns: { path: pin } })
  await expect.poll(inside).toBe(ours)
  const isTheirs = usurp(library)
  expect(await refusal(library.egress.apply(spec))).toMatchObject(taken)
  await (await library.egress.findNamespace(name))?.destroy()
  await untilGone(one)
  sleeper.kill()
  await once(sleeper, 'exit')
  isTheirs()
})

test('with a veth of theirs between the same names', async () => {
  await using one = await standing()
  const { library } = one
  usurp(library)
  const names = () => library.host.json<{ ifname: string }[]>('ip', ['-j', 'link']).map(({ ifname }) => ifname)
  await expect.poll(names).not.toContain('veth0')
  ip(library, 'link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
  const theirs = () => [ip(library, '-d', 'link', 'show', 'veth0'), ip(library, '-n', name, '-d', 'link')]
  const [outside, inside] = theirs()
  expect(await refusal(library.egress.apply(spec))).toMatchObject({ code: 'EGRESSD_NAME_TAKEN' })
  expect(theirs()).toEqual([outside, inside])
  await (await library.egress.findNamespace(name))?.destroy()
  expect(theirs()).toEqual([outside, inside])
})

test('what has the mark of ours, or the link, is ours: it is marked again, made anew and destroyed', async () => {
  await using one = await standing()
  const { library } = one
  const aliasOf = () =>
    library.host.json<{ ifalias?: string }[]>('ip', ['-j', '-n', name, 'link', 'show', 'lo'])[0]?.ifalias
  expect(aliasOf()).toBe(`egressd:br0/${name}`)
  // As of a version that did not mark it, or of who is root inside.
  ip(library, '-n', name, 'link', 'set', 'lo', 'alias', '')
  const egress = await library.restart()
  expect(await egress.check(spec)).toMatchObject({ changes: [{ name, does: [`mark lo as ours inside ${name}`] }] })
  await egress.apply(spec)
  expect(aliasOf()).toBe(`egressd:br0/${name}`)
  ip(library, 'link', 'del', 'veth0')
  await (await library.restart()).apply(spec)
  expect(await library.egress.check(spec)).toMatchObject({ inSync: true })

  // Neither, but the process that made it knows it.
  ip(library, '-n', name, 'link', 'set', 'lo', 'alias', '')
  ip(library, 'link', 'del', 'veth0')
  await library.egress.apply(spec)
  ip(library, '-n', name, 'link', 'set', 'lo', 'alias', '')
  await (await library.restart()).namespaces[0]?.destroy()
  expect(existsSync(pin)).toBe(false)
  await untilGone(one)
})

test('one whose making was interrupted is ours, be it without a mark: the next start removes it', async () => {
  await using one = await standing()
  const { library, before } = one
  await library.egress.close()
  const folder = (status: string) => join(library.stateDir, status, `${name}.json`)
  ip(library, 'netns', 'del', name)
  ip(library, 'netns', 'add', name)
  spawnSync('mv', [folder('namespaces'), folder('making')])
  await library.restart()
  expect(existsSync(pin)).toBe(false)
  await expect.poll(() => censusOf(library)).toEqual(before)
})
