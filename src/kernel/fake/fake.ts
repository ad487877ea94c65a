import { EgressError } from '../../errors.js'
import type { Echo, Kernel, KernelFactory, PingOptions, PreparedNetns } from '../kernel.js'
import type { KernelFault, Op, OpName, Verdict, Verdicts } from '../ops.js'
import type { NetnsIdentity, NetnsRef } from '../ops-netns.js'
import type { KernelBatch, KernelWatch } from '../watch.js'
import { census } from './census.js'
import { Files, identityOf } from './files.js'
import { handlers } from './handlers.js'
import { reach } from './reach.js'
import { type Errno, Refusal } from './refusal.js'
import { Watches } from './watches.js'
import { type FakeNetns, findLink } from './world.js'

/** One operation that was run, and how it ended. */
export interface FakeLogEntry {
  op: Op
  /** null: well. */
  errno: Errno | null
}

export interface FakeFault {
  /** Which operation fails, counted from now, from 1. It has no effect. */
  nth: number
  errno: Errno
  message?: string
  /** Counts only these; default all. */
  only?: 'writes' | OpName
}

export interface FakeOptions {
  /** Features that this kernel lacks: its operations are refused as they would be. */
  without?: ('nft' | 'xt')[]
}

const readers =
  /^(netns\.open|sysctl\.get|socket\.open|nft\.generation|procnet\.read|netns\.processes|link\.features|netlink\.dump|.*\.(list|get|index))$/
/** rtnetlink requests with one verdict: those that may be joined (native/js/steps-*.cc, RequestStep). */
const joinable = /^(link|address|route|neighbour)\.(add|set|delete|get|index)$/

/** An in-memory kernel: namespaces, links, addresses, routes, neighbours, rules. One machine, any number of doors. */
export class FakeMachine implements KernelFactory {
  readonly files = new Files()
  readonly watches = new Watches()
  readonly log: FakeLogEntry[] = []
  /** Operations so far that change something when they go well; and the others. */
  writes = 0
  reads = 0
  readonly without: readonly string[]
  readonly #faults: FakeFault[] = []
  readonly #doors = new Set<FakeKernel>()

  constructor({ without = [] }: FakeOptions = {}) {
    this.without = without
  }

