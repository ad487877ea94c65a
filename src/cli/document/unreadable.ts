import { EgressError } from '../../errors.js'
import { mistake } from '../command/mistake.js'

/** What is meant where a file cannot be read, and what to do. */
const words: Record<string, readonly [what: string, remedy: string]> = {
  ENOENT: ['there is no such file', 'look at its path: it is seen from the directory that you are in'],
  EISDIR: ['it is a directory', 'give a file in it'],
  EACCES: ['this user may not read it', 'be who may, or have it given by standard input ("-")'],
  ENOTDIR: ['a part of its path is no directory', 'look at its path'],
}

/** EGRESSD_INVALID_SPEC for a file that reading failed of. */
export function unreadable(file: string, cause: unknown): EgressError {
  const { code = '', message } = cause as NodeJS.ErrnoException
  const fields = { field: 'file', value: file, cause }
  const name = file === '' ? '""' : file
  const [what, remedy] = words[code] ?? []
  if (what === undefined || remedy === undefined)
    return new EgressError('EGRESSD_INVALID_SPEC', `${name} cannot be read: ${code || message}`, fields)
  return mistake('EGRESSD_INVALID_SPEC', `${name} cannot be read: ${what} (${code})`, remedy, fields)
}
