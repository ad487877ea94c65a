import { closeSync, constants, rmSync, writeSync } from 'node:fs'
import { EgressError, isEgressError } from '../errors.js'
import type { Lease, LeaseLog } from '../ipam/addresses.js'
import { parseIp } from '../spec/ip.js'
import { openOwn, readOwn, recordError, replaceFile } from './files.js'

// One line a change, appended:
//
//     192.168.0.2 freed 81234      at that time of the boot's own clock, in milliseconds
//     192.168.0.7 taken            by a namespace without a record
//     192.168.0.7 unused           it was given back as if it had never been taken
//
// The last line of an address is what holds; those freed are in the order in which they were. A last line without its end was
// being written when the process was killed, and is not there.

/** So many lines may be out of date before the file is written anew. */
const slack = 1024

/** The leases of one network, on file. */
export class LeaseFile implements LeaseLog {
  readonly #path: string
  #lines = 0
  /** At so many lines it is looked how many are out of date: that takes a walk over all that are not. */
  #due = slack
  /** Kept open: it is written to for each namespace that goes. */
  #fd: number | null = null

  constructor(path: string) {
    this.#path = path
  }

  /** Throws EGRESSD_STATE_INVALID. What is out of date, or torn, is cleared away. */
  read(): Lease[] {
    const text = this.#text()
    if (text === null) return []
    const lines = text.split('\n')
    const torn = lines.pop() !== ''
    const leases = new Map<string, Lease>()
    for (const line of lines) {
      const [address = '', what = '', at] = line.split(' ')
      const freedAt = what === 'freed' && /^\d+$/.test(at ?? '') ? Number(at) : null
      if (!parseIp(address) || (freedAt === null && !['taken', 'unused'].includes(what)))
        throw new EgressError('EGRESSD_STATE_INVALID', `${this.#path} has a line ${JSON.stringify(line)}`, {
          value: this.#path,
        })
      leases.delete(address)
      if (what !== 'unused') leases.set(address, { address, freedAt })
    }
    this.#lines = lines.length
    const all = [...leases.values()]
    if (torn || this.#lines > 2 * all.length + slack) this.#rewrite(all)
    return all
  }

  append(leases: Parameters<LeaseLog['append']>[0], all: () => Lease[]): void {
    const text = leases.map(lease => `${'unused' in lease ? `${lease.address} unused` : lineOf(lease)}\n`).join('')
    try {
      this.#fd ??= openOwn(this.#path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT)
      writeSync(this.#fd, text)
    } catch (cause) {
      throw recordError(this.#path, cause)
    }
    this.#lines += leases.length
    if (this.#lines <= this.#due) return
    // NB: `all` does not have yet what was just appended: that goes behind it.
    const rest = all()
    this.#due = 2 * rest.length + slack
    if (this.#lines > this.#due) this.#rewrite(rest, text)
  }

  /** These, and no others. Throws EGRESSD_STATE_WRITE_FAILED. */
  replace(leases: readonly Lease[]): void {
    this.#rewrite(leases)
  }

  /** Idempotent; it may be written to again. */
  close(): void {
    if (this.#fd !== null) closeSync(this.#fd)
    this.#fd = null
  }

  /** Nothing happens where there is none. */
  remove(): void {
    this.close()
    try {
      rmSync(this.#path, { force: true })
    } catch (cause) {
      throw recordError(this.#path, cause)
    }
    this.#lines = 0
  }

  #text(): string | null {
    try {
      return readOwn(this.#path)
    } catch (cause) {
      throw isEgressError(cause) ? cause : recordError(this.#path, cause)
    }
  }

  #rewrite(leases: readonly Lease[], more = ''): void {
    this.close()
    replaceFile(this.#path, leases.map(lease => `${lineOf(lease)}\n`).join('') + more)
    this.#lines = leases.length
  }
}

const lineOf = ({ address, freedAt }: Lease): string =>
  freedAt === null ? `${address} taken` : `${address} freed ${Math.round(freedAt)}`