  open(host?: NetnsRef): Kernel {
    const door = new FakeKernel(this, host ? this.files.find(host) : this.files.first, () => this.#doors.delete(door))
    this.#doors.add(door)
    return door
  }

  /** Makes an operation to come fail. Several may be told. */
  fail(fault: FakeFault): void {
    this.#faults.push({ ...fault })
  }

  /** Everything there is, a line each: see census.ts. */
  census(): string[] {
    return census(this.files)
  }

  /** As if it had happened by another process's doing: the watches of that host are told. */
  tell(batch: KernelBatch, host: NetnsRef | null = null): void {
    this.watches.tell(host ? this.files.find(host) : this.files.first, batch)
  }

  closeFd(fd: number): void {
    this.files.close(fd)
    this.reap()
  }

  reap(busy: Iterable<FakeNetns> = []): void {
    this.files.reap([...busy, ...[...this.#doors].map(door => door.netns)])
  }

  /** Runs one operation: counts it, writes it down. */
  execute(op: Op, run: () => unknown): Verdict {
    const write = !readers.test(op.op)
    if (write) this.writes++
    else this.reads++
    try {
      this.#provoke(op.op, write)
      const value = run()
      this.log.push({ op, errno: null })
      return { ok: true, value }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.log.push({ op, errno: error.errno })
      return { ok: false, skipped: false, fault: error.fault(op.op) }
    }
  }

  #provoke(name: OpName, write: boolean): void {
    const counted = this.#faults.filter(
      ({ only }) => only === undefined || only === name || (only === 'writes' && write),
    )
    for (const fault of counted) fault.nth--
    const due = counted.find(fault => fault.nth === 0)
    if (due) throw new Refusal(due.errno, due.message)
    if (this.without.some(feature => name.startsWith(`${feature}.`)))
      throw name.startsWith('nft.') ? new Refusal('EINVAL') : new Refusal('ENOENT', 'the kernel has no xtables')
  }
}

class FakeKernel implements Kernel {
  readonly host: NetnsIdentity
  readonly hostFd: number
  #closed = false

  constructor(
    readonly machine: FakeMachine,
    readonly netns: FakeNetns,
    readonly forget: () => void,
  ) {
    this.host = identityOf(netns)
    this.hostFd = machine.files.open(netns)
  }

  async run<const J extends readonly Op[]>(ops: J): Promise<Verdicts<J>> {
    this.#check(ops)
    // Later than the call, as from another thread.
    await Promise.resolve()
    return this.#job(ops) as Verdicts<J>
  }

  async runAll(jobs: readonly (readonly Op[])[]): Promise<Verdict[][]> {
    for (const ops of jobs) this.#check(ops)
    await Promise.resolve()
    return jobs.map(ops => this.#job(ops))
  }

  // Nothing takes time here: a namespace is made when its job is run.
  prepare(): PreparedNetns {
    return 0 as PreparedNetns
  }

  prepareNext(): PreparedNetns {
    return 0 as PreparedNetns
  }

  forgo(): void {}

  #job(ops: readonly Op[]): Verdict[] {
    const slots = new Map<number, FakeNetns>()
    const verdicts: Verdict[] = ops.map(() => ({ ok: false, skipped: true }))
    for (let first = 0, end = 0; first < ops.length; first = end) {
      end = groupEnd(ops, first)
      for (let i = first; i < end; i++) verdicts[i] = this.#one(ops[i] as Op, slots)
      if (verdicts.slice(first, end).some(verdict => !verdict.ok)) break
    }
    this.machine.reap()
    return verdicts
  }

  async ping(options: PingOptions, netns?: NetnsRef, signal?: AbortSignal): Promise<Echo[]> {
    this.#check([])
    signal?.throwIfAborted()
    const from = netns ? this.machine.files.find(netns) : this.netns
    const { target, count = 1, ttl = 64 } = options
    const outcome = reach(from, target)
    return Array.from({ length: count }, (_, i) => {
      const lost = { sequence: i + 1, from: null, milliseconds: null, ttl: null, errno: null }
      if (outcome === 'reply') return { ...lost, from: target, result: 'reply', milliseconds: 0.05, ttl }
      return outcome === 'timeout'
        ? { ...lost, result: 'timeout' }
        : { ...lost, result: 'send-failed', errno: 'ENETUNREACH' }
    })
  }

  watch(listener: (batch: KernelBatch) => void): KernelWatch {
    this.#check([])
    return this.machine.watches.open(this, this.netns, listener)
  }

  pinFd(fd: number, path: string): KernelFault | null {
    const { files } = this.machine
    try {
      files.pin(path, files.find({ fd }))
      return null
    } catch (error) {
      if (error instanceof Refusal) return error.fault('netns.pin')
      throw error
    }
  }

  closeFd(fd: number): void {
    this.machine.closeFd(fd)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.machine.watches.closeOf(this)
    this.forget()
    this.machine.closeFd(this.hostFd)
  }

  #check(ops: readonly Op[]): void {
    if (this.#closed) throw new EgressError('EGRESSD_CLOSED', 'the kernel door is closed')
    ops.forEach(({ op }, i) => {
      if (!(op in handlers))
        throw new EgressError('EGRESSD_INVALID_OPERATION', `ops[${i}].op: no operation is called "${op}"`)
    })
  }

  #one(op: Op, slots: Map<number, FakeNetns>): Verdict {
    const netns = (slot: number) => {
      const found = slot === 0 ? this.netns : slots.get(slot)
      if (!found) throw new Refusal('ENOENT', 'no namespace was given this slot')
      return found
    }
    const assign = (slot: number, one: FakeNetns) => {
      if (slot < 1 || slot > 65_536) throw new Refusal('EINVAL', 'slots are 1 to 65536; 0 is the host')
      if (slots.has(slot)) throw new Refusal('EEXIST', 'the slot is taken')
      slots.set(slot, one)
    }
    const handle = handlers[op.op] as (at: FakeNetns, fields: unknown, job: unknown) => unknown
    return this.machine.execute(op, () => {
      const at = netns(op.in ?? 0)
      const link = 'link' in op && op.link !== undefined ? { index: findLink(at, { name: op.link }).index } : {}
      return handle(at, { ...op, ...link }, { netns, assign, files: this.machine.files })
    })
  }
}

// As GroupEnd() in native/js/job.cc has it: joined requests are run together, also behind one that fails.
function groupEnd(ops: readonly Op[], first: number): number {
  let end = first + 1
  const joins = (op: Op | undefined) =>
    op?.join === true && joinable.test(op.op) && (op.in ?? 0) === (ops[first]?.in ?? 0)
  if (joinable.test(ops[first]?.op ?? '')) while (joins(ops[end])) end++
  return end
}
