// Kills a process at each system call by which it changes something, one run each; another process then finishes its work.
import { setTimeout as sleep } from 'node:timers/promises'
import { Child, type Message } from './shim.js'
import { takeStep } from './steps.mjs'
import { type Census, census, compareCensus, createWorld, type Scenario, type World } from './world.js'

/** Opens, takes all steps, closes: until it is done or dead. */
async function runChild(child: Child, { library }: World, { steps, firewall }: Scenario): Promise<boolean> {
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

/** Reopens and takes the same steps. What stands then, and the address that the next namespace gets. */
async function finish({ library }: World, { steps }: Scenario) {
  const egress = await library.restart()
  for (const step of steps) await takeStep(egress, step)
  const next = await takeStep(egress, { do: 'create', network: 'net0', options: { name: 'next' } })
  return async () => ({ next, ...(await census(library)) })
}

export interface Swept {
  points: number
  /** Of the bystander, in all runs. */
  packets: number
  failures: string[]
}

/** Much of a run is waiting for a process to start. */
const atOnce = 3

export async function killSweep(scenario: Scenario, only: (at: number) => boolean = () => true): Promise<Swept> {
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
    const child = await Child.start(world.library.root)
    try {
      child.arm({ of: ['writes'], at, does: 'kill' })
      const done = await runChild(child, world, scenario)
      // With several threads at work, one run may make a call less than another.
      if (done && at > 0 && child.seen().count >= at) throw new Error('it was not killed')
      if (!done && at === 0) throw new Error('it did not live')
      if (at === 0) calls = child.seen().calls.map(call => call.replaceAll(world.library.root, ''))
      await child.end()
      const stands = await finish(world, scenario)
      if (at === 0) wanted = await stands()
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

/** In words; empty once there is none. What was made anew or destroyed settles a moment later. */
async function differences(wanted: Census, stands: () => Promise<Census>): Promise<string[]> {
  let wrong: string[] = []
  for (let i = 0; i < 30; i++) {
    wrong = compareCensus(wanted, await stands())
    if (wrong.length === 0) break
    await sleep(100)
  }
  return wrong
}
