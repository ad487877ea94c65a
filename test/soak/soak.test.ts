// Mixed work of many clients against a daemon, with all that befalls it, by a schedule that is random and the same for the same
// seed. After every few actions all comes to rest, and what stands is held against what must be true.
// EGRESSD_SOAK_SECONDS: for how long (default 10). EGRESSD_SOAK_SEED: the schedule (scripts/soak).
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { seeded } from '../../src/bench/stats/random.js'
import { createWorld, type World } from '../helpers/daemon.js'
import { takeCensus } from '../helpers/library.js'
import * as act from './actions.js'
import * as blows from './blows.js'
import { type Miss, startFlows } from './flow.js'
import { differences, type Figures, growth, machine } from './look.js'
import { judge, type Look } from './memory.js'
import { bystander, Model } from './model.js'
import { Service } from './service.js'

const seconds = Number(process.env.EGRESSD_SOAK_SECONDS ?? 10)
const seed = Number(process.env.EGRESSD_SOAK_SEED ?? Date.now() % 1_000_000)

/** How often each comes, against the others. */
const weights: [name: string, action: act.Action, weight: number][] = [
  ['create', act.create, 12],
  ['again', act.again, 4],
  ['destroy', act.destroy, 10],
  ['batch', act.batch, 4],
  ['anonymous', act.anonymous, 5],
  ['no more', act.noMore, 5],
  ['claim', act.claim, 6],
  ['release', act.release, 6],
  ['network', act.network, 4],
  ['apply', act.apply, 4],
  ['vanish', act.vanish, 4],
  ['read', act.read, 4],
  ['flush', blows.flush, 3],
  ['harm', blows.harm, 4],
  ['reload', blows.reload, 3],
  ['kill', blows.kill, 2],
]
/** What was bent again and again is left alone for a while, which may be as long. */
const patienceMs = 90_000

/** What is left after collections is asked for no more often. */
const collectEveryMs = 30_000

const readsAtRest = 100

/** As many lots as that. */
const lots = weights.flatMap(([name, action, weight]) => Array.from({ length: weight }, () => [name, action] as const))

async function begin(config: object): Promise<World> {
  const world = await createWorld(config)
  mkdirSync(join(world.root, 'etc'))
  return world
}

class Run {
  readonly done: Record<string, number> = {}
  readonly soak: act.Soak
  readonly #other: World
  readonly #ask: (method: string, path: string, body?: object) => Promise<unknown>
  /** At each rest, with the number of the daemon. */
  readonly figures: { by: number; figures: Figures }[] = []
  readonly looks: (Look & { at: number })[] = []
  /** Of this round; in brackets what there was nothing to do it with. */
  words: string[] = []

  constructor(soak: act.Soak, other: World, ask: (method: string, path: string, body?: object) => Promise<unknown>) {
    this.soak = soak
    this.#other = other
    this.#ask = ask
  }

  /** Some actions at once; `calm`: no daemon is killed. */
  async round(calm: boolean): Promise<void> {
    const { soak } = this
    soak.taken.clear()
    const words: string[] = []
    this.words = words
    const works: (() => Promise<void>)[] = []
    const count = 3 + soak.below(10)
    while (words.length < count && !soak.taken.has('everything')) {
      const [name, action] = lots[soak.below(lots.length)] as (typeof lots)[number]
      const work = calm && action === blows.kill ? null : action(soak)
      words.push(work ? name : `(${name})`)
      if (!work) continue
      this.done[name] = (this.done[name] ?? 0) + 1
      works.push(work)
    }
    const results = await Promise.allSettled(works.map(work => work()))
    const failed = results.flatMap(each => (each.status === 'rejected' ? [(each.reason as Error).message] : []))
    if (failed.length > 0) throw new Error(failed.join('\n'))
  }

  /** Comes to rest, and looks. */
  async settle(): Promise<void> {
    const { soak } = this
    // What a daemon held is gone with it.
    for (const names of [soak.model.anonymous, soak.model.claimed])
      for (const [name, { by }] of names) if (by !== soak.service.number) names.delete(name)
    await this.#ask('POST', '/v1/apply', { spec: soak.model.document(), prune: true })
    let before: Figures | null = null
    for (const begun = performance.now(); ; await sleep(100)) {
      const { wrong, figures } = await differences(soak, this.#other)
      // All later ones are held against the first: it is what two looks, one after another, have found.
      const first = this.figures[0]?.figures ?? before
      wrong.push(...(first ? growth(first, figures) : ['it was not looked at twice']))
      before = figures
      if (wrong.length === 0) {
        this.figures.push({ by: soak.service.number, figures })
        await this.#read()
        await this.#collect()
        break
      }
      if (performance.now() - begun > patienceMs)
        throw new Error(`it does not come to rest as it must be:\n${wrong.slice(0, 20).join('\n')}`)
    }
  }

  /** So many that what each of them left would be seen, however slow the machine makes all the rest. */
  async #read(): Promise<void> {
    for (let i = 0; i < readsAtRest; i++)
      await this.soak.service.must([200], 'GET', act.paths[i % act.paths.length] as string)
  }

