import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type LibC = 'glibc' | 'musl'

/**
 * The C library that this process runs on, by what it has mapped: musl is one file, the dynamic loader too, and
 * is called `libc.so` where that one is a link.
 * Not every musl is Alpine's, and on Alpine not every Node is musl's.
 * @param maps as proc_pid_maps(5) has it
 */
export function libcOf(maps: string): LibC {
  return /\/(ld-musl-[^/\n]*\.so\.1|libc\.so)$/m.test(maps) ? 'musl' : 'glibc'
}

/** Where the addon is looked for, in that order: built here, or shipped. */
export function addonPaths(root: string, arch: string, libc: LibC): readonly [string, string] {
  return [
    join(root, 'build', 'Release', 'egressd.node'),
    join(root, 'prebuilds', `linux-${arch}`, `egressd.${libc}.node`),
  ]
}

/** @throws Error that names the shipped one, where there is none */
export function locateAddon(root: string): string {
  const paths = addonPaths(root, process.arch, libcOf(readFileSync('/proc/self/maps', 'latin1')))
  const found = paths.find(path => existsSync(path))
  if (found) return found
  throw new Error(`there is no ${paths[1].slice(root.length).replace(/^\//, '')}`)
}
