import { release } from 'node:os'
import { Probe } from '../apply/probe.js'
import { Egress } from '../egress.js'
import { EgressError, faultMessage, isEgressError } from '../errors.js'
import type { Echo } from '../kernel/kernel.js'
import { nativeKernel } from '../kernel/native.js'
import type { Namespace } from '../namespace.js'
import type { Network } from '../network.js'
import { Readback } from './readback.js'
import type { Audience, DemoReport, StepReport } from './report.js'
import { type Family, names, plan, type StepNumber, stepsFor } from './steps.js'
import { Stopwatch } from './stopwatch.js'
import { uplink } from './topology.js'
import type { World } from './world.js'

export interface DemoOptions {
  firewall: 'auto' | 'nftables' | 'xtables'
  ipv6: boolean
  keep: boolean
  /** Steps that are under way are finished; then all is removed, and `run` rejects with its reason. */
  signal: AbortSignal
}

const echoes = { count: 3, intervalMs: 100, timeoutMs: 1000 }

/** Does the reference job in a world, and removes it again. Never throws but for the signal's reason: see `report.error`. */
export async function runDemo(world: World, options: DemoOptions, audience: Audience): Promise<DemoReport> {
  const demo = new Demo(world, options, audience)
  try {
    await demo.do()
  } catch (error) {
    demo.fail(error)
  }
  await demo.undo()
  audience.end(demo.report)
  options.signal.throwIfAborted()
  return demo.report
}

class Demo {
  readonly report: DemoReport
  readonly #stopwatch = new Stopwatch(nativeKernel)
  readonly #families: Family[]
  #steps = stepsFor([4], 'nftables')
  #readback: Readback | null = null
  #egress: Egress | null = null
  #network: Network | null = null
  #namespace: Namespace | null = null

  constructor(
    private readonly world: World,
    private readonly options: DemoOptions,
    private readonly audience: Audience,
  ) {
    this.#families = options.ipv6 ? [4, 6] : [4]
    this.report = {
      ok: false,
      sandbox: world.sandbox,
      kept: false,
      backend: null,
      kernel: release(),
      steps: [],
      mistake: null,
      total: null,
      calls: null,
      removed: false,
      removal: null,
      afterwards: [],
      forwardingLeftOn: [],
      hints: [],
      error: null,
    }
  }

