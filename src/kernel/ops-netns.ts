/** How to find a network namespace. */
export type NetnsRef = { path: string } | { pid: number } | { fd: number }

/** Two descriptors are the same namespace exactly when both numbers agree (nsfs, see stat(2)). */
export interface NetnsIdentity {
  device: number
  inode: number
}

/** A namespace that an operation has in hand. */
export interface OpenedNetns extends NetnsIdentity {
  /** When its file of nsfs was made, in ns: st_ctim, which nobody may set, and which stays while that is open or mounted. */
  since: bigint
  /** null but with `hold`. */
  fd: number | null
}

export interface NetnsOps {
  /**
   * Makes a network namespace and gives it slot `as`. With `pin`, mounts it at that absolute path as `ip netns add`
   * does; with `hold`, also returns a descriptor of it, which the caller closes.
   */
  'netns.create': {
    fields: { as: number; pin?: string; hold?: boolean }
    value: OpenedNetns
  }
  /** Opens a namespace and gives it slot `as`. With `hold`, also returns a descriptor, which the caller closes. */
  'netns.open': {
    fields: { as: number; from: NetnsRef; hold?: boolean }
    value: OpenedNetns
  }
  /** Unpins: detaches the mount at `path` and removes the file. ENOENT where there is none. */
  'netns.unpin': { fields: { path: string }; value: undefined }
  /** Reads /proc/sys/`key` in the namespace, e.g. `net/ipv4/ip_forward`. Without the trailing newline. */
  'sysctl.get': { fields: { key: string }; value: string }
  /** Writes it. Costs O(namespaces): never for each namespace on a hot path. */
  'sysctl.set': { fields: { key: string; value: string }; value: undefined }
  /**
   * Reads the first 4096 bytes of /proc/net/`key` in the namespace, e.g. `ip_tables_names`: the xtables tables that are in
   * use, without making one by looking at it. ENOENT where the kernel has no such file.
   */
  'procnet.get': { fields: { key: string }; value: string }
}

export interface SocketOps {
  /**
   * Makes a TCP or UDP socket in the namespace, where it stays whatever thread uses it later: for src/net-adopt.ts to
   * connect or listen on. With `bind` it is bound, with `listen` (a backlog; streams only) listening. The value has the
   * address and port that it is bound to. Non-blocking, close-on-exec; the caller closes it.
   */
  'socket.open': {
    fields: {
      family: 4 | 6
      type: 'stream' | 'datagram'
      bind?: { address: string; port: number }
      listen?: number
    }
    value: { fd: number; address: string; port: number }
  }
}
