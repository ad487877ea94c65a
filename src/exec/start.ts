import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { helperPath } from './helper.js'
import { type HelperReport, parseReports } from './status.js'

export interface Started {
  child: ChildProcess
  /** What could not be done but did not hinder the command. */
  notes: HelperReport[]
}

/** Why a command was not executed: the helper could not be started (or was aborted), or said what failed. */
export class NotStarted extends Error {
  constructor(
    readonly reason: { cause: Error } | { report: HelperReport },
    readonly notes: HelperReport[] = [],
  ) {
    super('the command was not executed')
  }
}

/** Command line of the helper, once it is known which descriptors are whose. `lent` is the number of the lent one. */
export type HelperLine = (common: string[], lent: number) => string[]

/**
 * Starts `egressd-exec` and resolves once it has executed its command, of which the child is then the process.
 * `lend` is a descriptor for the helper alone. Throws {@link NotStarted}.
 *
 * The child has not emitted anything when this resolves, nor does it before the next turn of the event loop: a command
 * may be over before its caller can listen.
 */
export async function startHelper(line: HelperLine, options: SpawnOptions, lend?: number): Promise<Started> {
  const own = ownStdio(options.stdio)
  const common = ['--status-fd', String(own.length + 1), '--keep-fds', String(own.length)]
  const child = spawn(helperPath(), line(common, own.length), {
    ...options,
    stdio: [...own, lend ?? 'ignore', 'pipe'],
  })
  const events = holdEvents(child)
  // NB: without a descriptor to spare (EMFILE), Node leaves no streams at all.
  const streams = [...(child.stdio ?? [])]
  if (child.stdio) (child.stdio as unknown[]).length = own.length
  try {
    // An error event here is a helper that could not be started, or an abort.
    if (child.pid === undefined) await events.error
    const text = await Promise.race([readAll(streams[own.length + 1] as Readable), events.error])
    const reports = parseReports(text)
    const notes = reports.filter(({ kind }) => kind === 'note')
    const report = reports.find(({ kind }) => kind === 'fail')
    if (report) throw new NotStarted({ report }, notes)
    events.release()
    return { child, notes }
  } catch (failure) {
    for (const stream of streams) stream?.destroy() // what else the child emits stays held: nobody has it
    throw failure instanceof NotStarted ? failure : new NotStarted({ cause: failure as Error })
  }
}

type StdioEntry = Exclude<SpawnOptions['stdio'], string | undefined>[number]

/** One entry a descriptor, at least three, as Node reads the option. */
function ownStdio(stdio: SpawnOptions['stdio']): StdioEntry[] {
  const entries = Array.isArray(stdio) ? [...stdio] : [stdio, stdio, stdio]
  while (entries.length < 3) entries.push(undefined)
  return entries
}

async function readAll(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}

const heldEvents = new Set<string | symbol>(['spawn', 'error', 'exit', 'close', 'message', 'disconnect'])

function holdEvents(child: ChildProcess): { error: Promise<never>; release(): void } {
  const held: Parameters<ChildProcess['emit']>[] = []
  const error = new Promise<never>((_resolve, reject) => {
    child.emit = (...event: unknown[]) => {
      if (!heldEvents.has(event[0] as string)) return emit(...event)
      held.push(event as Parameters<ChildProcess['emit']>)
      if (event[0] === 'error') reject(event[1])
      return true
    }
  })
  const emit = (...event: unknown[]) =>
    Object.getPrototypeOf(child).emit.apply(child, event as Parameters<ChildProcess['emit']>)
  error.catch(() => {})
  return {
    error,
    release: () =>
      setImmediate(() => {
        delete (child as Partial<ChildProcess>).emit
        for (const event of held) process.nextTick(() => child.emit(...event))
      }),
  }
}
