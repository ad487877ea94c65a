// What the pages say of each other and of the code: links lead somewhere, and codes are there.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { errorCodes } from '../../src/errors.js'

const root = join(import.meta.dirname, '../..')
const markdown = (folder: string, recursive = false): string[] =>
  readdirSync(join(root, folder), { recursive, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => join(root, folder, name))
const pages = [...markdown('.'), ...markdown('docs', true)]
const read = (path: string) => readFileSync(path, 'utf8')
const proseOf = (text: string) => text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '')
const slug = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-')

/** As GitHub makes them: one that is there already gets a number. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set([...text.matchAll(/<a id="([^"]+)"/g)].map(([, id]) => id as string))
  for (const [, heading = ''] of text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#{1,6} (.+)$/gm)) {
    const base = slug(heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/\\/g, ''))
    let anchor = base
    for (let n = 1; anchors.has(anchor); n++) anchor = `${base}-${n}`
    anchors.add(anchor)
  }
  return anchors
}

describe('links', () => {
  test.each(pages.map(page => [relative(root, page), page]))('of %s lead to something', (_name, page) => {
    const broken = [...proseOf(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
      if (/^[a-z]+:/.test(link)) return []
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? page : join(dirname(page), path)
      if (!existsSync(target)) return [link]
      return anchor === undefined || anchorsOf(read(target)).has(anchor) ? [] : [link]
    })
    expect(broken).toEqual([])
  })
})

describe('error codes', () => {
  // Tables of codes, and what only looks at those that others throw.
  const tables =
    /^src\/(errors|cli\/manual\/causes|cli\/command\/(status|print-error)|daemon\/(problem|metrics-operations))\.ts$/
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map(name => join('src', name))
    .filter(name => name.endsWith('.ts') && !tables.test(name))
    .flatMap(name => read(join(root, name)).split('\n'))
    .filter(line => !/^\s*(\*|\/\/|\/\*)|errors: \[|[!=]== 'EGRESSD|\.includes\(/.test(line))
    .flatMap(line => line.match(/(?<=')EGRESSD_[A-Z_]+(?=')/g) ?? [])

  test.each(Object.keys(errorCodes))('%s is thrown somewhere, and documented', code => {
    expect(sources.includes(code)).toBe(true)
    expect(read(join(root, 'docs/errors.md'))).toMatch(
      new RegExp(`^## ${code}\\n\\n.+\\n\\n\\*\\*What to do:\\*\\* .+`, 'm'),
    )
  })

  // What is set from outside, and prefixes as in `EGRESSD_INVALID_…`.
  const others =
    /^EGRESSD_(SOCKET|STATE_DIR|NAMESPACE|SWEEP_POINTS|LOAD_SECONDS|EXEC|ADDON|FUZZ_RUNS|BOUNDARY_SEED|RELEASE)$/
  test.each(pages.map(page => [relative(root, page), page]))('of %s exist', (_name, page) => {
    const named = [...read(page).matchAll(/EGRESSD_[A-Z_]+\b(?!=)…?/g)].map(([word]) => word)
    expect(named.filter(word => !word.endsWith('…') && !(word in errorCodes) && !others.test(word))).toEqual([])
  })
})
