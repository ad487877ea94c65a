// Operations that make what many tests start from.

/** A veth pair "a" (10) and "b" (11), up and quiet: no addresses of their own, so no packets and no entries by surprise. */
export const pair = [
  { op: 'link.add', kind: 'veth', name: 'a', index: 10, peer: { name: 'b', index: 11 } },
  { op: 'link.set', index: 10, addrGenMode: 'none' },
  { op: 'link.set', index: 11, addrGenMode: 'none' },
  { op: 'link.set', index: 10, up: true },
  { op: 'link.set', index: 11, up: true },
] as const

/** The same, with 192.168.0.2/16 and fd00::2/64 on "a". */
export const addressedPair = [
  ...pair,
  { op: 'address.add', index: 10, address: '192.168.0.2', prefix: 16 },
  { op: 'address.add', index: 10, address: 'fd00::2', prefix: 64, noDad: true },
] as const
