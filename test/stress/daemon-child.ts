// A daemon with the shim in it, as one who takes steps: each is a request of its socket, and what it refuses is told as HTTP has it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { main } from '../helpers/cli.js'
import { type Ask, type Reply, request } from '../helpers/daemon.js'
import type { Cast } from './kill.js'
import { type Actor, type Answer, Control, deadlineMs, type Message, type Step } from './shim.js'

type Options = { host: string; stateDir: string; netnsDir: string; etcNetnsDir: string; firewall?: string }

export class DaemonChild implements Actor {
  readonly control: Control
  readonly #shim: boolean
  readonly #folder = mkdtempSync(join(tmpdir(), 'egressd-daemon-child-'))
  readonly #socket = join(this.#folder, 'socket')
  #process: ChildProcess | null = null
  #exit: Promise<unknown> = Promise.resolve()
  #over = true
  #said = ''
  #keys = 0
  /** The name of the last one that was made without. */
  #anonymous = ''

  constructor(under: string, shim = true) {
    this.control = new Control(under)
    this.#shim = shim
  }

  async ask(message: Message): Promise<Answer | null> {
    if (message.act === 'open') return this.#open(message.options as Options)
    if (this.#over) return null
    if (message.act === 'step') return this.#step(message.step)
    this.#process?.kill('SIGTERM')
    await this.#inTime(this.#exit, 'its end')
    return this.#process?.signalCode === 'SIGKILL' ? null : {}
  }

  async end(): Promise<void> {
    if (!this.#over) this.#process?.kill('SIGKILL')
    await this.#exit
    this.control.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #open({ host, stateDir, netnsDir, etcNetnsDir, firewall }: Options): Promise<Answer | null> {
    const config = join(this.#folder, 'egressd.yaml')
    writeFileSync(config, JSON.stringify({ socket: this.#socket, stateDir, firewall, watch: 'off' }))
    const options = ['--config', config, '--host', host, '--netns-dir', netnsDir, '--etc-netns-dir', etcNetnsDir]
    const daemon = spawn(process.execPath, [main, 'daemon', ...options], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...(this.#shim && this.control.env) },
    })
    this.#process = daemon
    this.#over = false
    this.#exit = once(daemon, 'close').finally(() => {
      this.#over = true
    })
    const ready = new Promise<boolean>(resolve => {
      daemon.stderr.on('data', chunk => {
        this.#said += chunk
        if (this.#said.includes('"ready"')) resolve(true)
      })
      void this.#exit.then(() => resolve(false))
    })
    if (await this.#inTime(ready, 'its start')) return {}
    if (daemon.signalCode === 'SIGKILL') return null
    throw new Error(`the daemon did not start: ${this.#said}`)
  }

  /** What comes of `work`; where nothing does, an error that says what each thread of the daemon waits in. */
  async #inTime<T>(work: Promise<T>, what: string): Promise<T> {
    const late = new AbortController()
    const tooLate = sleep(deadlineMs, null, { signal: late.signal }).then(() => {
      const threads = threadsOf(this.#process?.pid)
      throw new Late(`no ${what} in ${deadlineMs} ms; it was at ${this.control.seen().calls.at(-1)}; ${threads}`)
    })
    try {
      return await Promise.race([work, tooLate])
    } finally {
      late.abort()
      tooLate.catch(() => {})
    }
  }

  /** Each answer in time, and each refusal a problem with a code of its own. */
  async #step(step: Step): Promise<Answer | null> {
    try {
      return await this.#inTime(this.#take(step), 'answer')
    } catch (error) {
      if (error instanceof Late) throw error
      // It is dying, or its words are in the log.
      await Promise.race([this.#exit, sleep(deadlineMs / 2, null, { ref: false })])
      if (this.#over) return null
      throw error
    }
  }

  async #take({ do: verb, name: given, network, wait, options }: Step): Promise<Answer> {
    const name = given === '(anonymous)' ? this.#anonymous : given
    const { name: own, ...body } = (options ?? {}) as { name?: string }
    if (verb === 'network') return this.#told(await this.#send('PUT', `/v1/networks/${own}`, { body }))
    if (verb === 'remove') return this.#told(await this.#send('DELETE', `/v1/networks/${name}`))
    if (verb === 'apply')
      return this.#told(await this.#send('POST', '/v1/apply', { body: { spec: options, prune: true } }))
    if (verb === 'destroy')
      return this.#told(await this.#send('DELETE', `/v1/namespaces/${name}${wait ? `?wait=${wait}` : ''}`))
    if (verb === 'create') {
      const reply = await this.#send('PUT', `/v1/namespaces/${own}`, { body: { network, ...body } })
      return { ...this.#told(reply), value: reply.body.addresses }
    }
    if (verb === 'createMany')
      return this.#batch((options as object[]).map(each => ({ op: 'create', network, ...each })))
    if (verb === 'destroyMany')
      return this.#batch((options as string[]).map(each => ({ op: 'destroy', name: each, wait })))
    if (verb !== 'anonymous') throw new Error(`no request does ${verb}`)
    const asked = { body: { network, ...body }, headers: { 'idempotency-key': `key-${this.#keys++}` } }
    const first = await this.#send('POST', '/v1/namespaces', asked)
    const again = await this.#send('POST', '/v1/namespaces', asked)
    if (first.status !== 201) return this.#told(first)
    this.#anonymous = first.body.name
    if (again.body.name !== this.#anonymous) throw new Error('one key made two namespaces')
    return this.#told(again)
  }

  #send(method: string, path: string, ask: Ask = {}): Promise<Reply> {
    return request(this.#socket, method, path, ask)
  }

  #told(reply: Reply): Answer {
    if (reply.status >= 200 && reply.status < 300) {
      const failed = (reply.body?.changes ?? []).find(({ result }: { result: string }) => result === 'failed')
      return failed ? refused(failed.error) : {}
    }
    const type = reply.headers['content-type'] ?? ''
    if (!type.startsWith('application/problem+json')) throw new Error(`${reply.status} ${type}: ${reply.text}`)
    return refused(reply.body)
  }

  async #batch(lines: object[]): Promise<Answer> {
    const reply = await this.#send('POST', '/v1/namespaces:batch', {
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.map(line => JSON.stringify(line)).join('\n'),
    })
    if (reply.status !== 200) return this.#told(reply)
    const results = reply.text
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    if (results.length !== lines.length) throw new Error(`${lines.length} lines were answered by ${results.length}`)
    const bad = results.find(({ ok }) => !ok)
    const made = results.sort((a, b) => a.index - b.index).map(({ namespace }) => namespace?.addresses)
    return bad ? refused(bad.error) : { value: made }
  }
}

class Late extends Error {}

/** Name, place in the kernel, and system call with its arguments, of each. */
function threadsOf(pid: number | undefined): string {
  const folder = `/proc/${pid}/task`
  try {
    return readdirSync(folder)
      .map(id =>
        ['comm', 'wchan', 'syscall'].map(file => readFileSync(join(folder, id, file), 'utf8').trim()).join(' '),
      )
      .join('; ')
  } catch (error) {
    return (error as Error).message
  }
}

interface Problem {
  code: string
  detail?: string
  message?: string
  fault?: { errno?: string }
  left?: string[]
}

/** What egressd did not expect has no code that tells it. */
const refused = ({ code, detail, message = '', fault, left = [] }: Problem): Answer => ({
  error: {
    code: code === 'EGRESSD_INTERNAL' ? null : code,
    message: detail ?? message,
    ...(fault?.errno !== undefined && { errno: fault.errno }),
    left,
  },
})

/** A daemon that is killed; the same requests to one that is started then. */
export const byDaemon: Cast = {
  start: async under => new DaemonChild(under),
  async finish({ library }, { steps, firewall }, last) {
    const { stateDir, netnsDir, etcNetnsDir, host } = library
    const next = new DaemonChild(library.root, false)
    try {
      const options = {
        host: `/proc/${process.pid}/fd/${host.kernel.hostFd}`,
        stateDir,
        netnsDir,
        etcNetnsDir,
        firewall,
      }
      const messages: Message[] = [
        { act: 'open', options },
        ...[...steps, last].map(step => ({ act: 'step' as const, step })),
      ]
      let answer: Answer | null = null
      for (const message of messages) {
        answer = await next.ask(message)
        if (!answer || answer.error)
          throw new Error(`${JSON.stringify(message)}: ${answer?.error?.message ?? 'it died'}`)
      }
      await next.ask({ act: 'close' })
      return answer?.value
    } finally {
      await next.end()
    }
  },
}
