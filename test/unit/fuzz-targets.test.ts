// The fuzzer's one list (native/fuzz/targets.cc) against the headers: no reader of others' bytes without a target.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readTree } from '../helpers/imports.js'

const root = join(import.meta.dirname, '../..')
const native = readTree(join(root, 'native'), ['.h', '.cc'])

/** Functions that take bytes and read nothing that others wrote. */
const others = {
  Reader: 'the tool of all readers',
  TakeHeader: 'the same',
  Load: 'the same; its callers check',
  Raw: 'writes',
  Attribute: 'writes',
  BuildEcho: 'writes',
  IpFromBytes: 'looks at the length alone, for all readers',
  FormatMac: 'makes text of what is read',
}

const withoutComments = (text: string) => text.replace(/\/\/.*$/gm, '')

/** Names of the functions of a header that take bytes, or what holds some: an attribute, a message, an entry of xtables. */
function readersOf(header: string): string[] {
  const declarations = withoutComments(header).matchAll(/\b(\w+)\s*\(([^()]*)\)/g)
  return [...declarations]
    .filter(([, , taken]) => /\bView\b|\b(?:Reader\*|(?:Frame|Entry|Chain|Extension)&)/.test(taken ?? ''))
    .map(([, name]) => name ?? '')
}

const text = (file: string) => native.get(file) ?? ''
const rows = [
  ...text('fuzz/targets.cc').matchAll(/\{"([\w-]+)",\s*"([^"]*)",\s*Seed::\w+,\s*"([^"]*)",\s*(\w+)\}/g),
].map(([, name = '', prefixes = '', readers = '', run = '']) => ({
  name,
  prefixes: prefixes.split(' '),
  readers: readers.split(' '),
  run,
}))
// What of net takes bytes from the kernel and can do without a socket.
const headers = [...native.keys()].filter(file => /^wire\/.*\.h$/.test(file) || file === 'net/relevance.h')

test('every reader has a target', () => {
  const readers = new Set(headers.flatMap(file => readersOf(text(file))))
  for (const name of Object.keys(others))
    expect(readers.delete(name), `${name} is a function that takes bytes`).toBe(true)
  expect(readers.size).toBeGreaterThan(25)
  expect([...new Set(rows.flatMap(row => row.readers))].sort()).toEqual([...readers].filter(isPublic).sort())
})

// Of a class, what its users do not call.
function isPublic(name: string): boolean {
  const hidden = text('net/relevance.h').split(' private:')[1] ?? ''
  return !readersOf(hidden).includes(name)
}

test('every target calls the readers that it says it does', () => {
  const code = withoutComments(
    [...native]
      .filter(([file]) => /^fuzz\/.*\.cc$/.test(file))
      .map(([, text]) => text)
      .join(''),
  )
  for (const { run, readers } of rows) {
    expect(code).toMatch(new RegExp(`^void ${run}\\(`, 'm'))
    for (const reader of readers) expect(code, reader).toMatch(new RegExp(`(?:::|->|\\.)${reader}\\b`))
  }
})

test('each is listed once, begins with fixtures that are there, and no kept input is of none', () => {
  const listed = text('fuzz/targets.cc').match(/^\s*\{"/gm)
  expect(rows.length).toBe(listed?.length)
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
  const fixtures = readdirSync(join(root, 'test/fixtures/wire'))
  for (const prefix of rows.flatMap(({ prefixes }) => prefixes))
    expect(
      fixtures.some(file => file.startsWith(prefix)),
      prefix,
    ).toBe(true)
  const kept = readdirSync(join(root, 'test/fixtures/fuzz')).map(file => file.replace(/\.hex$/, ''))
  expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(kept))
})

test('the fuzzer is built of all its files', () => {
  const sources = readFileSync(join(root, 'native/fuzz/sources.txt'), 'utf8').trim().split('\n')
  const files = [...native.keys()].filter(file => /^fuzz\/.*\.cc$/.test(file) && file !== 'fuzz/main.cc')
  expect(sources.sort()).toEqual(files.sort())
})

test('the walk finds a reader', () => {
  expect(readersOf('Result<Link> ParseLink(View body);\n// Old(View a)\nbool Other(const Link& link);')).toEqual([
    'ParseLink',
  ])
  expect(readersOf('std::optional<KernelEvent> Take(const wire::Frame& frame, int x);')).toEqual(['Take'])
})
