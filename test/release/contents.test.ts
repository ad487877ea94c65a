// What `npm pack` would send, file by file.
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
interface Pack {
  size: number
  unpackedSize: number
  files: { path: string; mode: number }[]
}

/** What is neither made of src, nor native source, nor prebuilt. */
const others = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'binding.gyp',
  'package.json',
  'packaging/etc/egressd.yaml',
  'packaging/grafana/egressd.json',
  'packaging/man/egressd.1',
  'packaging/prometheus/egressd.rules.yml',
  'packaging/systemd/egressd.service',
  'packaging/systemd/egressd.socket',
  'packaging/sysusers.d/egressd.conf',
  'scripts/build-addon',
]
const filesUnder = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(root.length + 1))

let pack: Pack
let paths: string[]
beforeAll(() => {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
  })
  pack = (JSON.parse(output) as [Pack])[0]
  paths = pack.files.map(({ path }) => path)
}, 60_000)
const under = (...folders: string[]) =>
  paths.filter(path => folders.some(folder => path.startsWith(`${folder}/`))).sort()

// What an older build left there is not removed by a newer one: rm -r dist && npm run build:ts
test('of dist, the program and the types of each source file, and nothing else', () => {
  const sources = filesUnder('src').map(file => file.replace(/^src/, 'dist').replace(/\.ts$/, ''))
  expect(under('dist')).toEqual(sources.flatMap(name => [`${name}.d.ts`, `${name}.js`]).sort())
})

test('of native, what the addon is built of, without its tests', () => {
  const sources = filesUnder('native').filter(file => !/^native\/(test|fuzz)\//.test(file))
  expect(under('native')).toEqual(sources.sort())
})

test('what was prebuilt, to be executed where it is a program', () => {
  expect(
    under('prebuilds').filter(
      path => !/^prebuilds\/linux-(x64|arm64)\/egressd(-exec|\.(glibc|musl)\.node)$/.test(path),
    ),
  ).toEqual([])
  for (const { path, mode } of pack.files)
    if (/egressd-exec$|build-addon$/.test(path)) expect(mode & 0o111, path).toBe(0o111)
})

test('and these', () => {
  const rest = paths.filter(path => !/^(dist|native|prebuilds)\//.test(path))
  expect(rest.sort()).toEqual(others)
})

test('its size is bounded', () => {
  expect(pack.size).toBeLessThan(5 << 20)
  expect(pack.unpackedSize).toBeLessThan(12 << 20)
})
