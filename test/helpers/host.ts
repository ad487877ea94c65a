// A private "host" network namespace for one test, with oracles: real tools run inside it.
import { spawnSync } from 'node:child_process'
import type { Kernel } from '../../src/kernel/kernel.js'
import { nativeKernel } from '../../src/kernel/native.js'
import type { Verdict } from '../../src/kernel/ops.js'
import type { NetnsRef } from '../../src/kernel/ops-netns.js'

export interface TestHost extends AsyncDisposable {
  kernel: Kernel
  /** Runs a real tool inside the host (or another namespace) and returns what it printed. Throws where it fails. */
  tool(command: string, args: string[], options?: { netns?: NetnsRef; input?: string }): string
  /** The same, parsed as JSON (`ip -j`, `nft -j`); empty output is an empty array. */
  json<T>(command: string, args: string[], options?: { netns?: NetnsRef }): T
}

export function netnsPath(ref: NetnsRef): string {
  if ('path' in ref) return ref.path
  return 'pid' in ref ? `/proc/${ref.pid}/ns/net` : `/proc/${process.pid}/fd/${ref.fd}`
}

export async function createHost(): Promise<TestHost> {
  const outer = nativeKernel.open()
  const [made] = await outer.run([{ op: 'netns.create', as: 1, hold: true }])
  const fd = value(made).fd as number
  const kernel = nativeKernel.open({ fd })
  await outer.close()
  const tool: TestHost['tool'] = (command, args, options = {}) => {
    const path = netnsPath(options.netns ?? { fd })
    const done = spawnSync('nsenter', [`--net=${path}`, command, ...args], { encoding: 'utf8', input: options.input })
    if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: exit ${done.status}: ${done.stderr}`)
    return done.stdout
  }
  return {
    kernel,
    tool,
    json: (command, args, options) => JSON.parse(tool(command, args, options) || '[]'),
    async [Symbol.asyncDispose]() {
      await kernel.close()
      const { closeSync } = await import('node:fs')
      closeSync(fd)
    },
  }
}

/** The value of a good verdict; throws with the kernel's words otherwise. */
export function value<T>(verdict: Verdict<T>): T {
  if (verdict.ok) return verdict.value
  throw new Error(verdict.skipped ? 'skipped' : `${verdict.fault.op}: ${verdict.fault.errno} ${verdict.fault.message}`)
}

/** All values of a job, or the first fault. */
export function values<V extends readonly Verdict[]>(verdicts: V) {
  return verdicts.map(v => value(v)) as { [I in keyof V]: V[I] extends Verdict<infer T> ? T : never }
}
