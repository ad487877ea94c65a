import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Audience } from '../../demo/report.js'
import { type DemoOptions, runDemo } from '../../demo/run.js'
import { textAudience } from '../../demo/text.js'
import { capabilities, freshSandbox, pinnedSandbox, realHost, type World } from '../../demo/world.js'
import { missingCapabilities } from '../../exec/capabilities.js'
import { runInSandbox } from '../../exec/sandbox.js'
import { interruptible } from '../command/interruptible.js'
import { hasColours } from '../output/colour.js'

export interface DemoArguments extends Omit<DemoOptions, 'signal'> {
  host?: boolean
  json?: boolean
  /** This process is in the sandbox already, in a user namespace or not. */
  inside?: 'private' | 'user'
}

/** Returns the exit status. */
export async function demo(given: DemoArguments): Promise<number> {
  const privileged = missingCapabilities(capabilities).length === 0
  if (given.host) return runIn(realHost, given)
  if (given.inside) return runIn(() => freshSandbox(given.inside === 'user'), given)
  if (given.keep && privileged) return runIn(pinnedSandbox, given)
  const main = fileURLToPath(new URL('../main.js', import.meta.url))
  const flags = (['keep', 'ipv6', 'json'] as const).filter(name => given[name]).map(name => `--${name}`)
  const inside = ['--inside', privileged ? 'private' : 'user']
  const { code, signal } = await runInSandbox([main, 'demo', ...inside, '--firewall', given.firewall, ...flags])
  return signal ? 128 + constants.signals[signal] : (code ?? 1)
}

async function runIn(make: () => Promise<World>, given: DemoArguments): Promise<number> {
  const { signal, stop, number } = interruptible()
  try {
    await using world = await make()
    const options = { firewall: given.firewall, ipv6: given.ipv6 ?? false, keep: given.keep ?? false, signal }
    const report = await runDemo(world, options, audienceFor(given.json ?? false))
    if (report.kept && given.inside) await until(signal)
    return signal.aborted ? 128 + number() : report.ok ? 0 : 1
  } catch (error) {
    if (signal.aborted && error === signal.reason) return 128 + number()
    throw error
  } finally {
    stop()
  }
}

function audienceFor(json: boolean): Audience {
  if (!json) return textAudience(line => console.log(line), hasColours(process.stdout))
  return { begin() {}, step() {}, mistake() {}, end: report => console.log(JSON.stringify(report)) }
}

async function until(signal: AbortSignal): Promise<void> {
  // Listening for signals does not keep Node alive.
  const alive = setInterval(() => {}, 1 << 30)
  await new Promise<void>(resolve => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  clearInterval(alive)
}
