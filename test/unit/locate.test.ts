// Which addon is loaded: that of the C library that the process runs on, whatever the distribution says.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { addonPaths, libcOf, locateAddon } from '../../src/kernel/locate.js'

const map = (path: string) => `7f1c3a600000-7f1c3a614000 r--p 00000000 fe:00 1835                       ${path}\n`
const node = `${map('/usr/bin/node')}7ffc5a1e3000-7ffc5a204000 rw-p 00000000 00:00 0                          [stack]\n`

test.each([
  ['/lib/ld-musl-x86_64.so.1', 'musl'],
  ['/usr/lib/ld-musl-aarch64.so.1', 'musl'],
  ['/usr/lib/x86_64-linux-musl/libc.so', 'musl'],
  ['/usr/lib/x86_64-linux-gnu/libc.so.6', 'glibc'],
  ['/srv/ld-musl-x86_64.so.1/libc.so.6', 'glibc'],
  ['/srv/musl/ld-linux-x86-64.so.2', 'glibc'],
])('%s is %s', (path, libc) => {
  expect(libcOf(node + map(path))).toBe(libc)
})

test('this process runs on glibc, as its report says', () => {
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } }
  expect(libcOf(readFileSync('/proc/self/maps', 'latin1'))).toBe(header.glibcVersionRuntime ? 'glibc' : 'musl')
})

test('what was built comes before what was shipped, and where there is neither the shipped one is named', () => {
  const root = mkdtempSync(join(tmpdir(), 'locate-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const [built, shipped] = addonPaths(root, process.arch, 'glibc')
  const [, other] = addonPaths(root, process.arch, 'musl')
  const make = (path: string) => {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, '')
  }
  make(other)
  expect(() => locateAddon(root)).toThrow(`there is no prebuilds/linux-${process.arch}/egressd.glibc.node`)
  make(shipped)
  expect(locateAddon(root)).toBe(shipped)
  make(built)
  expect(locateAddon(root)).toBe(built)
})
