// Kills a process at each system call by which it fills a pool, hands one out by name, has that back to be recycled or not, and
// closes the pool. Which of the pool's it is, and where it stood then, is another story each time: so that what is left is not held
// against another run, but looked at.
import { readdirSync } from 'node:fs'
import { patient } from '../helpers/library.js'
import { Child, type Message, type Step } from './shim.js'
import { claimedAs } from './steps.mjs'
import { createWorld, differences, type Scenario, type World } from './world.js'

const subnets = ['10.1.0.0/16', 'fd00:1::/64']
const before: Scenario = {
  name: 'claims',
  firewall: 'nftables',
  points: 30,
  before: [
    { do: 'network', options: { name: 'net0', subnets } },
    { do: 'create', network: 'net0', options: { name: 'by0' } },
  ],
  damage: [],
  steps: [],
}

/** What becomes of the one that was claimed. */
export const endings = ['kept', 'recycled'] as const
export type Ending = (typeof endings)[number]

export async function claimSweep(ending: Ending, every: number): Promise<{ points: number; failures: string[] }> {
  const swept = { points: 0, failures: [] as string[] }
  const left = ending === 'kept' ? claimed : unclaimed
  let total = 0
  total = await run(0)
  for (let at = 1; at <= total && swept.failures.length < 10; at += every) await run(at)
  return swept

  async function run(at: number): Promise<number> {
    await using world = await createWorld(before)
    const child = await Child.start(world.library.root)
    const { stateDir, netnsDir, etcNetnsDir, host } = world.library
    const options = { host: `/proc/${process.pid}/fd/${host.kernel.hostFd}`, stateDir, netnsDir, etcNetnsDir }
    try {
      child.control.arm({ of: ['writes'], at, does: 'kill' })
      const pool = ending === 'kept' ? {} : { recycle: 'trusted' }
      const claim: Step = { do: 'claim', network: 'net0', name: 'claimed', options: pool }
      const messages: Message[] = [{ act: 'open', options }, { act: 'step', step: claim }, { act: 'close' }]
      for (const message of messages) {
        const answer = await child.ask(message)
        if (answer?.error) throw new Error(answer.error.message)
      }
      const { count, calls } = child.control.seen()
      await child.end()
      const last = calls[at - 1]?.replace(world.library.root, '') ?? 'never'
      const allowed = at > 0 ? [unclaimed, claimed] : [left]
      const looked = await look(world, allowed, ending).catch((error: Error) => [`${error.stack}`])
      const wrong = [...looked, ...(await world.stream.end())]
      swept.failures.push(...wrong.map(fault => `killed at ${at} of ${total || count}, ${last}: ${fault}`))
      if (at > 0) swept.points++
      total ||= count
      return count
    } finally {
      await child.end()
    }
  }
}

/** The names of what may be left. */
const [unclaimed, claimed] = ['by0', 'by0,claimed'] as const

/** What is wrong after the next start: whole or gone, nothing else of it, and known as what it is. */
async function look({ library }: World, allowed: readonly string[], ending: Ending): Promise<string[]> {
  const egress = await library.restart()
  const wrong: string[] = []
  const names = egress.namespaces.map(({ name }) => name).sort()
  if (!allowed.includes(names.join())) wrong.push(`there are ${names}`)
  const pins = readdirSync(library.netnsDir).sort()
  if (pins.join() !== names.join()) wrong.push(`pinned are ${pins}, known ${names}`)
  const resolvers = readdirSync(library.etcNetnsDir)
  if (resolvers.length !== Number(names.includes('claimed'))) wrong.push(`resolv.conf is there of ${resolvers}`)
  const namespaces = egress.namespaces.map(({ name }) => ({
    name,
    network: 'net0',
    ...(name === 'claimed' && claimedAs({ recycle: ending === 'recycled' })),
  }))
  const { changes } = await egress.check({ networks: [{ name: 'net0', subnets }], namespaces })
  if (changes.length > 0) wrong.push(`not as recorded: ${JSON.stringify(changes)}`)
  for (const namespace of egress.namespaces)
    if ((await namespace.ping('8.8.8.8', patient))[0]?.result !== 'reply')
      wrong.push(`${namespace.name} gets no answer`)
  // Those that were ready ended with their process; the kernel takes its time.
  const count = () => library.host.json<object[]>('ip', ['-j', 'link', 'show', 'type', 'veth']).length - 1
  return [...wrong, ...(await differences({ veths: names.length }, async () => ({ veths: count() })))]
}
