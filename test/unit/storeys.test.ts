// Files that binding.gyp compiles as one: a name that two of them have for different functions would be called by the wrong one.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (file: string) => readFileSync(`native/${file}`, 'utf8')

/** Functions that begin at the margin, of those lines that are within `namespace {`, or of all. */
function functions(file: string, unnamed: boolean): string[] {
  const text = unnamed
    ? [...read(file).matchAll(/^namespace \{\n(.*?)^\} {2}\/\/ namespace$/gms)].join('\n')
    : read(file)
  return [...text.matchAll(/^(?!#|\/\/|using|return|\}|namespace)[\w:<][^=;(\n]*[ *&](\w+)\(/gm)].map(
    ([, name]) => name as string,
  )
}

test.each(['net', 'js'])('%s: no function of one file has the name of one that others know', storey => {
  const files = read('sources.txt')
    .split('\n')
    .filter(file => file.startsWith(`${storey}/`) && !/steps-|codec\./.test(file))
  expect(files.length).toBeGreaterThan(15)
  const known = new Map<string, string>()
  for (const folder of ['core', 'wire', 'net', 'js'])
    for (const file of readdirSync(`native/${folder}`))
      if (file.endsWith('.h'))
        for (const name of functions(`${folder}/${file}`, false)) known.set(name, `${folder}/${file}`)
  const twice: string[] = []
  for (const file of files)
    for (const name of new Set(functions(file, true))) {
      const other = known.get(name)
      if (other !== undefined) twice.push(`${name}: ${file} and ${other}`)
      known.set(name, file)
    }
  expect(known.size).toBeGreaterThan(100)
  expect(twice).toEqual([])
})
