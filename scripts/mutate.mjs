import { readFileSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runInSandbox } from '../dist/exec/sandbox.js'
import { Asker } from './mutants/asker.mjs'
import { accepted, groups } from './mutants/groups.mjs'
import { mutantsOf } from './mutants/mutants.mjs'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const { values, positionals } = parseArgs({
  options: { every: { type: 'string', default: '1' }, inside: { type: 'boolean' }, jobs: { type: 'string' } },
  allowPositionals: true,
})
if (values.inside) process.exitCode = await inside()
else {
  const outer = statSync('/proc/self/ns/net')
  const env = { ...process.env, EGRESSD_TEST_OUTER: `${outer.dev}:${outer.ino}`, NO_COLOR: '1' }
  const { code } = await runInSandbox([fileURLToPath(import.meta.url), '--inside', ...process.argv.slice(2)], { env })
  process.exitCode = code ?? 1
}

async function inside() {
  const every = Number(values.every)
  const all = groups.flatMap(({ files, tests }) =>
    files.flatMap(file => mutantsOf(file, readFileSync(file, 'utf8')).map(mutant => ({ ...mutant, tests }))),
  )
  const wanted = all.filter(({ file }) => positionals.length === 0 || positionals.includes(file))
  const chosen = wanted.filter((_, i) => i % every === 0 || every === 1)
  const first = new Asker()
  for (const tests of new Set(chosen.map(({ tests }) => tests)))
    if (!(await first.pass(tests, null))) {
      first.end()
      return fault(`${tests.join(' ')}: fail without any change`)
    }
  const queue = [...chosen]
  const survivors = []
  let excused = 0
  const work = async asker => {
    for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
      if (accepted.some(one => one.file === mutant.file && mutant.line.includes(one.line) && mutant.does === one.does))
        excused++
      else if (await asker.pass(mutant.tests, mutant)) {
        survivors.push(mutant)
        console.log(`survived: ${mutant.file}:${mutant.number}: ${mutant.does}\n    ${mutant.line.trim()}`)
      }
    }
    asker.end()
  }
  const more = Array.from({ length: Number(values.jobs ?? availableParallelism()) - 1 }, () => new Asker())
  const askers = [first, ...more]
  await Promise.all(askers.map(work))
  const tried = chosen.length - excused
  console.log(
    `${tried - survivors.length} of ${tried} mutants were killed (${askers.reduce((sum, { silent }) => sum + silent, 0)} never ended), ${excused} change nothing; ${all.length} in all`,
  )
  return survivors.length === 0 ? 0 : 1
}

function fault(message) {
  console.log(message)
  return 1
}
