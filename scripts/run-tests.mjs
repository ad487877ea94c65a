// Runs vitest in a sandbox and then the native tests, with a census of what they could leave behind around them, and
// ends with a line of true totals.
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { missingCapabilities } from '../dist/exec/capabilities.js'
import { helperPath } from '../dist/exec/helper.js'
import { runInSandbox } from '../dist/exec/sandbox.js'
import { bundle } from './bundle.mjs'
import { compareCensus, processesWith, takeCensus } from './census.mjs'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const outer = statSync('/proc/self/ns/net')
const temporary = mkdtempSync(join(tmpdir(), 'egressd-tests-'))
const mark = `EGRESSD_TEST_RUN=${randomUUID()}`
const env = {
  ...process.env,
  EGRESSD_TEST_OUTER: `${outer.dev}:${outer.ino}`,
  EGRESSD_TEST_RUN: mark.split('=')[1],
  EGRESSD_TEST_BUNDLE: await bundle(),
  TMPDIR: temporary,
  PATH: `${process.env.PATH}:/usr/sbin:/sbin`, // an ordinary user's may lack them
}
const didNotLoad = file => file.status === 'failed' && file.assertionResults.length === 0
const didNotEnd = test => test.status === 'pending'
const total = { passed: 0, failed: 0, skipped: 0 }
const add = (passed, failed, skipped = 0) => {
  total.passed += passed
  total.failed += failed
  total.skipped += skipped
}

const before = takeCensus()
await runVitest()
for (const name of ['wire_test', 'net_test']) runNativeTest(name)
await compare()
rmSync(temporary, { recursive: true, force: true })
const { passed, failed, skipped } = total
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failed > 0 ? 1 : 0

async function runVitest() {
  const report = join(temporary, 'vitest.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const exit = await runInSandbox(['scripts/vitest-inside.mjs', 'run', ...reporters, ...process.argv.slice(2)], { env })
  if (!existsSync(report)) {
    console.log(`vitest made no report: ${exit.signal ?? `exit ${exit.code}`}`)
    return add(0, 1)
  }
  const files = JSON.parse(readFileSync(report, 'utf8')).testResults
  rmSync(report)
  const count = status => files.flatMap(file => file.assertionResults).filter(one => one.status === status).length
  // `pending`: the worker died before the test was over.
  const broken = [...files.filter(didNotLoad), ...files.flatMap(file => file.assertionResults.filter(didNotEnd))]
  for (const { name, title, message } of broken) console.log(`${name ?? title}: ${message ?? 'did not end'}`)
  // A fault outside of all tests is in the exit status alone.
  const failed = count('failed') + broken.length || (exit.code === 0 ? 0 : 1)
  add(count('passed'), failed, count('skipped') + count('todo'))
  const byName = process.argv.some(argument => /^(-t|--testNamePattern)/.test(argument))
  if (!byName || count('passed') + failed > 0) return
  console.log('no test ran: none has such a name')
  add(0, 1)
}

function runNativeTest(name) {
  // In a sandbox too: some make links, in namespaces of their own.
  const flags = missingCapabilities(['CAP_SYS_ADMIN', 'CAP_NET_ADMIN']).length === 0 ? [] : ['--map-root']
  const command = ['sandbox', ...flags, '--', join(dirname(helperPath()), name)]
  const done = spawnSync(helperPath(), command, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 300_000,
  })
  const { status, signal } = done
  const stdout = done.stdout || `${done.error?.code}\n`
  process.stdout.write(`${name}: ${stdout}`)
  const [, passed, failed] = /(\d+) passed, (\d+) failed$/m.exec(stdout) ?? [0, 0, 0]
  if (signal) console.log(`${name}: ${signal}`)
  add(Number(passed), status === 0 ? Number(failed) : Math.max(1, Number(failed)))
}

async function compare() {
  // Workers that are on their way out get half a minute: only what stays is left behind.
  let processes = processesWith(mark)
  for (let tries = 0; tries < 300 && processes.length > 0; tries++) {
    await sleep(100)
    processes = processesWith(mark)
  }
  const left = [
    ...compareCensus(before, takeCensus()),
    ...processes.map(({ pid, command }) => `process: ${pid} ${command}`),
    ...readdirSync(temporary).map(name => `temporary file: ${name}`),
  ]
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended meanwhile.
    }
  }
  console.log(left.length === 0 ? 'census: nothing was left behind' : 'census: the tests changed the world outside:')
  for (const line of left) console.log(`  ${line}`)
  add(left.length === 0 ? 1 : 0, left.length === 0 ? 0 : 1)
}
