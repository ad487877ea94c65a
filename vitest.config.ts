import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Folders whose files take longest; these begin first, so that no processor waits for one of them at the end. */
const long = ['/test/systemd/', '/test/stress/', '/test/soak/', '/test/library/', '/test/demo/', '/test/cli/']

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const place = long.findIndex(folder => moduleId.includes(folder))
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
    // A third of the time they wait for what does not come.
    maxWorkers: Math.max(2, Math.ceil(1.5 * availableParallelism())),
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    retry: 0,
  },
})
