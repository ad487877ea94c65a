import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importsOf, includesOf, nativeFaults, readTree, type Storeys, sourceFaults } from '../helpers/imports.js'

const root = join(import.meta.dirname, '../..')
const pure = ['zod', 'ipaddr.js']

// NB: a new file or folder fails the test until it has a place here. Bottom storey first; a unit imports itself and what
// stands below, never a neighbour.
const source: Storeys = [
  [{ name: 'kernel types', files: ['kernel/ipv4.ts', 'kernel/kernel.ts', 'kernel/ops', 'kernel/watch.ts'], pure }],
  [
    { name: 'errors', files: ['errors.ts'] },
    { name: 'either', files: ['either.ts'] },
    { name: 'endable', files: ['endable.ts'] },
    { name: 'keep-alive', files: ['keep-alive.ts'] },
    { name: 'tell', files: ['tell.ts'] },
    { name: 'nft words', files: ['kernel/nft-'], pure },
  ],
  [{ name: 'asserts', files: ['asserts.ts'] }],
  [{ name: 'spec', files: ['spec/'], pure }],
  [
    { name: 'ipam', files: ['ipam/'], pure },
    { name: 'pool', files: ['pool/'], pure },
  ],
  [{ name: 'plan', files: ['plan/'], pure }],
  [
    {
      name: 'kernel/native',
      files: ['kernel/load.ts', 'kernel/locate.ts', 'kernel/native.ts', 'kernel/open.ts', 'kernel/process.ts'],
    },
    { name: 'kernel/fake', files: ['kernel/fake/'] },
  ],
  [
    { name: 'exec', files: ['exec/'] },
    { name: 'net-adopt', files: ['net-adopt.ts'] },
  ],
  [{ name: 'net-inside', files: ['net-inside.ts'] }],
  [
    { name: 'state', files: ['state/'] },
    { name: 'apply', files: ['apply/'] },
    { name: 'recycle', files: ['recycle/'] },
  ],
  [
    { name: 'engine', files: ['engine/'] },
    { name: 'doctor', files: ['doctor/'] },
  ],
  [{ name: 'watch', files: ['watch/'] }],
  [
    { name: 'api', files: ['api.ts'] },
    { name: 'http', files: ['http/'], pure },
  ],
  [{ name: 'watch', files: ['watch/'] }],
  [{ name: 'client', files: ['client/'] }],
  [{ name: 'client entry', files: ['client.ts'] }],
  [{ name: 'namespace', files: ['namespace.ts'] }],
  [{ name: 'network pool', files: ['network-pool.ts'] }],
  [{ name: 'network', files: ['network.ts'] }],
  [{ name: 'egress', files: ['egress.ts'] }],
  [{ name: 'index', files: ['index.ts'] }],
  [{ name: 'daemon', files: ['daemon/'] }],
  [{ name: 'demo', files: ['demo/'] }],
  [{ name: 'bench samples', files: ['bench/stats/', 'bench/result.ts', 'bench/names.ts'], pure }],
  [{ name: 'bench report', files: ['bench/report/'], pure }],
  [{ name: 'bench', files: ['bench/'] }],
  [{ name: 'cli', files: ['cli/'] }],
]

const native: Storeys = [
  [{ name: 'core', files: ['core/'] }],
  [{ name: 'wire', files: ['wire/'] }],
  [{ name: 'net', files: ['net/'], headers: ['sys/socket.h'] }],
  [{ name: 'fuzz', files: ['fuzz/'] }],
  [
    { name: 'js', files: ['js/'], headers: ['napi.h'] },
    { name: 'exec', files: ['exec/'] },
    // Some play the other end of a socket.
    { name: 'test', files: ['test/'], headers: ['sys/socket.h'] },
    { name: 'floor', files: ['floor/'] },
  ],
]

const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

test('imports of src/ point down', () => {
  const tree = readTree(join(root, 'src'), ['.ts'])
  expect(tree.size).toBeGreaterThan(20)
  expect(sourceFaults(source, tree, Object.keys({ ...dependencies, ...peerDependencies }))).toEqual([])
})

test('includes of native/ point down', () => {
  const tree = readTree(join(root, 'native'), ['.cc', '.h'])
  expect(tree.size).toBeGreaterThan(40)
  expect(nativeFaults(native, tree)).toEqual([])
})

