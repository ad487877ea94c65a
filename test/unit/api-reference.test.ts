// docs/api has all that is exported. That it says of it what the source says is `scripts/api-reference --check`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** For tests only: they are marked as internal. */
const internal = new Set(['Kernel', 'KernelFactory'])

/** Names of `export { … } from`, as others import them. */
function exportsOf(source: string): string[] {
  const lists = [...source.matchAll(/^export (?:type )?\{([^}]*)\} from/gm)].flatMap(([, names = '']) =>
    names.split(','),
  )
  return lists.map(name => name.trim().replace(/^type /, '')).filter(name => name !== '')
}

test.each([
  ['src/index.ts', 'docs/api/egressd.md', 60],
  ['src/client.ts', 'docs/api/egressd/client.md', 9],
])('what %s exports is in %s, and nothing else', (source, page, least) => {
  const exported = exportsOf(read(source)).filter(name => !internal.has(name))
  expect(exported.length).toBeGreaterThanOrEqual(least)
  const described = [...read(page).matchAll(/^### (\w+)(?:\\?<.*>)?(?:\(\))?$/gm)].map(([, name]) => name)
  expect(described.toSorted()).toEqual(exported.toSorted())
})
