// Many clients of one daemon, who make and destroy at once; what stands at the end is what they were told, and nothing else.
// EGRESSD_LOAD_SECONDS: for how long (default 4). EGRESSD_LOAD_SEED: the order of what they do.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import type { NamespaceApi, NetworkApi } from '../../src/api.js'
import { connect, type EgressClient } from '../../src/client.js'
import { createWorld, until, type World } from '../helpers/daemon.js'
import { namesOf } from '../helpers/egress/subject.js'
import { takeCensus } from '../helpers/library.js'

const clients = 64
/** Namespaces that each has at most: together fewer than a bridge takes. */
const each = 12
const seconds = Number(process.env.EGRESSD_LOAD_SECONDS ?? 4)
const seed = Number(process.env.EGRESSD_LOAD_SEED ?? Date.now() % 1_000_000)

const network = { name: 'br0', subnets: ['192.168.0.0/16', 'fd00::/64'] }

/** The generator of Numerical Recipes: the same numbers for the same seed. */
function numbers(start: number): (below: number) => number {
  let state = start >>> 0
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** One of the clients: what it did, and what it believes to have. */
class Worker {
  readonly standing = new Map<string, NamespaceApi>()
  readonly done = { create: 0, again: 0, anonymous: 0, batch: 0, destroy: 0, 'destroy many': 0, find: 0 }
  readonly #network: NetworkApi
  readonly #client: EgressClient
  readonly #name: string
  readonly #below: (below: number) => number
  #next = 0

  constructor(client: EgressClient, network: NetworkApi, number: number) {
    this.#client = client
    this.#network = network
    this.#name = `c${number}`
    this.#below = numbers(seed + number)
  }

  async run(end: number): Promise<void> {
    while (performance.now() < end) {
      const kinds = Object.keys(this.done) as (keyof typeof this.done)[]
      const kind = kinds[this.#below(kinds.length)] as keyof typeof this.done
      if (await this.#step(kind)) this.done[kind]++
    }
  }

  async #step(kind: keyof Worker['done']): Promise<boolean> {
    const any = [...this.standing.values()][this.#below(this.standing.size)]
    const room = each - this.standing.size
    if (kind === 'create' || kind === 'anonymous') {
      if (room < 1) return false
      this.#add(await this.#network.create(kind === 'create' ? { name: this.#newName() } : {}))
    } else if (kind === 'batch') {
      if (room < 4) return false
      const wanted = [{ name: this.#newName() }, { name: 'not a name' }, {}, { name: this.#newName() }]
      const made = await this.#network.createMany(wanted)
      expect(made.map(({ ok }) => ok)).toEqual([true, false, true, true])
      for (const one of made) if (one.ok) this.#add(one.namespace)
    } else if (!any) return false
    else if (kind === 'again') {
      if (any.anonymous) return false
      expect((await this.#network.create({ name: any.name })).addresses).toEqual(any.addresses)
    } else if (kind === 'find') {
      expect((await this.#client.findNamespace(any.name))?.addresses).toEqual(any.addresses)
    } else if (kind === 'destroy') {
      await any.destroy()
      this.standing.delete(any.name)
    } else {
      const all = [...this.standing.values()].slice(0, 1 + this.#below(each))
      for (const result of await this.#network.destroyMany(all)) expect(result).toEqual({ ok: true })
      for (const { name } of all) this.standing.delete(name)
    }
    return true
  }

  #newName(): string {
    // Some names come again: of what was destroyed a moment before.
    const name = `${this.#name}-${this.#next++ % 20}`
    return this.standing.has(name) ? this.#newName() : name
  }

  #add(namespace: NamespaceApi): void {
    expect(this.standing.has(namespace.name)).toBe(false)
    this.standing.set(namespace.name, namespace)
  }
}

const descriptorsOf = (pid: number) => readdirSync(`/proc/${pid}/fd`).length
const vethsOf = ({ host }: World) =>
  host.json<{ ifname: string }[]>('ip', ['-j', 'link', 'show', 'type', 'veth']).map(({ ifname }) => ifname)

test(`${clients} clients make and destroy for ${seconds} s (seed ${seed}), and the census is exact`, {
  timeout: 60_000 + seconds * 1_500,
}, async () => {
  await using world = await createWorld()
  const daemon = await world.start()
  await daemon.ask('PUT', '/v1/log', { body: { level: 'warn' } })
  await using first = await connect({ socket: world.socket })
  const br0 = await first.network(network)
  // What is made once, such as the table's sets and threads, is no difference.
  await br0.destroyMany(
    (await br0.createMany([{ name: 'warm' }, {}])).flatMap(one => (one.ok ? [one.namespace] : [])),
    {
      wait: 'gone',
    },
  )
  const before = takeCensus(world)
  const descriptors = descriptorsOf(daemon.pid)

  const all = await Promise.all(Array.from({ length: clients }, () => connect({ socket: world.socket })))
  const workers = await Promise.all(
    all.map(async (client, i) => new Worker(client, (await client.findNetwork('br0')) as NetworkApi, i)),
  )
  const end = performance.now() + seconds * 1_000
  await Promise.all(workers.map(worker => worker.run(end)))
  const sum = (kind: keyof Worker['done']) => workers.reduce((total, { done }) => total + done[kind], 0)
  for (const kind of Object.keys(workers[0]?.done ?? {}) as (keyof Worker['done'])[])
    expect(sum(kind)).toBeGreaterThan(0)

  // What each believes to have is what there is, by the daemon and by the kernel.
  const mine = workers.flatMap(({ standing }) => [...standing.values()])
  const brief = ({ name, addresses, hostInterface }: NamespaceApi) => `${name} ${hostInterface} ${addresses.join()}`
  expect((await first.listNamespaces()).map(brief)).toEqual(mine.map(brief).sort())
  expect(new Set(mine.flatMap(({ addresses }) => addresses)).size).toBe(2 * mine.length)
  const wanted = ['uplink0', ...mine.map(({ hostInterface }) => hostInterface)].sort()
  await until(() => vethsOf(world).length === wanted.length, 'links of what was destroyed are gone')
  expect(vethsOf(world).sort()).toEqual(wanted)
  const named = mine.filter(({ anonymous }) => !anonymous).map(({ name }) => name)
  expect(readdirSync(world.netnsDir).sort()).toEqual(named.sort())
  for (const namespace of mine.filter((_, i) => i % 50 === 0))
    expect((await namespace.ping('8.8.8.8'))[0]?.result).toBe('reply')

  const ended = await Promise.all(
    all.map((_, i) => br0.destroyMany([...(workers[i] as Worker).standing.values()], { wait: 'gone' })),
  )
  expect(ended.flat().every(({ ok }) => ok)).toBe(true)
  await Promise.all(all.map(client => client.close()))
  expect(takeCensus(world)).toEqual(before)
  await until(() => descriptorsOf(daemon.pid) <= descriptors, 'connections of clients are closed')
  expect(daemon.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
})

test('clients that are gone in the middle of it take nothing with them, and leave what they had made', async () => {
  await using world = await createWorld()
  await world.start()
  await using first = await connect({ socket: world.socket })
  const br0 = await first.network(network)
  const before = takeCensus(world)
  const code = `import { connect } from 'egressd/client'
    const client = await connect({ socket: ${JSON.stringify(world.socket)} })
    const br0 = await client.findNetwork('br0')
    const many = async lane => {
      for (let i = 0; ; i++) {
        await br0.createMany([{ name: process.pid + lane + i }, { name: process.pid + lane + 'x' + i }])
        process.stdout.write('.')
      }
    }
    for (const lane of 'abcdefgh') void many(lane)`
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] }),
  )
  const gone = children.map(async child => {
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'close')
  })
  await Promise.all(gone)
  // What was begun is ended: each that is told of is there, whole, and nothing else is.
  const list = () => first.listNamespaces()
  const pins = () => readdirSync(world.netnsDir).sort()
  await until(async () => pins().join() === namesOf(await list()).join(), 'what was begun is ended')
  const standing = (await list()).map(({ name }) => ({ name, network: 'br0' }))
  expect(standing.length).toBeGreaterThan(0)
  expect(await first.check({ networks: [network], namespaces: standing })).toEqual({ inSync: true, changes: [] })
  await until(async () => {
    for (const result of await br0.destroyMany(await list(), { wait: 'gone' })) expect(result).toEqual({ ok: true })
    return isDeepStrictEqual(takeCensus(world), before)
  }, 'all of it is gone')
})
