// The two threads that run jobs of this process.
import { readdirSync, readlinkSync } from 'node:fs'
import { expect, vi } from 'vitest'

/**
 * Resolves once both of them have begun: each keeps the process's own namespace open from then on, and the second may begin long
 * after the first has done all the jobs there were. Whoever counts descriptors waits for it, with no door open to that namespace.
 */
export async function bothThreads(): Promise<void> {
  const own = readlinkSync('/proc/self/ns/net')
  const homes = () =>
    readdirSync('/proc/self/fd').filter(fd => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === own
      } catch {
        return false // closed meanwhile
      }
    }).length
  await vi.waitFor(() => expect(homes()).toBeGreaterThanOrEqual(2), { timeout: 30_000 })
}
