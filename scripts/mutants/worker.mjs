// Is sent `{ mutant, tests }`, and answers whether these tests pass with that change. NB: nothing on disk is changed: whatever becomes
// of this process, the sources are as they were.
import { fileURLToPath } from 'node:url'
import { createVitest } from 'vitest/node'

const root = fileURLToPath(new URL('../..', import.meta.url))
let current = null

const plugin = {
  name: 'mutant',
  enforce: 'pre',
  transform(code, id) {
    if (!current || id.split('?')[0] !== root + current.file) return null
    const { at, from, to, file } = current
    if (code.slice(at, at + from.length) !== from) throw new Error(`${file} is not as it was`)
    return { code: code.slice(0, at) + to + code.slice(at + from.length), map: null }
  },
}

const options = {
  watch: false,
  config: `${root}vitest.config.ts`,
  root,
  bail: 1,
  reporters: [{}],
  pool: 'threads',
  maxWorkers: 1,
}
const vitest = await createVitest('test', options, { plugins: [plugin] })
await vitest.standalone()

process.on('message', async ({ mutant, tests }) => {
  for (const { file } of [current, mutant].filter(one => one !== null)) vitest.invalidateFile(root + file)
  current = mutant
  // One file after the other, as they are listed: most changes are noticed by the first.
  let ok = true
  for (const test of tests) {
    const specification = vitest.getRootProject().createSpecification(root + test)
    const { testModules, unhandledErrors } = await vitest.runTestSpecifications([specification], true)
    // NB: it has those of earlier runs, too.
    const own = testModules.filter(({ moduleId }) => moduleId === root + test)
    ok = own.length === 1 && own[0].ok() && unhandledErrors.length === 0
    if (!ok) break
  }
  process.send({ ok })
})
process.send({ ready: true })