  async do(): Promise<void> {
    const { world, report, audience, options } = this
    const { kernel } = world
    const { backend } = await new Probe(kernel).backend(options.firewall)
    report.backend = backend
    this.#steps = stepsFor(this.#families, backend)
    const egress = await Egress.open({ ...world.options, kernel: this.#stopwatch, firewall: backend })
    this.#egress = egress
    await world.refuseTaken(egress)
    audience.begin(report)
    const readback = new Readback(kernel, backend, this.#families, world.pin)
    this.#readback = readback
    options.signal.throwIfAborted()

    const begun = performance.now()
    const subnets = this.#families.map(family => plan[family].subnet)
    const network = await egress.network({ name: names.network, subnets })
    this.#network = network
    const made = performance.now()
    options.signal.throwIfAborted()
    const namespace = await network.create({
      name: names.namespace,
      interface: names.interface,
      hostInterface: names.hostInterface,
      addresses: this.#families.map(family => plan[family].address),
    })
    this.#namespace = namespace
    report.calls = { network: made - begun, create: performance.now() - made }
    this.#stopwatch.stop()

    const inside = await readback.inside()
    await this.#tell(1, [`${names.namespace} is pinned at ${namespace.path}`])
    await this.#tell(2, [await readback.bridge()])
    await this.#tell(3, [await readback.cable()])
    await this.#tell(4, [inside.address])
    await this.#mistake()
    await this.#tell(5, [inside.route])
    await this.#ping(6, family => plan[family].gateway)
    await this.#tell(7, await readback.firewall())
    await this.#ping(8, family => uplink[family].public)
    report.total = performance.now() - begun
    report.ok = true
  }

  fail(error: unknown): void {
    this.#stopwatch.stop()
    this.report.ok = false
    this.report.error = isEgressError(error)
      ? (error as EgressError).toJSON()
      : { message: error instanceof Error ? error.message : String(error) }
    const { failed } = this.#stopwatch
    if (failed && !this.report.steps.some(({ step }) => step === failed)) this.#add(failed, false, [])
  }

  /** Removes what was made; what was asked to be kept stays, if all went well. */
  async undo(): Promise<void> {
    const { world, report, options } = this
    if (report.ok && options.keep && !options.signal.aborted) {
      report.kept = true
      report.hints = world.hints
      await this.#egress?.close()
      return
    }
    const begun = performance.now()
    try {
      const forwarding = await world.remove(this.#egress, this.#network, this.#namespace)
      if (!world.sandbox) report.forwardingLeftOn = forwarding
      report.removal = performance.now() - begun
      const left = (await this.#readback?.left()) ?? []
      report.removed = left.length === 0
      report.afterwards = left.length > 0 || !this.#readback ? left : [await this.#readback.standing()]
      if (left.length > 0) report.ok = false
    } catch (error) {
      if (!report.error) this.fail(error)
      report.ok = false
      report.afterwards = [error instanceof Error ? error.message : String(error)]
    }
  }

  async #tell(step: StepNumber, details: string[]): Promise<void> {
    this.#add(step, true, details)
    // A signal is seen between two turns of the event loop.
    await new Promise(setImmediate)
    this.options.signal.throwIfAborted()
  }

  #add(step: StepNumber, ok: boolean, details: string[], more: Partial<StepReport> = {}): void {
    const milliseconds = this.#stopwatch.of(step) ?? 0
    const told = { step, ...this.#steps[step], ok, milliseconds, details, ...more }
    this.report.steps.push(told)
    this.audience.step(told)
  }

  /** What most people try first. `ip addr add` looks the interface up by its name, and so does this. */
  async #mistake(): Promise<void> {
    const { interface: ceth0, namespace: ns0 } = names
    const [verdict] = await this.world.kernel.run([{ op: 'link.get', name: ceth0 }])
    if (verdict.ok || verdict.skipped) return
    const mistake = {
      command: `ip addr add ${plan[4].address}/${plan[4].prefix} dev ${ceth0}`,
      refusal: faultMessage(verdict.fault, ceth0),
      why: `outside of ${ns0} there is no ${ceth0}: it gets its address inside, where it lives`,
    }
    this.report.mistake = mistake
    this.audience.mistake(mistake)
  }

  async #ping(step: 6 | 8, targetOf: (family: Family) => string): Promise<void> {
    const begun = performance.now()
    const results: { target: string; echoes: Echo[]; proof: string | null }[] = []
    for (const family of this.#families) {
      const target = targetOf(family)
      const answers = (await this.#namespace?.ping(target, { ...echoes, signal: this.options.signal })) ?? []
      const proof = step === 8 ? await this.#readback?.translation(family, plan[family].address) : null
      results.push({ target, echoes: answers, proof: proof ?? null })
    }
    const silent = results.filter(result => !result.echoes.some(({ result }) => result === 'reply'))
    const details = results.flatMap(({ target, echoes, proof }) => [
      echoLine(target, echoes),
      ...(proof ? [proof] : []),
    ])
    for (const { target } of step === 8 ? silent : []) details.push(await this.#fromHost(target))
    this.#add(step, silent.length === 0, details, {
      milliseconds: performance.now() - begun,
      echoes: results.map(({ target, echoes }) => ({ target, milliseconds: echoes.map(echo => echo.milliseconds) })),
    })
    const [first] = silent
    if (first) {
      const message = `step ${step}: no answer from ${first.target}: ${first.echoes.map(({ result }) => result).join(', ')}`
      throw new EgressError('EGRESSD_TIMEOUT', message, { details: { target: first.target } })
    }
    await new Promise(setImmediate)
    this.options.signal.throwIfAborted()
  }

  async #fromHost(target: string): Promise<string> {
    const [echo] = await this.world.kernel.ping({ target, timeoutMs: 1000 }, undefined, this.options.signal)
    return echo?.result === 'reply'
      ? `the host itself reaches ${target}: something between the bridge and the uplink drops it`
      : `the host itself gets no answer from ${target} either (${echo?.result}): it has no way there`
  }
}

function echoLine(target: string, answers: readonly Echo[]): string {
  const replies = answers.filter(({ result }) => result === 'reply')
  const times = replies.map(({ milliseconds }) => (milliseconds ?? 0).toFixed(3)).join(' ')
  const others = answers.filter(({ result }) => result !== 'reply').map(({ result }) => result)
  const ttl = replies[0] ? `, ttl ${replies[0].ttl}` : ''
  const said = others.length > 0 ? ` (${others.join(', ')})` : ''
  return `${target}: ${replies.length} of ${answers.length} echoes answered${said}${times && `, ${times} ms`}${ttl}`
}
