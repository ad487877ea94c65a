import { setTimeout as sleep } from 'node:timers/promises'
import { EgressError } from '../../errors.js'
import type { Echo, PingOptions } from '../../kernel/kernel.js'
import type { Globals } from '../command/globals.js'
import { interruptible } from '../command/interruptible.js'
import { findNamespace } from '../find.js'
import { openApi } from '../open-api.js'
import { printJson } from '../output/print.js'
import { echoLine, figures, pingEnding, pingHead } from './ping-text.js'
import { addressOf } from './target.js'

interface PingArguments extends Globals {
  count?: number
  /** Seconds. */
  interval?: number
  timeout?: number
  ttl?: number
  size?: number
  quiet?: boolean
  json?: boolean
}

interface Pinger extends AsyncDisposable {
  target: string
  one(options: Omit<PingOptions, 'target'>, signal: AbortSignal): Promise<Echo[]>
}

export async function ping(given: PingArguments, name: string, target: string): Promise<number> {
  const { count = Number.POSITIVE_INFINITY, interval = 1, timeout = 1, ttl, size = 56, quiet, json } = given
  await using pinger = await openPinger(given, name, target)
  const { signal, stop, number } = interruptible()
  const options = { timeoutMs: Math.ceil(timeout * 1000), size, ...(ttl !== undefined && { ttl }) }
  const echoes: Echo[] = []
  const begun = performance.now()
  const say = json ? () => {} : (line: string) => console.log(line)
  say(pingHead(target, pinger.target, size))
  try {
    for (let sequence = 1; sequence <= count; sequence++) {
      const next = performance.now() + interval * 1000
      const [echo] = await pinger.one(options, signal)
      if (!echo) break
      echoes.push({ ...echo, sequence })
      if (!quiet) say(echoLine({ ...echo, sequence }, size))
      const pause = next - performance.now()
      if (sequence < count && pause > 0) await sleep(pause, undefined, { signal })
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    stop()
  }
  const summary = figures(echoes)
  if (json) printJson({ namespace: name, target: pinger.target, ...summary, echoes })
  else for (const line of pingEnding(target, summary, performance.now() - begun)) say(line)
  // As ping(8): Ctrl-C is how it is ended.
  if (signal.aborted && number() !== 2) return 128 + number()
  return summary.received > 0 ? 0 : 1
}

/** By the daemon; or by this process, which lets go of the state directory first: it may go on for long. */
async function openPinger(globals: Globals, name: string, target: string): Promise<Pinger> {
  const opened = await openApi(globals, { collect: false })
  try {
    const namespace = await findNamespace(opened.api, name)
    const address = await addressOf(opened.api, name, target)
    if (opened.by === 'daemon')
      return {
        target: address,
        one: (options, signal) => namespace.ping(address, { ...options, signal }),
        [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
      }
    await namespace.assertPinned()
    const { ref, path } = namespace
    const { pinIdentity } = await import('../../engine/pin-owner.js')
    const pinned = pinIdentity(path)
    await opened[Symbol.asyncDispose]()
    const { nativeKernel } = await import('../../kernel/native.js')
    const kernel = nativeKernel.open()
    return {
      target: address,
      async one(options, signal) {
        // Nobody holds it any more: another may be pinned there by now.
        if (pinIdentity(path) !== pinned)
          throw new EgressError('EGRESSD_NOT_FOUND', `namespace ${name} is not there any more`, {
            field: 'namespace',
            value: name,
          })
        return kernel.ping({ target: address, ...options }, ref, signal)
      },
      [Symbol.asyncDispose]: () => kernel.close(),
    }
  } catch (error) {
    await opened[Symbol.asyncDispose]()
    throw error
  }
}
