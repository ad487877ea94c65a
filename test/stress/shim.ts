// The other side of shim.c: what the shim in a process is told to do, and a child with the shim in it.
import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { EgressOptions } from '../../src/engine/options.js'

/** What is numbered. */
export const kinds = { writes: 1, reads: 2, receives: 4, dumps: 8, preparations: 16 } as const
const actions = { nothing: 0, kill: 1, fail: 2, tear: 3 } as const

export interface Mishap {
  of: readonly (keyof typeof kinds)[]
  /** From 1; 0: never, they are only counted. */
  at: number
  does: keyof typeof actions
  errno?: string
  lasting?: boolean
}

export interface Step {
  do: 'network' | 'create' | 'createMany' | 'claim' | 'anonymous' | 'destroy' | 'destroyMany' | 'remove' | 'apply'
  name?: string
  network?: string
  wait?: 'gone'
  options?: object
}
export type Message = { act: 'open'; options: EgressOptions } | { act: 'step'; step: Step } | { act: 'close' }
export interface Answer {
  value?: unknown
  error?: { code: string | null; message: string; errno?: string; left: string[] }
}

/** Holds the shim, and what each child is told by; made at the first one. */
let root: string | null = null
let children = 0
afterAll(() => {
  if (root !== null) rmSync(root, { recursive: true })
})

function buildShim(): string {
  const folder = mkdtempSync(join(tmpdir(), 'egressd-shim-'))
  const [source, library] = [join(import.meta.dirname, 'shim.c'), join(folder, 'shim.so')]
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-Wextra', '-Werror', '-o', library, source, '-ldl'])
  return folder
}

/** No call takes longer than this, whatever fails in it. */
export const deadlineMs = 60_000

/** What one process with the shim in it is told. */
export class Control {
  /** For the process. */
  readonly env: NodeJS.ProcessEnv
  readonly #path: string
  readonly #fd: number

  /** `under`: of the files, those below it are of interest. */
  constructor(under: string) {
    root ??= buildShim()
    this.#path = join(root, `control-${++children}`)
    writeFileSync(this.#path, Buffer.alloc(1 << 18))
    this.#fd = openSync(this.#path, 'r+')
    this.env = {
      LD_PRELOAD: [process.env.LD_PRELOAD, join(root, 'shim.so')].filter(Boolean).join(' '),
      EGRESSD_SHIM: this.#path,
      EGRESSD_SHIM_UNDER: under,
      UV_USE_IO_URING: '0', // its calls could not be numbered
    }
  }

  /** What shall happen from now on; counting begins anew. */
  arm({ of, at, does, errno, lasting }: Mishap): void {
    const words = Uint32Array.of(
      of.reduce((set, kind) => set | kinds[kind], 0),
      at,
      actions[does],
      errno ? ((constants.errno as Record<string, number>)[errno] as number) : 0,
      lasting ? 1 : 0,
      0,
      0,
      0,
    )
    // NB: first off, then the rest, then on: the process runs meanwhile.
    writeSync(this.#fd, new Uint32Array(1), 0, 4, 0)
    writeSync(this.#fd, words, 4, 28, 4)
    writeSync(this.#fd, words, 0, 4, 0)
  }

  disarm(): void {
    writeSync(this.#fd, new Uint32Array(1), 0, 4, 0)
  }

  /** How many calls were numbered since, how many of them met with the mishap, and each of them in words. */
  seen(): { count: number; hits: number; calls: string[] } {
    const words = new Uint32Array(3)
    readSync(this.#fd, words, 0, 12, 20)
    const [count, hits, logged] = words as unknown as [number, number, number]
    const log = readFileSync(this.#path)
      .subarray(32, 32 + logged)
      .toString('latin1')
    return { count, hits, calls: log.split('\n').slice(0, count) }
  }

  /** Idempotent. */
  close(): void {
    if (!existsSync(this.#path)) return
    closeSync(this.#fd)
    rmSync(this.#path)
  }
}

/** A process that takes steps, with the shim in it. */
export interface Actor {
  readonly control: Control
  /** null where the process is dead. Throws where there is no answer in time. */
  ask(message: Message): Promise<Answer | null>
  /** Kills it. Idempotent. */
  end(): Promise<void>
}

export class Child implements Actor {
  readonly control: Control
  readonly #process: ChildProcess
  readonly #exit: Promise<unknown[]>
  #exited = false

  private constructor(under: string) {
    this.control = new Control(under)
    this.#process = fork(join(import.meta.dirname, 'child.mjs'), {
      env: { ...process.env, ...this.control.env },
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#exit = once(this.#process, 'exit').finally(() => {
      this.#exited = true
    })
  }

  /** `under`: of the files, those below it are of interest. */
  static async start(under: string): Promise<Child> {
    const child = new Child(under)
    await child.#answer()
    return child
  }

  async ask(message: Message): Promise<Answer | null> {
    if (this.#exited) return null
    // One that is just dying answers nothing; the pipe's end is no error.
    this.#process.send(message, () => {})
    return this.#answer()
  }

  async #answer(): Promise<Answer | null> {
    const timeout = AbortSignal.timeout(deadlineMs)
    const late = once(timeout, 'abort').then(() => {
      throw new Error(`no answer from the child in ${deadlineMs} ms; it was at ${this.control.seen().calls.at(-1)}`)
    })
    const gone = this.#exit.then(() => null)
    const answered = once(this.#process, 'message').then(([answer]) => answer as Answer)
    // Whichever is not first must not be an unhandled rejection later.
    for (const loser of [late, gone, answered]) loser.catch(() => {})
    return Promise.race([answered, gone, late])
  }

  async end(): Promise<void> {
    if (!this.#exited) this.#process.kill('SIGKILL')
    await this.#exit
    this.control.close()
  }
}
