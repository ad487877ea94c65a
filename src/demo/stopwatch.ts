import type { Kernel, KernelFactory, PreparedNetns } from '../kernel/kernel.js'
import type { Op, Verdict, Verdicts } from '../kernel/ops.js'
import { type StepNumber, stepOf } from './steps.js'

/**
 * A door to the kernel that times steps. The library sends a whole namespace as one job, which has one time; here such a
 * job goes step by step, each as a job of its own. Everything else passes unchanged.
 */
export class Stopwatch implements KernelFactory {
  readonly #times = new Map<StepNumber, number>()
  readonly #kernels: KernelFactory
  #running = true
  /** The step in which the kernel refused something. */
  failed: StepNumber | null = null

  constructor(kernels: KernelFactory) {
    this.#kernels = kernels
  }

  /** Milliseconds that a step has taken; null where nothing of it was done. */
  of(step: StepNumber): number | null {
    return this.#times.get(step) ?? null
  }

  /** From here on jobs are no steps any more. */
  stop(): void {
    this.#running = false
  }

  open(...host: Parameters<KernelFactory['open']>): Kernel {
    const kernel = this.#kernels.open(...host)
    const run = async (ops: readonly Op[]): Promise<readonly Verdict[]> => {
      const [first] = ops
      // What the library tries out, it tries in a namespace that has no name.
      const trial = first?.op === 'netns.create' && first.pin === undefined
      return this.#running && !trial ? this.#runSteps(kernel, ops) : kernel.run(ops)
    }
    return {
      host: kernel.host,
      hostFd: kernel.hostFd,
      run: run as <const J extends readonly Op[]>(ops: J) => Promise<Verdicts<J>>,
      runAll: (jobs, bulk) => kernel.runAll(jobs, bulk),
      // What is made beforehand would be missing from the time of its step.
      prepare: () => 0 as PreparedNetns,
      prepareNext: () => 0 as PreparedNetns,
      forgo() {},
      ping: (...args) => kernel.ping(...args),
      watch: (...args) => kernel.watch(...args),
      pinFd: (...args) => kernel.pinFd(...args),
      closeFd: fd => kernel.closeFd(fd),
      close: () => kernel.close(),
    }
  }

  async #runSteps(kernel: Kernel, ops: readonly Op[]): Promise<readonly Verdict[]> {
    const verdicts: Verdict[] = []
    // A slot is good for one job: the namespace is held meanwhile, and opened anew for each.
    let held: number | null = null
    try {
      for (const { step, ops: part } of inSteps(ops)) {
        const before: Op[] = held === null ? [] : [{ op: 'netns.open', as: 1, from: { fd: held } }]
        const begun = performance.now()
        const answers: readonly Verdict[] = await kernel.run([...before, ...part.map(holding)])
        if (step) this.#times.set(step, (this.of(step) ?? 0) + performance.now() - begun)
        const own = answers.slice(before.length)
        if (part[0]?.op === 'netns.create' && own[0]?.ok) {
          held = (own[0].value as { fd: number }).fd
          own[0] = { ok: true, value: { ...(own[0].value as object), fd: null } }
        }
        verdicts.push(...own)
        if (own.every(({ ok }) => ok)) continue
        this.failed = step
        while (verdicts.length < ops.length) verdicts.push({ ok: false, skipped: true })
        break
      }
      return verdicts
    } finally {
      if (held !== null) kernel.closeFd(held)
    }
  }
}

const holding = (op: Op): Op => (op.op === 'netns.create' ? { ...op, hold: true } : op)

/** Cut where another step begins; what was to travel with the operation before it then goes first. */
function inSteps(ops: readonly Op[]): { step: StepNumber | null; ops: Op[] }[] {
  const parts: { step: StepNumber | null; ops: Op[] }[] = []
  for (const op of ops) {
    const step = stepOf(op)
    const last = parts.at(-1)
    if (last && last.step === step) last.ops.push(op)
    else parts.push({ step, ops: [{ ...op, join: false }] })
  }
  return parts
}
