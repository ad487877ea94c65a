import { once } from 'node:events'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { isEgressError } from '../../errors.js'
import type { Globals } from '../command/globals.js'
import { mistake } from '../command/mistake.js'
import { findNamespace } from '../find.js'
import { openApi } from '../open-api.js'
import { addressOf } from './target.js'

interface ConnectArguments extends Globals {
  /** Seconds. */
  timeout?: number
  check?: boolean
}

export async function connect(given: ConnectArguments, name: string, host: string, port: string): Promise<number> {
  const socket = await open(given, name, host, portFrom(port))
  if (given.check) {
    socket.destroy()
    console.error(`${host} port ${port}: somebody listens`)
    return 0
  }
  // What is typed is over before what is answered; but where the other side ends, nobody reads what is typed.
  const sent = pipeline(process.stdin, socket).catch(() => {})
  socket.pipe(process.stdout, { end: false })
  process.stdout.once('error', () => socket.destroy())
  try {
    await Promise.race([once(socket, 'end'), once(socket, 'close')])
  } catch (error) {
    throw failure(error, `${host} port ${port}`)
  } finally {
    process.stdin.destroy()
    socket.end()
  }
  await sent
  return 0
}

/** NB: the socket outlives the state directory's lock, which others may want meanwhile. */
async function open(given: ConnectArguments, name: string, host: string, port: number): Promise<Socket> {
  await using opened = await openApi(given, { collect: false })
  const namespace = await findNamespace(opened.api, name)
  const address = await addressOf(opened.api, name, host)
  const ms = (given.timeout ?? 10) * 1000
  try {
    const signal = AbortSignal.timeout(ms)
    return await namespace.connect({ address, port, allowHalfOpen: true, signal })
  } catch (error) {
    throw failure(error, `${host} port ${port}`)
  }
}

const why: Record<string, readonly [what: string, remedy: string]> = {
  ECONNREFUSED: ['connection refused', 'nobody listens there, or a firewall says so'],
  EHOSTUNREACH: ['no route to the host', 'nothing has that address on its link, or a router says so'],
  ENETUNREACH: ['network unreachable', 'the namespace has no route there: egressd doctor'],
  ETIMEDOUT: ['no answer', 'nothing comes back: look at firewalls on the way; egressd doctor looks at this host'],
  ECONNRESET: ['reset by the other side', 'ask the other side'],
}

function failure(error: unknown, peer: string): unknown {
  if (isEgressError(error)) return error
  const { code, name } = error as NodeJS.ErrnoException
  const errno = name === 'TimeoutError' ? 'ETIMEDOUT' : String(code)
  const [what, remedy] = why[errno] ?? [(error as Error).message, 'look at the message']
  return mistake('EGRESSD_KERNEL', `${peer}: ${what} (${errno})`, remedy, { details: { errno } })
}

function portFrom(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535) return Number(text)
  const message = `port: ${JSON.stringify(text)} is not a number from 1 to 65535`
  throw mistake('EGRESSD_INVALID_SPEC', message, 'give the number: names of services are not looked up')
}
