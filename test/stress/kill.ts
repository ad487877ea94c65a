// Kills a process at each system call by which it changes something, one run each; another process then finishes its work.
import { type Actor, Child, type Message, type Step } from './shim.js'
import { takeStep } from './steps.mjs'
import { type Census, census, createWorld, differences, type Scenario, settled, type World } from './world.js'

/** Opens, takes all steps, closes: until it is done or dead. */
async function runChild(child: Actor, { library }: World, { steps, firewall }: Scenario): Promise<boolean> {
  const { stateDir, netnsDir, etcNetnsDir, host } = library
  const options = { host: `/proc/${process.pid}/fd/${host.kernel.hostFd}`, stateDir, netnsDir, etcNetnsDir, firewall }
  const messages: Message[] = [
    { act: 'open', options },
    ...steps.map(step => ({ act: 'step' as const, step })),
    { act: 'close' },
  ]
  for (const message of messages) {
    const answer = await child.ask(message)
    if (!answer) return false
    if (answer.error) throw new Error(`${JSON.stringify(message)}: ${answer.error.message}`)
  }
  return true
}

/** Who is killed, and who finishes it. */
export interface Cast {
  /** `under`: of the files, those below it are of interest. */
  start(under: string): Promise<Actor>
  /** Takes the same steps, by a process of its own, and the last one. What that answers. */
  finish(world: World, scenario: Scenario, last: Step): Promise<unknown>
}

/** The library, in a process and in this one. */
const byLibrary: Cast = {
  start: under => Child.start(under),
  async finish({ library }, { steps }, last) {
    const egress = await library.restart()
    for (const step of steps) await takeStep(egress, step)
    return takeStep(egress, last)
  },
}

/** What stands when it was finished, and the address that the next namespace gets. */
async function finish(cast: Cast, world: World, scenario: Scenario) {
  const next = await cast.finish(world, scenario, { do: 'create', network: 'net0', options: { name: 'next' } })
  return async () => ({ next, ...(await census(world.library)) })
}

export interface Swept {
  points: number
  /** Of the bystander, in all runs. */
  packets: number
  failures: string[]
}

/** Much of a run is waiting for a process to start. */
const atOnce = 3

export async function killSweep(
  scenario: Scenario,
  only: (at: number) => boolean = () => true,
  cast = byLibrary,
): Promise<Swept> {
  // The first run is not killed: what comes of it is what must come of the others.
  let calls: string[] = []
  let wanted: Census = {}
  const swept: Swept = { points: 0, packets: 0, failures: [] }
  const run = async (at: number): Promise<void> => {
    const where = `${scenario.name}: killed at ${at}, ${calls[at - 1] ?? 'never'}`
    // Said at once: a sweep may be stopped before its end.
    const fault = (what: string) => {
      console.log(`${where}: ${what}`)
      swept.failures.push(`${where}: ${what}`)
    }
    await using world = await createWorld(scenario)
    const child = await cast.start(world.library.root)
    try {
      child.control.arm({ of: ['writes'], at, does: 'kill' })
      const done = await runChild(child, world, scenario)
      // With several threads at work, one run may make a call less than another.
      if (done && at > 0 && child.control.seen().count >= at) throw new Error('it was not killed')
      if (!done && at === 0) throw new Error('it did not live')
      if (at === 0) calls = child.control.seen().calls.map(call => call.replaceAll(world.library.root, ''))
      await child.end()
      const stands = await finish(cast, world, scenario)
      if (at === 0) wanted = await settled(stands)
      const wrong = await differences(wanted, stands)
      swept.packets += world.stream.sent()
      for (const what of [...wrong, ...(await world.stream.end())]) fault(what)
    } catch (error) {
      fault(`${(error as Error).stack}`)
    } finally {
      await child.end()
    }
    if (at === 0) return
    swept.points++
    if (swept.points % 50 === 0) console.log(`${scenario.name}: ${swept.points} of ${calls.length} points`)
  }
  await run(0)
  const points = calls.map((_, i) => i + 1).filter(only)
  const lane = async (): Promise<void> => {
    for (let at = points.shift(); at && swept.failures.length < enough; at = points.shift()) await run(at)
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  return swept
}

/** So many failures say enough. */
const enough = 30
