// What is shipped as machine code: which files, for which machines, and what they ask of them. Those in prebuilds/, where
// scripts/prebuild made some, and what was built here. EGRESSD_RELEASE=1 wants all that a release has.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareVersions, readElf } from '../helpers/elf.js'

const root = join(import.meta.dirname, '../..')
const prebuilds = join(root, 'prebuilds')
const machines: Record<string, string> = {
  'linux-x64': 'Advanced Micro Devices X86-64',
  'linux-arm64': 'AArch64',
}
const release = process.env.EGRESSD_RELEASE === '1'
const artefacts = Object.keys(machines).flatMap(platform =>
  ['egressd-exec', 'egressd.glibc.node', 'egressd.musl.node'].map(file => `${platform}/${file}`),
)
const made = existsSync(prebuilds)
  ? readdirSync(prebuilds).flatMap(platform =>
      readdirSync(join(prebuilds, platform)).map(file => `${platform}/${file}`),
    )
  : []

/** What docs/install.md says: RHEL 9 and its kin (GCC 11), Debian 12, Ubuntu 22.04. */
const highest: Record<string, string> = { GLIBC: '2.34', GLIBCXX: '3.4.29', CXXABI: '1.3.13', GCC: '3.4' }

function addonIsAsItShould(file: string): void {
  const { exported, undefined: wanted, needed, floor } = readElf(file)
  expect(exported).toEqual(['napi_register_module_v1', 'node_api_module_get_api_version_v1'])
  for (const [kind, version] of Object.entries(floor))
    expect(compareVersions(version, highest[kind] ?? '0'), `${kind}_${version}`).toBeLessThanOrEqual(0)
  if (file.includes('.musl.')) {
    expect(needed).toEqual(['libc.so'])
    // Of the C++ library, which is linked in, nothing is left to be found.
    expect(wanted.filter(name => /^_Z|^_Unwind|^__cxa_(?!atexit|finalize)|^__gxx|^_dl_/.test(name))).toEqual([])
  } else {
    const glibc = ['libstdc++.so.6', 'libgcc_s.so.1', 'libc.so.6', 'ld-linux-aarch64.so.1']
    expect(needed.filter(library => !glibc.includes(library))).toEqual([])
  }
  expect(wanted).toContain('napi_create_function')
}

test('only known artefacts, and of a release all of them', () => {
  expect(made.filter(file => !artefacts.includes(file))).toEqual([])
  if (release) expect(made.toSorted()).toEqual(artefacts.toSorted())
  // An addon without its program starts nothing.
  for (const file of made) expect(made).toContain(join(file, '../egressd-exec'))
})

test('the addon that was built here gives two names away and asks for nothing newer than stated', () => {
  addonIsAsItShould(join(root, 'build/Release/egressd.node'))
})

describe.runIf(made.length > 0)('prebuilt', () => {
  test.each(made.length > 0 ? made : ['none'])('%s', artefact => {
    const file = join(prebuilds, artefact)
    const { machine, stripped, needed } = readElf(file)
    expect(machine).toBe(machines[artefact.split('/')[0] as string])
    expect(stripped).toBe(true)
    expect(statSync(file).mode & 0o777).toBe(0o755)
    expect(statSync(file).size).toBeLessThan(2 << 20)
    // No folder of the machine that built it.
    expect(readFileSync(file).includes(root)).toBe(false)
    if (artefact.endsWith('.node')) addonIsAsItShould(file)
    else expect(needed).toEqual([])
  })
})
