import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { EgressError } from '../../errors.js'

interface Waiting {
  resolve(line: string): void
  reject(error: Error): void
}

/** A process that answers each line on its standard input with one on its standard output, in order. */
export class LineProcess {
  readonly #name: string
  readonly #child: ChildProcess
  readonly #waiting: Waiting[] = []
  #said = ''
  #ended: Error | null = null

  constructor(name: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.#name = name
    const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin` // an ordinary user's may lack them
    this.#child = spawn(command, args, { stdio: 'pipe', env: { ...process.env, PATH: path, ...env } })
    this.#child.stdin?.on('error', () => {})
    this.#child.stderr?.on('data', chunk => {
      this.#said = `${this.#said}${chunk}`.slice(-2000)
    })
    if (this.#child.stdout)
      createInterface({ input: this.#child.stdout, crlfDelay: Number.POSITIVE_INFINITY }).on('line', line =>
        this.#waiting.shift()?.resolve(line),
      )
    this.#child.on('error', error => this.#end(error.message))
    this.#child.on('close', (code, signal) => this.#end(`it ended: ${signal ?? `exit ${code}`}`))
  }

  /** Throws EGRESSD_BENCHMARK where it says `error …`, or has ended. */
  async ask(line: string): Promise<string> {
    if (this.#ended) throw this.#ended
    const answer = new Promise<string>((resolve, reject) => this.#waiting.push({ resolve, reject }))
    this.#child.stdin?.write(`${line}\n`)
    const text = await answer
    if (!text.startsWith('error')) return text
    throw this.#fault(text.slice('error'.length).trim())
  }

  /** The whole numbers behind `ok`. */
  async numbers(line: string): Promise<number[]> {
    const [word, ...rest] = (await this.ask(line)).split(' ')
    const numbers = rest.map(Number)
    if (word === 'ok' && numbers.every(Number.isSafeInteger)) return numbers
    throw this.#fault(`answered ${JSON.stringify(`${word} ${rest.join(' ')}`.slice(0, 80))} to ${JSON.stringify(line)}`)
  }

  /** Ends it at the end of its input, or two seconds later. Idempotent. */
  async end(): Promise<void> {
    this.#child.stdin?.end()
    if (this.#ended || this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 2000)
    await once(this.#child, 'close').catch(() => {})
    clearTimeout(late)
  }

  #fault(what: string): EgressError {
    const said = this.#said.trim()
    return new EgressError('EGRESSD_BENCHMARK', `${this.#name}: ${what}${said && `\n${said}`}`)
  }

  #end(what: string): void {
    this.#ended ??= this.#fault(what)
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended)
  }
}
