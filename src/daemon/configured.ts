import { join } from 'node:path'
import type { SpecInput } from '../spec/schema.js'
import { configuredFile } from '../state/directory.js'
import { readJson, writeJson } from '../state/files.js'

/** Names of what a configuration made. */
export interface Names {
  networks: string[]
  namespaces: string[]
}

/**
 * Which names came from the configuration. What was made through the API is not among them, and no change of the configuration
 * removes it. Kept beside the other records, so that a configuration that is changed while the daemon is away counts too.
 */
export class Configured {
  readonly #path: string

  constructor(stateDir: string) {
    this.#path = join(stateDir, configuredFile)
  }

  /** null where nothing was written down, or somebody removed it. Throws EGRESSD_STATE_INVALID. */
  read(): Names | null {
    const found = readJson<Partial<Names>>(this.#path)
    return found && { networks: found.networks ?? [], namespaces: found.namespaces ?? [] }
  }

  /** Throws EGRESSD_STATE_WRITE_FAILED, and the old ones stay. */
  write(names: Names): void {
    writeJson(this.#path, names)
  }
}

export const namesOf = ({ networks = [], namespaces = [] }: SpecInput): Names => ({
  networks: networks.map(({ name }) => name),
  namespaces: namespaces.map(({ name }) => name),
})

const both = (a: string[], b: string[]) => [...new Set([...a, ...b])]
export const union = (a: Names, b: Names): Names => ({
  networks: both(a.networks, b.networks),
  namespaces: both(a.namespaces, b.namespaces),
})

export const without = (a: Names, b: Names): Names => ({
  networks: a.networks.filter(name => !b.networks.includes(name)),
  namespaces: a.namespaces.filter(name => !b.namespaces.includes(name)),
})
