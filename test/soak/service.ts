// The daemon that is under test, over its deaths: a request that its death cut off is sent again to the next one.
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Ask, type Daemon, type LogLine, type Reply, until, type World } from '../helpers/daemon.js'
import type { Memory } from './memory.js'

const inside = pathToFileURL(join(import.meta.dirname, 'inside.mjs')).href

export class Service {
  /** How many daemons there were: an answer is of one of them. */
  number = 0
  again = 0
  /** Requests that this one has answered. */
  answered = 0
  readonly #world: World
  #daemon: Daemon | null = null
  #up: Promise<void> = Promise.resolve()

  constructor(world: World) {
    this.#world = world
  }

  get daemon(): Daemon {
    if (!this.#daemon) throw new Error('the daemon was not started')
    return this.#daemon
  }

  async start(): Promise<void> {
    this.#daemon = await this.#world.start({ env: { NODE_OPTIONS: `--import ${inside}` }, fds: ['ipc'] })
    this.number++
    this.answered = 0
  }

  /** SIGKILL, and another one at once. What the dead one said that was wrong is thrown. */
  kill(): Promise<void> {
    const dead = this.daemon
    // NB: noted at once: what a request sees of it may come before the process is gone.
    this.#up = (async () => {
      await dead.end('SIGKILL')
      complain(dead)
      await this.start()
    })()
    return this.#up
  }

  async ask(method: string, path: string, options: Ask = {}): Promise<Reply & { by: number }> {
    for (let tries = 0; tries < 20; tries++) {
      await this.#up
      const by = this.number
      const up = this.#up
      try {
        const reply = await this.daemon.ask(method, path, options)
        if (by === this.number) this.answered++
        return { ...reply, by }
      } catch (error) {
        if (up === this.#up && by === this.number) throw new Error(`${method} ${path}: ${(error as Error).message}`)
        this.again++
      }
    }
    throw new Error(`${method} ${path}: no daemon lived long enough`)
  }

  /** Has it collect all that it can, and tells what is left. NB: of one that is not killed meanwhile. */
  async collected(): Promise<Memory> {
    const { child } = this.daemon
    const answer = once(child, 'message', { signal: AbortSignal.timeout(60_000) })
    child.send('collect')
    const [memory] = (await answer) as [Memory]
    return memory
  }

  /** The same, for what must go well; the statuses that say so. */
  async must(statuses: number[], method: string, path: string, options: Ask = {}): Promise<Reply & { by: number }> {
    const reply = await this.ask(method, path, options)
    if (!statuses.includes(reply.status)) throw new Error(`${method} ${path}: ${reply.status} ${reply.text}`)
    return reply
  }

  /** SIGHUP, and the line that answers it; null where the daemon was killed meanwhile: the next one has read the file. */
  async reload(): Promise<LogLine | null> {
    await this.#up
    const { daemon, number } = this
    const from = daemon.log.length
    const words = ['the configuration was read again', 'the configuration was not taken: the one before is kept']
    const found = () => daemon.log.slice(from).find(({ msg }) => words.includes(msg))
    daemon.child.kill('SIGHUP')
    await until(
      () => found() !== undefined || daemon.child.exitCode !== null || daemon.child.signalCode !== null,
      'an answer to SIGHUP',
    )
    if (number === this.number && daemon.child.signalCode === null) return found() ?? null
    await this.#up
    return null
  }

  async end(): Promise<number | NodeJS.Signals> {
    await this.#up
    const status = await this.daemon.end()
    complain(this.daemon)
    return status
  }
}

/** What no daemon should say, whatever is done to the host. */
function complain({ log, rest }: Daemon): void {
  const wrong = log.filter(({ level, msg }) => level === 'fatal' || msg === 'a fault of egressd')
  if (wrong.length + rest.length > 0) throw new Error(`the daemon said: ${JSON.stringify(wrong)} ${rest.join('\n')}`)
}
