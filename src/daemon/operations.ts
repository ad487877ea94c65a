import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Logger } from 'pino'
import { type Operation, resultOf } from '../engine/channels.js'

/** Writes each operation of that engine into the log, at debug; nothing is measured while nobody would read it. */
export class OperationLog implements Disposable {
  readonly #stateDir: string
  readonly #logger: Logger
  #listening = false

  constructor(stateDir: string, logger: Logger) {
    this.#stateDir = stateDir
    this.#logger = logger
    this.look()
  }

  /** To be called where the level was changed. */
  look(): void {
    this.#listen(this.#logger.isLevelEnabled('debug'))
  }

  [Symbol.dispose](): void {
    this.#listen(false)
  }

  #listen(wanted: boolean): void {
    if (wanted === this.#listening) return
    if (wanted) subscribe('egressd:operation', this.#tell)
    else unsubscribe('egressd:operation', this.#tell)
    this.#listening = wanted
  }

  readonly #tell = (message: unknown) => {
    const { stateDir, milliseconds, error, ...rest } = message as Operation
    if (stateDir !== this.#stateDir) return
    const took = Math.round(milliseconds * 1_000) / 1_000
    const result = resultOf({ error })
    this.#logger.debug({ ...rest, milliseconds: took, result, ...(error !== undefined && { error }) }, 'operation')
  }
}
