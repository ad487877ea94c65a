// What others do to what stands: in words, and as a command.
const nft = (words: string) => [
  'nft',
  ...words.split(/ (?=\{)/).flatMap((part, i) => (i === 0 ? part.split(' ') : [part])),
]
const commented = ['-m', 'comment', '--comment', 'egressd:br0']
const inside = (...command: string[]) => ['nsenter', '--net=PIN', ...command]
/** `PIN` is the path of ns0 (helpers/library.ts: `dual` and `named`). */
export const drifts = [
  ['an address of the bridge is deleted', ['ip', 'addr', 'del', '192.168.0.1/16', 'dev', 'br0']],
  ['an IPv6 address of the bridge is deleted', ['ip', 'addr', 'del', 'fd00::1/64', 'dev', 'br0']],
  ['the bridge is down', ['ip', 'link', 'set', 'br0', 'down']],
  ['the bridge has another MTU', ['ip', 'link', 'set', 'br0', 'mtu', '1280']],
  ['forwarding is off', ['sysctl', '-qw', 'net.ipv4.ip_forward=0']],
  ['the port is down', ['ip', 'link', 'set', 'veth0', 'down']],
  ['the port is off the bridge', ['ip', 'link', 'set', 'veth0', 'nomaster']],
  ['the port lost its mark', ['ip', 'link', 'set', 'veth0', 'alias', 'mine']],
  ['an address inside is deleted', inside('ip', 'addr', 'del', '192.168.0.2/16', 'dev', 'ceth0')],
  ['an IPv6 address inside is deleted', inside('ip', 'addr', 'del', 'fd00::2/64', 'dev', 'ceth0')],
  ['a default route is deleted', inside('ip', 'route', 'del', 'default')],
  ['an IPv6 default route is deleted', inside('ip', '-6', 'route', 'del', 'default')],
  ['the interface inside is down', inside('ip', 'link', 'set', 'ceth0', 'down')],
  ['lo is down', inside('ip', 'link', 'set', 'lo', 'down')],
  ['the veth pair is deleted', ['ip', 'link', 'del', 'veth0']],
  ['the veth pair is deleted from inside', inside('ip', 'link', 'del', 'ceth0')],
  ['the pin is deleted', ['umount', '-l', 'PIN']],
  ['the bridge is deleted', ['ip', 'link', 'del', 'br0']],
] as const
export const firewallDrifts = {
  nftables: [
    ['the table is deleted', ['nft', 'delete', 'table', 'inet', 'egressd']],
    ['the ruleset is flushed', ['nft', 'flush', 'ruleset']],
    ['a chain is flushed', ['nft', 'flush', 'chain', 'inet', 'egressd', 'postrouting']],
    ['an element is deleted', nft('delete element inet egressd bridges { br0 }')],
    ['an interval is deleted', nft('delete element inet egressd outwards4 { 192.168.0.0/16 }')],
    ['a pair is deleted', nft('delete element inet egressd host4 { 192.168.0.0/16 . 192.168.0.1 }')],
    ['an element is added', nft('add element inet egressd open6 { fd00:1::/64 }')],
    ['a port is deleted', nft('delete element bridge egressd ports { veth0 }')],
    ['a sender is deleted', nft('delete element bridge egressd senders4 { veth0 . 02:65:c0:a8:00:02 . 192.168.0.2 }')],
    ['a sender is added', nft('add element bridge egressd senders4 { veth0 . 02:65:c0:a8:00:02 . 192.168.0.1 }')],
    ['the senders are flushed', nft('flush set bridge egressd senders6')],
    ['a set is added', nft('add set inet egressd more { type ipv4_addr; }')],
    ['a chain is added', nft('add chain bridge egressd more { type filter hook prerouting priority -500; }')],
    ['a policy is changed', nft('add chain bridge egressd prerouting { policy drop; }')],
    ['a table sleeps', nft('add table bridge egressd { flags dormant; }')],
    ['the table of ports is deleted', nft('delete table bridge egressd')],
    ['a rule is added', ['nft', 'add', 'rule', 'inet', 'egressd', 'forward', 'drop']],
  ],
  xtables: [
    ['the nat table is flushed', ['iptables-legacy', '-t', 'nat', '-F']],
    ['a rule is deleted', ['ip6tables-legacy', '-D', 'FORWARD', '1']],
    ['the INPUT chain is flushed', ['iptables-legacy', '-F', 'INPUT']],
    ['a rule of ours is there twice', ['iptables-legacy', '-A', 'FORWARD', ...commented, '-i', 'br0', '-j', 'ACCEPT']],
    ['a rule is put before its place', ['iptables-legacy', '-I', 'INPUT', ...commented, '-i', 'br0', '-j', 'DROP']],
    ['the table of ports is deleted', nft('delete table bridge egressd')],
  ],
} as const
