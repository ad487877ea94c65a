// A kernel door that counts what is written, and makes chosen operations fail.
import type { Kernel, KernelFactory, PreparedNetns } from '../../src/kernel/kernel.js'
import { nativeKernel } from '../../src/kernel/native.js'
import type { Op, OpName, Verdict } from '../../src/kernel/ops.js'

export interface Fault {
  errno: string
  number: number
}

export const faults = {
  EPERM: { errno: 'EPERM', number: 1 },
  ENOMEM: { errno: 'ENOMEM', number: 12 },
  ENOENT: { errno: 'ENOENT', number: 2 },
  EOPNOTSUPP: { errno: 'EOPNOTSUPP', number: 95 },
  ENOBUFS: { errno: 'ENOBUFS', number: 105 },
} as const satisfies Record<string, Fault>

/** What may happen to the n-th write, counted from `from`. */
export type Mishap = Fault | 'rejected' | 'closed'

export class Watch implements KernelFactory {
  /** Names of the operations that change something, in order. */
  writes: OpName[] = []
  /** Which write meets with a mishap, from 0; every later one too where `lasting`. */
  mishap: { at: number; what: Mishap; lasting?: boolean } | null = null
  /** Faults that every such operation meets with. */
  always: Partial<Record<OpName, Fault>> = {}
  /** Hears of each job and what came of it. */
  answered: ((ops: readonly Op[], verdicts: readonly Verdict[]) => void) | null = null
  #closed = false

  reset(): void {
    this.answered = null
    this.writes = []
    this.mishap = null
    this.always = {}
    this.#closed = false
  }

  open(...args: Parameters<KernelFactory['open']>): Kernel {
    const kernel = nativeKernel.open(...args)
    const run = kernel.run.bind(kernel) as (ops: readonly Op[]) => Promise<Verdict[]>
    kernel.run = ((ops: readonly Op[]) => this.#run(run, ops)) as Kernel['run']
    // One behind the other, as the thread that has them all does it.
    kernel.runAll = async jobs => {
      const all: Verdict[][] = []
      for (const ops of jobs) all.push(await this.#run(run, ops))
      return all
    }
    kernel.prepare = () => 0 as PreparedNetns
    kernel.prepareNext = () => 0 as PreparedNetns
    return kernel
  }

  async #run(run: (ops: readonly Op[]) => Promise<Verdict[]>, ops: readonly Op[]): Promise<Verdict[]> {
    const verdicts = await this.#runOne(run, ops)
    this.answered?.(ops, verdicts)
    return verdicts
  }

  async #runOne(run: (ops: readonly Op[]) => Promise<Verdict[]>, ops: readonly Op[]): Promise<Verdict[]> {
    if (this.#closed) throw new Error('the door is closed')
    const bad = new Map<number, Fault>()
    for (const [i, { op }] of ops.entries()) {
      const always = this.always[op]
      if (always) bad.set(i, always)
      if (isRead(op)) continue
      const number = this.writes.push(op) - 1
      const { at, what, lasting } = this.mishap ?? { at: -1, what: 'rejected' }
      if (at < 0 || (lasting ? number < at : number !== at)) continue
      if (typeof what === 'string') {
        this.#closed = what === 'closed'
        throw new Error('the door is closed')
      }
      bad.set(i, what)
    }
    // NB: a look-up that fails stands for the one that shall: what comes before and after it happens as it would.
    const verdicts = await run(ops.map((op, i) => (bad.has(i) ? impossible(op) : op)))
    return verdicts.map((verdict, i) => {
      const fault = bad.get(i)
      if (!fault || verdict.ok || verdict.skipped) return verdict
      const { op } = ops[i] as Op
      return { ok: false, skipped: false, fault: { op, call: 'test', message: 'on purpose', ...fault } }
    })
  }
}

const impossible = ({ in: slot, join }: Op): Op => ({ op: 'link.get', in: slot, join, name: 'no-such-link' })

export const isRead = (op: OpName): boolean =>
  /\.(get|index|list|generation)$/.test(op) || op === 'netns.open' || op === 'netlink.dump'