describe('the walk finds', () => {
  const faults = (files: Record<string, string>) =>
    sourceFaults(source, new Map(Object.entries({ 'errors.ts': '', 'spec/ip.ts': '', ...files })), ['zod', 'pino'])

  test.each([
    [
      'nothing in what is right',
      { 'plan/a.ts': "import type { A } from '../spec/ip.js'\nimport { z } from 'zod'" },
      [],
    ],
    ['a way up', { 'spec/a.ts': "import {\n  b,\n} from '../plan/b.js'", 'plan/b.ts': '' }, ['not below it']],
    ['a way to a neighbour', { 'state/a.ts': "import '../apply/b.js'", 'apply/b.ts': '' }, ['not below it']],
    ['a dynamic way up', { 'spec/a.ts': "x = await import('../cli/b.js')", 'cli/b.ts': '' }, ['not below it']],
    ['a type taken from above', { 'errors.ts': "import type { I } from './spec/ip.js'" }, ['not below it']],
    ['a folder without a place', { 'misc/a.ts': '' }, ['in no unit']],
    ['a file without a place', { 'utils.ts': '' }, ['in no unit']],
    ['a file that is not there', { 'spec/a.ts': "import './b.js'" }, ['no spec/b.ts']],
    ['a module in what is pure', { 'plan/a.ts': "import { isIP } from 'node:net'" }, ['imports node:net, and is pure']],
    ['a package in what is pure', { 'plan/a.ts': "import pino from 'pino'" }, ['imports pino, and is pure']],
    ['a clock in what is pure', { 'plan/a.ts': 'const now = Date.now()' }, ['has Date.now, and is pure']],
    ['a bare built-in module', { 'exec/a.ts': "import fs from 'fs'" }, ['without node:']],
    ['a package that is no dependency', { 'exec/a.ts': "import x from '@vitest/x/y'" }, ['no runtime dependency']],
    ['a signal that leaves traces', { 'exec/a.ts': 'const either = AbortSignal.any([a, b])' }, ['has AbortSignal.any']],
    ['a default export', { 'exec/a.ts': 'export default 1' }, ['default export']],
    ['a barrel', { 'exec/a.ts': "export { b } from '../errors.js'" }, ['exports what others have']],
    [
      'a circle',
      { 'exec/a.ts': "import './b.js'", 'exec/b.ts': "import './a.js'" },
      ['exec/a.ts > exec/b.ts > exec/a.ts'],
    ],
  ])('%s', (_what, files, expected) => {
    expect(faults(files as Record<string, string>)).toEqual(expected.map(text => expect.stringContaining(text)))
  })

  test.each([
    ['nothing in what is right', { 'net/a.cc': '#include "wire/b.h"\n#include <sys/socket.h>', 'wire/b.h': '' }, []],
    ['a way up', { 'wire/a.cc': '#include "net/b.h"', 'net/b.h': '' }, ['not below it']],
    ['a socket in wire', { 'wire/a.cc': '#include <sys/socket.h>' }, ['which only net does']],
    ['N-API in net', { 'net/a.cc': ' # include <napi.h>' }, ['which only js does']],
    ['a folder without a place', { 'misc/a.cc': '' }, ['in no unit']],
    ['a header that is not there', { 'net/a.cc': '#include "net/b.h"' }, ['no net/b.h']],
  ])('in native/ %s', (_what, files, expected) => {
    const tree = new Map(Object.entries(files as Record<string, string>))
    expect(nativeFaults(native, tree)).toEqual(expected.map(text => expect.stringContaining(text)))
  })

  test('no import in a comment, and each form outside of one', () => {
    const text = `/** import x from 'a' */
// import 'b'
import c from 'c'
import type {
  D,
} from "d"
import 'e'
const f = await import('f'), g = require('g')
export * from 'h'
export type { I } from 'i' // and from 'j'`
    expect(importsOf(text).sort()).toEqual(['c', 'd', 'e', 'f', 'g', 'h', 'i'])
    expect(includesOf('#include <a.h>\n  #  include "b/c.h"\n// #include <d.h>')).toEqual(['<a.h>', '"b/c.h"'])
  })
})
