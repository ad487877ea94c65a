// Tables as a busy host has them, in the syntax of iptables-legacy-restore: rules of every kind that we do not write.

type Make = (family: 4 | 6, n: number, chain: string) => string

const net = (family: 4 | 6, n: number) =>
  family === 4 ? `10.${n >> 8}.${n & 255}.0/24` : `fd00:${n.toString(16)}::/64`
const host = (family: 4 | 6, n: number) =>
  family === 4 ? `10.9.${n >> 8}.${n & 255}` : `fd00:9::${(n + 1).toString(16)}`

// -i means nothing in OUTPUT, and -o nothing in INPUT: iptables refuses them.
const interfaces = (chain: string, n: number) =>
  chain === 'OUTPUT' ? `-o br${n}` : chain === 'INPUT' ? `-i eth${n}+` : `-i eth${n}+ ! -o br${n}`

const filterRules: Make[] = [
  (f, n) => `-s ${net(f, n)} -j ACCEPT`,
  (_, n) => `-p tcp -m multiport --dports 22,80,${1000 + n}:${1100 + n} -j ACCEPT`,
  (_, n) =>
    `-m limit --limit ${n + 1}/min --limit-burst ${(n % 7) + 1} -j LOG --log-prefix "drop ${n}: " --log-level 6`,
  () => '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  () => '-m state --state INVALID -j DROP',
  (f, n, chain) =>
    `${interfaces(chain, n)} -p tcp -m tcp --dport ${n + 1} --tcp-flags FIN,SYN,RST,ACK SYN -j USER${n % 4}-${f}`,
  (_, n) => `-m u32 --u32 "0x6&0xff=0x6&&0x4&0x1fff=0x${n.toString(16)}" -j RETURN`,
  (_, n) => `-m mark --mark 0x${(n + 1).toString(16)}/0xff -j ACCEPT`,
  f => `-p tcp -j REJECT --reject-with tcp-reset -m comment --comment "strangers of family ${f}"`,
  f => `-j REJECT --reject-with ${f === 4 ? 'icmp-port-unreachable' : 'icmp6-adm-prohibited'}`,
  (f, n) => `! -s ${host(f, n)} ! -p udp -g USER${(n + 1) % 4}-${f}`,
  // No target at all: counts, and goes on.
  (f, n) => `-d ${host(f, n)} -m comment --comment "counts only"`,
  (f, n) =>
    `-d ${net(f, n)} -m addrtype --dst-type LOCAL -m pkttype --pkt-type unicast -j NFLOG --nflog-group ${n + 1}`,
  (f, n) =>
    (f === 4 ? `-p icmp -m icmp --icmp-type 8/0 -s ${net(f, n)}` : '-p ipv6-icmp -m icmp6 --icmpv6-type 128') +
    ' -j DROP',
  (f, n) => `-p udp -m udp --sport 53 -m statistic --mode nth --every ${n + 2} --packet 1 -j USER${(n + 2) % 4}-${f}`,
  (_, n) => `-m hashlimit --hashlimit-above ${n + 1}/sec --hashlimit-mode srcip --hashlimit-name h${n} -j DROP`,
  () => '-j ACCEPT',
]

const natRules: ((family: 4 | 6, n: number) => [chain: string, rule: string])[] = [
  (f, n) => ['PREROUTING', `-p tcp -m tcp --dport ${8000 + n} -j DNAT --to-destination ${bracket(f, host(f, n))}:80`],
  (f, n) => ['POSTROUTING', `-s ${net(f, n)} -j SNAT --to-source ${host(f, n)}`],
  (f, n) => ['POSTROUTING', `-s ${net(f, n)} ! -d ${net(f, n + 1)} -j MASQUERADE`],
  (_, n) => ['OUTPUT', `-p udp -m udp --dport ${n + 1} -j REDIRECT --to-ports 5353`],
  f => ['PREROUTING', `-m addrtype --dst-type LOCAL -j PUBLISHED-${f}`],
  (f, n) => [`PUBLISHED-${f}`, `-d ${host(f, n)} -j RETURN`],
  (_, n) => ['POSTROUTING', `-p tcp -j MASQUERADE --to-ports ${1024 + n}-${2048 + n} --random`],
]

const mangleRules: Make[] = [
  (_, n) => `-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss ${1200 + n}`,
  () => '-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu',
  (_, n) => `-m mark ! --mark 0x${n.toString(16)} -j MARK --set-xmark 0x${(n + 1).toString(16)}/0xffff`,
  () => '-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff',
]

const bracket = (family: 4 | 6, address: string) => (family === 4 ? address : `[${address}]`)
const pick = <T>(from: T[], n: number) => from[n % from.length] as T
const counters = (n: number) => `[${n * 3 + 1}:${n * 1000 + 84}]`

/** 200 rules in the filter table and 70 in nat, with policies and counters that are not zero. */
export function foreignTables(family: 4 | 6): string {
  const users = [0, 1, 2, 3].map(n => `USER${n}-${family}`)
  // Each user chain only leads to later ones: the kernel refuses loops.
  const chains = ['INPUT', 'FORWARD', 'OUTPUT', ...users]
  const filter = Array.from({ length: 200 }, (_, n) => {
    const chain = pick(chains, n)
    const rule = pick(filterRules, n)(family, n, chain)
    const leads = /-[jg] (USER\d-\d)/.exec(rule)?.[1]
    const allowed = !leads || !users.includes(chain) || users.indexOf(leads) > users.indexOf(chain)
    return `${counters(n)} -A ${chain} ${allowed ? rule : pick(filterRules, 1)(family, n, chain)}`
  })
  const nat = Array.from({ length: 70 }, (_, n) => {
    const [chain, rule] = pick(natRules, n)(family, n)
    return `${counters(n + 7)} -A ${chain} ${rule}`
  })
  const mangle = Array.from(
    { length: 20 },
    (_, n) => `${counters(n)} -A FORWARD ${pick(mangleRules, n)(family, n, 'FORWARD')}`,
  )
  return [
    '*filter',
    ':INPUT ACCEPT [11:1100]',
    ':FORWARD DROP [22:2200]',
    ':OUTPUT ACCEPT [33:3300]',
    ...users.map(name => `:${name} - [0:0]`),
    ...filter,
    'COMMIT',
    '*nat',
    ':PREROUTING ACCEPT [1:100]',
    ':POSTROUTING ACCEPT [2:200]',
    `:PUBLISHED-${family} - [0:0]`,
    ...nat,
    'COMMIT',
    '*mangle',
    ...mangle,
    'COMMIT',
    '',
  ].join('\n')
}
