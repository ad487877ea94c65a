import type { ChildProcess } from 'node:child_process'
import { EgressError } from '../errors.js'
import { missingCapabilities } from '../exec/capabilities.js'
import { type SpawnInsideOptions, spawnInside } from '../exec/spawn.js'
import type { Kernel } from '../kernel/kernel.js'
import { nativeKernel } from '../kernel/native.js'
import type { NetnsRef } from '../kernel/ops-netns.js'

// NB: loaded at the first call only, and the addon with it: a client that only asks the daemon needs neither.

/** This process in the namespaces of the daemon, by their paths. */
export class Insider {
  #kernel: Kernel | null = null

  /** Throws EGRESSD_MISSING_CAPABILITY. */
  enter(name: string): Kernel {
    // setns(2) into a network namespace.
    const missing = missingCapabilities(['CAP_SYS_ADMIN'])
    if (missing.length > 0) {
      const message = `${name}: to be inside, this process needs ${missing.join(', ')}: run it as root`
      throw new EgressError('EGRESSD_MISSING_CAPABILITY', message, { details: { missing } })
    }
    this.#kernel ??= nativeKernel.open()
    return this.#kernel
  }

  spawn(
    { name, ref, anonymous }: { name: string; ref: NetnsRef; anonymous: boolean },
    command: string,
    args: readonly string[],
    options: SpawnInsideOptions,
  ): Promise<ChildProcess> {
    this.enter(name)
    return spawnInside(ref, command, args, { ...(anonymous ? {} : { etc: name }), ...options })
  }

  async close(): Promise<void> {
    await this.#kernel?.close()
  }
}
