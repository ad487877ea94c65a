import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Files of the machine, for reading only, below a root that a test may replace. Nothing here throws. */
export class Files {
  readonly #root: string

  constructor(root = '/') {
    this.#root = root
  }

  /** The same without another root: for paths that were given to us. */
  get real(): Files {
    return new Files()
  }

  /** null where it is not there or may not be read. */
  read(path: string): string | null {
    return attempt(() => readFileSync(join(this.#root, path), 'utf8'))
  }

  /** Names in a folder, sorted; empty where there is none. */
  list(path: string): string[] {
    return attempt(() => readdirSync(join(this.#root, path)).sort()) ?? []
  }

  /** Where a symbolic link leads. */
  link(path: string): string | null {
    return attempt(() => readlinkSync(join(this.#root, path)))
  }

  /** Device and inode, as `st_dev` and `st_ino`. */
  identity(path: string): { device: number; inode: number } | null {
    const status = attempt(() => statSync(join(this.#root, path)))
    return status && { device: status.dev, inode: status.ino }
  }

  /** A number that is all of the file. */
  number(path: string): number | null {
    return numberOf(this.read(path))
  }
}

export function numberOf(text: string | null): number | null {
  return text !== null && /^\s*-?\d+\s*$/.test(text) ? Number(text) : null
}

function attempt<T>(work: () => T): T | null {
  try {
    return work()
  } catch {
    return null
  }
}

/** Pids of the processes with that name (comm: 15 bytes of it). */
export function processesCalled(files: Files, name: string): number[] {
  return files
    .list('proc')
    .filter(entry => /^\d+$/.test(entry) && files.read(`proc/${entry}/comm`)?.trim() === name.slice(0, 15))
    .map(Number)
}
