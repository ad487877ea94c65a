// SECURITY.md names a test for each thing that is tried: there must be such a test.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const text = readFileSync(join(root, 'SECURITY.md'), 'utf8')
const rows = text.split('\n').filter(line => line.startsWith('| ') && !line.endsWith('| test |'))
/** What stands behind `file`: up to the next one, or the end of the cell. */
const named = (row: string) =>
  [...row.matchAll(/`(test\/[\w./-]+\.test\.ts)`: ([^|`]+?)(?=; `| \|)/g)].map(([, file = '', title = '']) => ({
    file,
    title,
  }))

/** Names of tests and of those that they are gathered under, as they are written: a call with a string and a function. */
function titlesOf(file: string): string[] {
  const source = readFileSync(join(root, file), 'utf8')
  const quoted = /\(\s*(['"])((?:\\.|(?!\1)[^\\\n])+)\1,\s*(?:async\s*)?(?:\w+|\([^()]*\))\s*=>/g
  return [...source.matchAll(quoted)].map(([, , title = '']) => title)
}

test('every line of SECURITY.md names tests that there are', () => {
  expect(rows.length).toBeGreaterThan(60)
  const wrong = rows.flatMap(row => {
    const tests = named(row)
    if (tests.length === 0) return [`no test: ${row}`]
    return tests
      .filter(({ file, title }) => !existsSync(join(root, file)) || !titlesOf(file).some(one => one.includes(title)))
      .map(({ file, title }) => `${file}: ${title}`)
  })
  expect(wrong).toEqual([])
})

test('every test of test/security is named', () => {
  const cited = rows.flatMap(named)
  const folder = 'test/security'
  const files = readdirSync(join(root, folder)).map(name => `${folder}/${name}`)
  const forgotten = files.flatMap(file =>
    titlesOf(file)
      .filter(title => !/^%s, %s$|^%s$/.test(title))
      .filter(title => !cited.some(one => one.file === file && title.includes(one.title)))
      .map(title => `${file}: ${title}`),
  )
  expect(forgotten).toEqual([])
})
