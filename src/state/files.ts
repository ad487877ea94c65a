import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { EgressError, isEgressError } from '../errors.js'
import { checkOwnFolder } from './trust.js'

/** One folder of small JSON files, each written whole or not at all. */
export class RecordFolder<T> {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    makeFolder(folder)
  }

  path(name: string): string {
    return join(this.#folder, `${name}.json`)
  }

  /** null where there is none. Throws EGRESSD_STATE_INVALID where it does not parse. */
  read(name: string): T | null {
    return readJson<T>(this.path(name))
  }

  write(name: string, record: T): void {
    writeJson(this.path(name), record)
  }

  /** Nothing happens where there is none. */
  remove(name: string): void {
    try {
      unlinkSync(this.path(name))
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw recordError(this.path(name), cause)
    }
  }

  /** Throws EGRESSD_STATE_WRITE_FAILED where no record can be removed: before what it is of is. */
  assertWritable(): void {
    try {
      accessSync(this.#folder, constants.W_OK)
    } catch (cause) {
      throw recordError(this.#folder, cause)
    }
  }

  all(): T[] {
    return this.names()
      .map(name => this.read(name))
      .filter(record => record !== null)
  }

  /** Those that are whole; the names of others, which are being written, or were when their process was killed. */
  whole(): { records: T[]; others: string[] } {
    const others: string[] = []
    const records = this.names().flatMap(name => {
      try {
        return this.read(name) ?? []
      } catch (error) {
        if (!isEgressError(error)) throw error
        others.push(name)
        return []
      }
    })
    return { records, others }
  }

  /** Of those that have one. */
  names(): string[] {
    return readdirSync(this.#folder)
      .filter(file => file.endsWith('.json'))
      .map(file => file.slice(0, -'.json'.length))
      .sort()
  }
}

/** One of the state directory. Throws EGRESSD_UNSAFE_PATH where something else is there. */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw recordError(folder, cause)
    checkOwnFolder(folder, 'stateDir')
  }
}

/** Written beside and renamed over: a reader, or a crash, sees the old one or the new one. */
export function writeJson(path: string, value: unknown): void {
  replaceFile(path, `${JSON.stringify(value)}\n`)
}

/** The same, for any text. Throws EGRESSD_STATE_WRITE_FAILED, and the old one stays. */
export function replaceFile(path: string, text: string): void {
  try {
    putInPlace(path, text, 0o600)
  } catch (cause) {
    throw recordError(path, cause)
  }
}

/**
 * Writes it beside and renames it. NB: always to a file of its own making ("x"): what is there, of a write that was not finished, may be
 * a link, and would lead elsewhere.
 */
export function putInPlace(path: string, text: string, mode: number): void {
  const beside = `${path}.new`
  try {
    writeNew(beside, text, mode)
    renameSync(beside, path)
  } catch (error) {
    try {
      rmSync(beside, { force: true })
    } catch {
      // The first failure is what is told; the next write takes it away.
    }
    throw error
  }
}

function writeNew(path: string, text: string, mode: number): void {
  try {
    writeFileSync(path, text, { mode, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    rmSync(path)
    writeFileSync(path, text, { mode, flag: 'wx' })
  }
}

export function recordError(path: string, cause: unknown): EgressError {
  const fields = { value: path, cause }
  return new EgressError('EGRESSD_STATE_WRITE_FAILED', `${path}: ${(cause as Error).message}`, fields)
}

/** Opens a file of the state directory, if it is one. NB: without waiting: a pipe under its name would keep us for ever. */
export function openOwn(path: string, flags: number): number {
  const fd = openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600)
  const found = fstatSync(fd)
  if (found.isFile() && found.nlink < 2) return fd
  closeSync(fd)
  const what = found.isFile() ? 'has another name too' : 'is no regular file'
  throw new EgressError('EGRESSD_STATE_INVALID', `${path} ${what}`, { value: path })
}

/** null where there is none. Throws EGRESSD_STATE_INVALID where it is no file of ours, and what the system says. */
export function readOwn(path: string): string | null {
  let fd: number | null = null
  try {
    fd = openOwn(path, constants.O_RDONLY)
    return readFileSync(fd, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    if (code === 'ELOOP') throw new EgressError('EGRESSD_STATE_INVALID', `${path} is a link`, { value: path, cause })
    throw cause
  } finally {
    if (fd !== null) closeSync(fd)
  }
}

export function readJson<T>(path: string): T | null {
  const text = readOwn(path)
  if (text === null) return null
  try {
    return JSON.parse(text) as T
  } catch (cause) {
    throw new EgressError('EGRESSD_STATE_INVALID', `${path} is not JSON`, { value: path, cause })
  }
}
