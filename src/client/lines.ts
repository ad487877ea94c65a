import { StringDecoder } from 'node:string_decoder'

/** The longest that a line may be, in characters. */
const longest = 4 * 1024 * 1024

/** Cuts bytes into lines (NDJSON); empty ones, which keep a connection awake, are left out. */
export class Lines {
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''

  /** Those that are whole now. Throws a RangeError for one that does not end. */
  push(chunk: Buffer): string[] {
    const lines = (this.#rest + this.#decoder.write(chunk)).split('\n')
    this.#rest = lines.pop() as string
    if (this.#rest.length > longest) throw new RangeError(`a line has more than ${longest} characters`)
    return lines.filter(line => line.trim() !== '')
  }
}
