import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes longest, by a part of the path; these begin first, so that no processor waits for one of them at the end. */
const long = [
  '/test/stress/kill', // a minute and a half
  '/test/stress/errors',
  '/test/systemd/deb',
  '/test/systemd/least',
  '/test/demo/', // half a minute
  '/test/systemd/',
  '/test/stress/',
  '/test/cli/',
  '/test/library/',
  '/test/daemon/',
  '/test/security/',
  '/test/soak/',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const place = long.findIndex(path => moduleId.includes(path))
      return place < 0 ? long.length : place
    }
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/helpers/guard.ts'],
    pool: 'forks',
    isolate: true,
    // Half of the time they wait for what does not come.
    maxWorkers: Math.max(2, 2 * availableParallelism()),
    sequence: { sequencer: LongestFirst },
    testTimeout: 120_000, // a second of an idle machine may be ten of a busy one
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } }, // a second, by default
    retry: 0,
  },
})
