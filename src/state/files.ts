import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EgressError } from '../errors.js'

/** One folder of small JSON files, each written whole or not at all. */
export class RecordFolder<T> {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  #path(name: string): string {
    return join(this.#folder, `${name}.json`)
  }

  /** null where there is none. Throws EGRESSD_STATE_INVALID where it does not parse. */
  read(name: string): T | null {
    return readJson<T>(this.#path(name))
  }

  write(name: string, record: T): void {
    writeJson(this.#path(name), record)
  }

  /** Nothing happens where there is none. */
  remove(name: string): void {
    rmSync(this.#path(name), { force: true })
  }

  all(): T[] {
    return readdirSync(this.#folder)
      .filter(file => file.endsWith('.json'))
      .sort()
      .map(file => this.read(file.slice(0, -'.json'.length)))
      .filter(record => record !== null)
  }
}

/** Written beside and renamed over: a reader, or a crash, sees the old one or the new one. */
export function writeJson(path: string, value: unknown): void {
  const beside = `${path}.new`
  writeFileSync(beside, `${JSON.stringify(value)}\n`, { mode: 0o600 })
  renameSync(beside, path)
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
