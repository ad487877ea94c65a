import { release } from 'node:os'

/** Of the kernel that the tests run on: what an older one has otherwise is told by it, and not by trying, which would excuse faults too. */
export function kernelIsOlderThan(major: number, minor: number): boolean {
  const [ours = 0, its = 0] = release().split('.').map(Number)
  return ours < major || (ours === major && its < minor)
}
