import { parseIp } from '../spec/ip.js'

/** What tells one namespace of a network from another. */
export interface OwnValues {
  mac: string
  hostMac: string
  alias: string
  addresses: readonly { family: 4 | 6; address: string }[]
}

/** Puts a word in the place of each of them, so that namespaces can be compared that differ in nothing else. */
export class Own {
  readonly #words = new Map<string, string>()
  readonly #hex = new Map<string, string>()

  constructor({ mac, hostMac, alias, addresses }: OwnValues) {
    this.#add('mac', mac, plain(mac))
    this.#add('host-mac', hostMac, plain(hostMac))
    this.#add('alias', alias, Buffer.from(`${alias}\0`).toString('hex'))
    for (const { family, address } of addresses) {
      const value = parseIp(address)?.value ?? 0n
      this.#add(`ipv${family}`, address, value.toString(16).padStart(family === 4 ? 8 : 32, '0'))
      if (family === 6) this.#addSolicited(value)
    }
  }

  // The group in which neighbours look for an address (RFC 4291, 2.7.1), and the MAC that it is reached at.
  #addSolicited(value: bigint): void {
    const low = (value & 0xff_ffffn).toString(16).padStart(6, '0')
    this.#hex.set(`ff0200000000000000000001ff${low}`, '{solicited}')
    this.#hex.set(`3333ff${low}`, '{solicited-mac}')
  }

  #add(name: string, text: string, hex: string): void {
    this.#words.set(text, `{${name}}`)
    this.#hex.set(hex, `{${name}}`)
  }

  /** A text as the kernel's operations have it: an address, a MAC, an alias. */
  word(text: string): string {
    return this.#words.get(text) ?? text
  }

  /** Bytes in hexadecimal, as files below /proc/net have them too. */
  hex(text: string): string {
    return this.#hex.get(text) ?? text
  }
}

const plain = (mac: string) => mac.replaceAll(':', '')
