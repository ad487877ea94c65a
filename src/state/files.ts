import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EgressError, isEgressError } from '../errors.js'

/** One folder of small JSON files, each written whole or not at all. */
export class RecordFolder<T> {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true, mode: 0o700 })
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
      rmSync(this.path(name), { force: true })
    } catch (cause) {
      throw recordError(this.path(name), cause)
    }
  }

  all(): T[] {
    return this.#names()
      .map(name => this.read(name))
      .filter(record => record !== null)
  }

  /** Those that were begun whole. Of others nothing had been done when their process was killed: they go. */
  begun(): T[] {
    return this.#names().flatMap(name => {
      try {
        return this.read(name) ?? []
      } catch (error) {
        if (!isEgressError(error)) throw error
        this.remove(name)
        return []
      }
    })
  }

  #names(): string[] {
    return readdirSync(this.#folder)
      .filter(file => file.endsWith('.json'))
      .map(file => file.slice(0, -'.json'.length))
      .sort()
  }
}

/** Written beside and renamed over: a reader, or a crash, sees the old one or the new one. */
export function writeJson(path: string, value: unknown): void {
  replaceFile(path, `${JSON.stringify(value)}\n`)
}

/** The same, for any text. Throws EGRESSD_STATE_WRITE_FAILED, and the old one stays. */
export function replaceFile(path: string, text: string): void {
  const beside = `${path}.new`
  try {
    writeFileSync(beside, text, { mode: 0o600 })
    renameSync(beside, path)
  } catch (cause) {
    try {
      rmSync(beside, { force: true })
    } catch {
      // The first failure is what is told; the next write goes over it.
    }
    throw recordError(path, cause)
  }
}

export function recordError(path: string, cause: unknown): EgressError {
  const fields = { value: path, cause }
  return new EgressError('EGRESSD_STATE_WRITE_FAILED', `${path}: ${(cause as Error).message}`, fields)
}

export function readJson<T>(path: string): T | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw cause
  }
  try {
    return JSON.parse(text) as T
  } catch (cause) {
    throw new EgressError('EGRESSD_STATE_INVALID', `${path} is not JSON`, { value: path, cause })
  }
}
