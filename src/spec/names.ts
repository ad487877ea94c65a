/** Longest name of an interface, in bytes: IFNAMSIZ is 16 with the closing NUL (<linux/if.h>). */
export const maxInterfaceName = 15
/** Longest name of a network, in characters. With a namespace's it fits an interface alias (255 bytes). */
export const maxNetworkName = 64
/** Longest name of a namespace, in characters. A container's 64-digit identifier fits, and so does a prefix to it. */
export const maxNamespaceName = 128

/**
 * What is wrong with it as the name of an interface, or null. The kernel's own rules (dev_valid_name() in
 * net/core/dev.c), and three of ours that keep names safe to print and to put into rules: no control characters, no
 * leading `-` (an option to every tool), no trailing `+` (a wildcard to xtables).
 */
export function interfaceNameFault(name: string): string | null {
  const bytes = new TextEncoder().encode(name)
  if (bytes.length === 0) return 'is empty'
  if (bytes.length > maxInterfaceName) return `has ${bytes.length} bytes; the kernel takes ${maxInterfaceName}`
  if (/\p{Surrogate}/u.test(name)) return 'is not well-formed Unicode'
  if (name === '.' || name === '..') return 'is the name of a directory'
  // Their places under /proc/sys/net/ipv4/conf are taken (sysctl_dev_name_is_allowed() in net/ipv4/devinet.c).
  if (name === 'all' || name === 'default') return 'is a name that the kernel keeps for itself'
  for (const byte of bytes) {
    const fault = byteFault(byte)
    if (fault) return fault
  }
  if (name.startsWith('-')) return 'begins with "-"'
  return name.endsWith('+') ? 'ends with "+"' : null
}

function byteFault(byte: number): string | null {
  if (byte === 0x2f) return 'has a slash'
  if (byte === 0x3a) return 'has a colon'
  // Not refused but replaced: `veth%d` would become veth0.
  if (byte === 0x25) return 'has a percent sign'
  if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) return 'has white space'
  // The kernel's isspace() is Latin-1's, so a no-break space: part of `à` (c3 a0) in UTF-8.
  if (byte === 0xa0) return 'has a character with the byte a0, white space to the kernel'
  return byte < 0x20 || byte === 0x7f ? 'has a control character' : null
}

/** What is wrong with it as the name of a network, or null. */
export function networkNameFault(name: string): string | null {
  return nameFault(name, maxNetworkName)
}

/**
 * What is wrong with it as the name of a namespace, or null. It becomes a file of /run/netns and of the state directory,
 * so it is a file name that `ip netns` takes, kept to characters that need no quoting anywhere.
 */
export function namespaceNameFault(name: string): string | null {
  return nameFault(name, maxNamespaceName)
}

function nameFault(name: string, most: number): string | null {
  if (name.length === 0) return 'is empty'
  if (name.length > most) return `has ${name.length} characters; the most is ${most}`
  if (name.includes('..')) return 'has ".." in it'
  if (!/^[A-Za-z0-9_]/.test(name)) return 'does not begin with a letter, a digit or "_"'
  const bad = name.match(/[^A-Za-z0-9_.@+=-]/u)
  return bad ? `has ${JSON.stringify(bad[0])} in it` : null
}
