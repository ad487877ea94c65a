import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { EgressError } from '../errors.js'

// What is written as root into a directory that somebody else may write to lands where that one likes: by a symbolic link under the
// name of a record, or by another directory in the place of this one. So it must be nobody else's.

/** Of whom files are taken: root, and whoever this process is. */
const isTrusted = ({ uid }: Stats): boolean => uid === 0 || uid === process.geteuid?.()
const othersWrite = 0o022
const everybodyWrites = 0o002
const sticky = 0o1000

/**
 * The directory is ours alone to write to, and nobody may exchange it for another: neither by a link, nor above it. `field` is the setting
 * that named it. Throws EGRESSD_UNSAFE_PATH.
 */
export function checkOwnDirectory(path: string, field: string): void {
  const refuse = refusal(path, field)
  const there = lstatSync(path)
  if (there.isSymbolicLink() && !isTrusted(there)) throw refuse(`is a link of user ${there.uid}`)
  const real = realpathSync(path)
  checkOwn(statSync(real), refuse)
  checkAbove(real, field, path)
}

/** A folder in a directory that is ours: one of our own making. Throws EGRESSD_UNSAFE_PATH. */
export function checkOwnFolder(path: string, field: string): void {
  checkOwn(lstatSync(path), refusal(path, field))
}

function checkOwn(found: Stats, refuse: ReturnType<typeof refusal>): void {
  if (!found.isDirectory()) throw refuse('is no directory')
  if (!isTrusted(found)) throw refuse(`belongs to user ${found.uid}`)
  if (found.mode & othersWrite) throw refuse(`may be written to by others: its mode is ${octal(found.mode)}`)
}

/** Nobody may exchange what is in these directories, this one or those above it, for something else. Throws EGRESSD_UNSAFE_PATH. */
export function checkStaysInPlace(directory: string, field: string): void {
  checkAbove(`${realpathSync(directory)}/.`, field, directory)
}

function checkAbove(real: string, field: string, value: string): void {
  for (let at = dirname(real); ; at = dirname(at)) {
    const { mode } = statSync(at)
    if (mode & everybodyWrites && !(mode & sticky))
      throw refusal(value, field)(`can be exchanged by others: the mode of ${at} is ${octal(mode)}`)
    if (at === '/') return
  }
}

const refusal = (path: string, field: string) => (what: string) =>
  new EgressError('EGRESSD_UNSAFE_PATH', `${field}: ${path} ${what}`, { field, value: path })

const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0')
