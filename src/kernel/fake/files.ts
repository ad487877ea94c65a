import type { NetnsIdentity, NetnsRef } from '../ops-netns.js'
import { deleteLink, loopback } from './link.js'
import { emptyNft } from './nft-state.js'
import { Refusal } from './refusal.js'
import { defaultSysctls } from './sysctl.js'
import type { FakeFiles, FakeNetns, Handlers } from './world.js'

/** Every namespace of a machine, and the pins and descriptors that keep them alive. */
export class Files implements FakeFiles {
  readonly netns = new Set<FakeNetns>()
  readonly pins = new Map<string, FakeNetns>()
  readonly fds = new Map<number, FakeNetns>()
  #lastInode = 4_026_532_000
  #lastFd = 1_000_000
  /** The one that processes are in. */
  readonly first = this.create()

  create(): FakeNetns {
    const netns: FakeNetns = {
      inode: ++this.#lastInode,
      links: new Map(),
      lastIndex: 0,
      addresses: [],
      routes: [],
      localTable: false,
      neighbours: [],
      sysctls: defaultSysctls(),
      nft: emptyNft(),
      xt: new Map(),
      peerIds: new Map(),
    }
    loopback(netns)
    this.netns.add(netns)
    return netns
  }

  find(ref: NetnsRef): FakeNetns {
    if ('fd' in ref) return this.#one(this.fds.get(ref.fd), 'EBADF')
    const own = 'pid' in ref ? ref.pid === process.pid : ref.path === '/proc/self/ns/net'
    return this.#one(own ? this.first : 'path' in ref ? this.pins.get(ref.path) : undefined, 'ENOENT')
  }

  open(netns: FakeNetns): number {
    // Far from any number that the process itself may have open.
    const fd = ++this.#lastFd
    this.fds.set(fd, netns)
    return fd
  }

  close(fd: number): void {
    if (!this.fds.delete(fd)) throw new Error(`EBADF: descriptor ${fd} is not open`)
  }

  pin(path: string, netns: FakeNetns): void {
    if (path.lastIndexOf('/') <= 0) throw new Refusal('EINVAL', `not an absolute path: ${path}`)
    if (this.pins.has(path)) throw new Refusal('EEXIST', path)
    this.pins.set(path, netns)
  }

  unpin(path: string): void {
    if (!this.pins.delete(path)) throw new Refusal('ENOENT', path)
  }

  /** Namespaces that nothing holds die with all that is in them; at once, where the kernel takes its time. */
  reap(busy: Iterable<FakeNetns>): void {
    const held = new Set([this.first, ...this.pins.values(), ...this.fds.values(), ...busy])
    for (const netns of this.netns) {
      if (held.has(netns)) continue
      for (const link of netns.links.values()) deleteLink(link)
      this.netns.delete(netns)
    }
  }

  #one(netns: FakeNetns | undefined, errno: 'EBADF' | 'ENOENT'): FakeNetns {
    if (!netns) throw new Refusal(errno)
    return netns
  }
}

export const identityOf = ({ inode }: FakeNetns): NetnsIdentity => ({ device: 4, inode })

export const netnsHandlers: Handlers<'netns.create' | 'netns.open' | 'netns.unpin'> = {
  'netns.create': (_, { as, pin, hold }, { assign, files }) => {
    const netns = files.create()
    if (pin !== undefined) files.pin(pin, netns)
    try {
      assign(as, netns)
    } catch (error) {
      if (pin !== undefined) files.unpin(pin)
      throw error
    }
    return { ...identityOf(netns), since: 0n, fd: hold ? files.open(netns) : null }
  },
  'netns.open': (_, { as, from, hold }, { assign, files }) => {
    const netns = files.find(from)
    assign(as, netns)
    return { ...identityOf(netns), since: 0n, fd: hold ? files.open(netns) : null }
  },
  'netns.unpin': (_, { path }, { files }) => {
    files.unpin(path)
    return undefined
  },
}