  async #collect(): Promise<void> {
    const { service } = this.soak
    const { number: by, answered } = service
    const last = this.looks.at(-1)
    if (last?.by === by && performance.now() - last.at < collectEveryMs) return
    this.looks.push({ at: performance.now(), by, answered, ...(await service.collected()) })
  }

  /** Throws for what was missed, where no flush of somebody else's explains it. */
  hold(misses: readonly Miss[]): void {
    const faults = misses.filter(({ at }) => !blows.inGap(at))
    if (faults.length === 0) return
    const [first] = blows.gaps.at(-1) ?? [0]
    const told = faults
      .slice(0, 20)
      .map(({ flow, at, what }) => `${flow}: ${what}, ${(at - first).toFixed()} ms after the last flush`)
    throw new Error(`${faults.length} packets of the bystander:\n${told.join('\n')}`)
  }
}

test(`mixed work for ${seconds} s (seed ${seed}), and all is as it must be`, {
  timeout: 300_000 + seconds * 2_000,
}, async () => {
  console.log(`seed ${seed}`)
  const model = new Model()
  await using world = await begin(model.config())
  await using other = await begin({ watch: 'off' })
  const blank = takeCensus(world)
  const service = new Service(world)
  const random = seeded(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const soak: act.Soak = { world, service, model, below, taken: new Set(), count: 0 }
  await service.start()
  for (const name of [bystander, 'c0']) {
    const { network, addresses, labels } = (await service.must([200], 'GET', `/v1/namespaces/${name}`)).body
    model.named.set(name, { network, addresses, labels })
  }
  const calm = await other.start()
  const run = new Run(soak, other, async (method, path, body) => {
    const reply = await calm.ask(method, path, { body })
    if (reply.status !== 200) throw new Error(`the other host: ${reply.text}`)
  })
  const flows = await startFlows(world, join(world.netnsDir, bystander))
  const before = machine()
  const start = performance.now()
  try {
    await run.settle()
    for (let tick = start; performance.now() - start < seconds * 1_000; ) {
      await run.round(performance.now() - start > seconds * 600)
      await run.settle()
      run.hold(await flows.misses())
      if (performance.now() - tick < 60_000) continue
      tick = performance.now()
      tell(run, (tick - start) / 1_000)
    }
  } catch (error) {
    for (const line of service.daemon.log.filter(({ level }) => level === 'error' || level === 'warn').slice(-20))
      console.log(JSON.stringify(line))
    throw new Error(`seed ${seed}, round ${run.figures.length}: ${run.words}: ${(error as Error).message}`, {
      cause: error,
    })
  }
  const misses = await flows.end(blows.inGap)
  run.hold(misses)
  tell(run, (performance.now() - start) / 1_000)
  console.log(
    `${flows.sent()} packets of a bystander, ${misses.length} of them lost, or not masqueraded, in the ${blows.gaps.reduce((sum, [from, to]) => sum + to - from, 0).toFixed()} ms of ${blows.gaps.length} flushes`,
  )
  console.log(`of the machine: ${JSON.stringify(before)} before, ${JSON.stringify(machine())} after`)
  const residents = run.figures.map(each => each.figures.memory)
  for (const line of judge(run.looks, residents)) console.log(line)
  await service.must([200], 'POST', '/v1/down')
  expect(await service.end()).toBe(0)
  // What was turned on stays on, and the answer to `down` says so.
  expect({ ...takeCensus(world), forwarding: null, remembered: null }).toEqual({
    ...blank,
    forwarding: null,
    remembered: null,
  })
})

function tell({ soak, done, figures, looks }: Run, passed: number): void {
  const last = figures.at(-1) as (typeof figures)[number]
  const standing = `${soak.model.named.size} named and ${soak.model.anonymous.size} anonymous stand`
  const line = `${passed.toFixed(0)} s: ${figures.length} times at rest, daemon ${last.by}, ${soak.service.again} requests sent again, ${standing}; ${JSON.stringify(last.figures)}; ${JSON.stringify(looks.at(-1))}; ${JSON.stringify(done)}`
  console.log(line)
}
