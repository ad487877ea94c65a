// Makes each system call of a step fail in turn: the step is done all the same, or refused with nothing of it left.
import { type Actor, type Answer, Child, type kinds, type Mishap, type Step } from './shim.js'
import { type Census, census, createWorld, differences, type Scenario, settled, type World } from './world.js'

type Kind = keyof typeof kinds

/** What each kind of call is made to say, one after another. */
const mishaps: Record<Kind, Pick<Mishap, 'does' | 'errno'>[]> = {
  writes: ['ENOBUFS', 'EINTR', 'ENOMEM', 'EPERM', 'EBUSY', 'EAGAIN'].map(errno => ({ does: 'fail', errno })),
  reads: ['ENOBUFS', 'EINTR', 'ENOMEM', 'EAGAIN'].map(errno => ({ does: 'fail', errno })),
  receives: ['ENOBUFS', 'EINTR', 'ENOMEM'].map(errno => ({ does: 'fail', errno })),
  dumps: [{ does: 'tear' }],
  preparations: ['ENOMEM', 'EPERM', 'ENFILE'].map(errno => ({ does: 'fail', errno })),
}

export interface ErrorScenario extends Scenario {
  /**
   * Each with what takes it back. `whole`: it is done or not at all, so that a failure leaves what was there before. `long`:
   * of so many calls that each of them meets with one error only.
   */
  tries: { name: string; step: Step; back: Step; whole: boolean; long?: boolean }[]
}

export interface Failed {
  points: number
  /** How many of them were refused; the others were done all the same. */
  refused: number
  failures: string[]
}

/** `each`: every point with every one of its errors, unless `long`; else every one that writes, and some others, with one in turn. */
export async function errorSweep(
  scenario: ErrorScenario,
  each: boolean,
  { start = under => Child.start(under), stride = 1 }: { start?: (under: string) => Promise<Actor>; stride?: number },
): Promise<Failed> {
  await using world = await createWorld(scenario)
  const child = await start(world.library.root)
  const result: Failed = { points: 0, refused: 0, failures: [] }
  try {
    const { stateDir, netnsDir, etcNetnsDir, host } = world.library
    const options = { host: `/proc/${process.pid}/fd/${host.kernel.hostFd}`, stateDir, netnsDir, etcNetnsDir }
    await must(child.ask({ act: 'open', options: { ...options, firewall: scenario.firewall } }))
    for (const one of scenario.tries) {
      await sweepTry(world, child, one, { each: each && !one.long, stride }, result, scenario.name)
      console.log(`${scenario.name}, ${one.name}: ${result.points} points so far, ${result.failures.length} faults`)
    }
    for (const lost of await world.stream.end()) result.failures.push(lost)
  } catch (error) {
    result.failures.push(`${(error as Error).stack}`)
  } finally {
    await child.end()
  }
  return result
}

async function sweepTry(
  { library }: World,
  child: Actor,
  { name, step, back, whole, long }: ErrorScenario['tries'][number],
  { each, stride }: { each: boolean; stride: number },
  result: Failed,
  of: string,
): Promise<void> {
  // Said at once: a sweep may be stopped before its end.
  const fault = (what: string) => {
    console.log(`${of}, ${what}`)
    result.failures.push(what)
  }
  const take = (taken: Step) => child.ask({ act: 'step', step: taken })
  // There and back, and again, for it may begin with what is not there: what is made at the first use, such as a file of
  // leases, is there then.
  for (const taken of [step, back, step, back]) await must(take(taken))
  const stands = () => census(library)
  const before = await settled(stands)
  await must(take(step))
  const after = await settled(stands)
  await must(take(back))
  // What only reads is the same few functions over and over.
  for (const [kind, list] of Object.entries(mishaps) as [Kind, Pick<Mishap, 'does' | 'errno'>[]][])
    for (const fixed of each ? list : list.slice(0, 1))
      for (let at = 1, turn = 0; ; at += each ? 1 : kind === 'writes' ? stride : 5 * stride) {
        const { does, errno } = each ? fixed : (list[turn++ % list.length] as Pick<Mishap, 'does' | 'errno'>)
        child.control.arm({ of: [kind], at, does, errno })
        const answer = await take(step)
        const { hits, calls } = child.control.seen()
        child.control.disarm()
        if (hits === 0) {
          await must(Promise.resolve(answer))
          await must(take(back))
          if (each || long)
            console.log(`${of}, ${name}: up to ${does} ${errno ?? ''} of ${kind}: ${result.points} points so far`)
          break
        }
        const where = `${name}: ${does} ${errno ?? ''} at ${kind} ${at}, ${calls[at - 1]?.replace(library.root, '')}`
        const expected = async (wanted: Census, what: string) => {
          const wrong = await differences(wanted, stands)
          for (const one of wrong) fault(`${where}: ${answer?.error?.message ?? 'done'}: ${what}: ${one}`)
          return wrong.length === 0
        }
        result.points++
        if (!answer) throw new Error(`${where}: it died`)
        if (answer.error) {
          result.refused++
          if (answer.error.code === null) fault(`${where}: ${answer.error.message}`)
          for (const left of answer.error.left) fault(`${where}: left: ${left}`)
          if (whole && (await expected(before, 'not undone'))) continue
          await must(take(step), where)
        }
        await expected(after, 'not done')
        await must(take(back), where)
        await expected(before, 'not taken back')
        if (result.failures.length > 60) throw new Error('too many')
      }
}

async function must(asked: Promise<Answer | null>, where = ''): Promise<void> {
  const answer = await asked
  if (!answer) throw new Error(`${where}: the child died`)
  if (answer.error) throw new Error(`${where}: afterwards: ${answer.error.message}`)
}
