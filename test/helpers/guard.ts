// Runs before every test file: the tests must be inside the sandbox that scripts/run-tests makes, never in the network
// namespace they were started from. It says so in EGRESSD_TEST_OUTER, as "device:inode".
import { statSync } from 'node:fs'

const { dev, ino } = statSync('/proc/self/ns/net')
if (!process.env.EGRESSD_TEST_OUTER) throw new Error('run the tests with `npm test`: they need a sandbox of their own')
if (process.env.EGRESSD_TEST_OUTER === `${dev}:${ino}`)
  throw new Error('these tests would change the network namespace they were started in')

// Files run side by side, each in namespaces of its own; the lock of xtables is one for all of a machine.
process.env.XTABLES_LOCKFILE = `/run/worker-${process.env.VITEST_POOL_ID}.xtables.lock`
