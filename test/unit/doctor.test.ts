// What doctor makes of what it read: nothing is read here.
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import { tellDiagnosis } from '../../src/cli/host/doctor-text.js'
import { judgeBackends } from '../../src/doctor/backend.js'
import * as capacity from '../../src/doctor/capacity.js'
import { type Check, type Judgement, type Status, some, sysctlName } from '../../src/doctor/check.js'
import { type Features, judgeFeatures } from '../../src/doctor/features.js'
import { type Forwarding, judgeForwarding } from '../../src/doctor/forwarding.js'
import { judgeMtus } from '../../src/doctor/mtu.js'
import { judgeOverlaps } from '../../src/doctor/overlap.js'
import { judgeAdvertised, judgeReversePath, judgeWays, type Way } from '../../src/doctor/paths.js'
import { judgePins } from '../../src/doctor/pins.js'
import { judgePrivileges } from '../../src/doctor/privileges.js'
import { holderOf } from '../../src/doctor/records.js'
import { judgeRules, parseRules } from '../../src/doctor/rules.js'
import { parseSettings } from '../../src/doctor/sysctl-files.js'
import * as tables from '../../src/doctor/tables.js'

const says = (judgement: Judgement, status: string, evidence: RegExp, fix: RegExp | null) => {
  expect(judgement.status).toBe(status)
  expect(judgement.evidence.join('\n')).toMatch(evidence)
  if (fix) expect(judgement.fix.join('\n')).toMatch(fix)
  else expect(judgement.fix).toEqual([])
}
const fault = (errno: string, number: number) => ({ op: 'nft.generation', call: 'setns', errno, number, message: '' })

describe('privileges', () => {
  const all = { effective: '000001ffffffffff', userNamespace: false, refused: null }
  test.each([
    ['all of them', all, 'ok', /are there/, null],
    ['none', { ...all, effective: '0' }, 'stop', /lacks CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_NET_RAW/, /^sudo/],
    ['one missing', { ...all, effective: '000001ffffffdfff' }, 'stop', /lacks CAP_NET_RAW$/m, /AmbientCapabilities=/],
    [
      'over another host',
      { ...all, refused: fault('EPERM', 1) },
      'stop',
      /belongs to another user namespace/,
      /unshare/,
    ],
    ['no nf_tables', { ...all, refused: fault('EPROTONOSUPPORT', 93) }, 'ok', /are there/, null],
    ['a user namespace', { ...all, userNamespace: true }, 'ok', /in a user namespace/, null],
  ] as const)('%s', (_what, facts, status, evidence, fix) => says(judgePrivileges(facts), status, evidence, fix))
})

describe('kernel features', () => {
  const none = {
    bridge: null,
    veth: null,
    nftables: null,
    xtables: null,
    nftBridge: null,
    intervals: null,
    ctnetlink: null,
    ipv6: null,
  }
  const features = (faults: Partial<Features['faults']>, more = {}): Features => ({
    release: '6.1.0-13-amd64',
    wantsIpv6: false,
    ipv6Off: [],
    faults: { ...none, ...faults },
    ...more,
  })
  const no = fault('EOPNOTSUPP', 95)
  test.each([
    ['all', features({}), 'ok', /bridge, veth, nftables/, null],
    ['no bridge', features({ bridge: no }), 'stop', /no bridge: .*no network can be made/, /CONFIG_BRIDGE/],
    [
      'no nftables',
      features({ nftables: no, nftBridge: no, intervals: no }),
      'note',
      /the firewall backend is xtables/,
      null,
    ],
    ['no xtables', features({ xtables: no }), 'note', /the firewall backend is nftables/, null],
    ['neither', features({ nftables: no, xtables: no }), 'stop', /no firewall backend/, /CONFIG_NF_TABLES_INET/],
    ['no ctnetlink', features({ ctnetlink: no }), 'warning', /conntrack remembers/, /CONFIG_NF_CT_NETLINK/],
    ['no nf_tables on bridges', features({ nftBridge: no }), 'warning', /no nftBridge/, /CONFIG_NF_TABLES_BRIDGE/],
    ['no IPv6', features({ ipv6: no }), 'note', /no ipv6/, null],
    [
      'no IPv6, and a network has it',
      features({ ipv6: no }, { wantsIpv6: true }),
      'stop',
      /there is one recorded/,
      /CONFIG_IPV6/,
    ],
    [
      'IPv6 turned off for what is yet to be made',
      features({}, { ipv6Off: ['default'] }),
      'note',
      /disable_ipv6 = 1: interfaces yet to be made have no IPv6/,
      null,
    ],
    [
      'the same, and a network has IPv6',
      features({}, { ipv6Off: ['default', 'br.0'], wantsIpv6: true }),
      'stop',
      /br\/0\.disable_ipv6 = 1: br\.0 has no IPv6/,
      /sysctl -w net\.ipv6\.conf\.default\.disable_ipv6=0/,
    ],
    ['an old kernel', features({}, { release: '4.19.0' }), 'warning', /older than 5\.10/, /5\.10 or later/],
  ] as const)('%s', (_what, facts, status, evidence, fix) => says(judgeFeatures(facts), status, evidence, fix))
})

describe('firewall backend', () => {
  const facts = {
    chosen: { backend: 'nftables', why: 'the kernel has nf_tables' },
    nft: [],
    legacy: { 4: [], 6: [] },
    recorded: [],
  } as const
  const given = (more: object) =>
    ({ ...structuredClone(facts), ...more }) as unknown as Parameters<typeof judgeBackends>[0]
  test.each([
    ['nothing of others', given({}), 'ok', /auto takes nftables: the kernel has nf_tables/, null],
    [
      'both kinds',
      given({ nft: ['inet filter'], legacy: { 4: ['filter'], 6: [] } }),
      'note',
      /filter \(IPv4\)/,
      /iptables-legacy-save/,
    ],
    ['one kind', given({ nft: ['inet filter'] }), 'ok', /inet filter/, null],
    ['none', given({ chosen: null }), 'stop', /neither/, null],
  ] as const)('%s', (_what, one, status, evidence, fix) => says(judgeBackends(one), status, evidence, fix))
})

describe('forwarding', () => {
  const links: Forwarding['links'] = [
    { name: 'default', on: true, role: 'default' },
    { name: 'eth0.5', on: true, role: 'way out' },
  ]
  const on: Forwarding = { family: 4, on: true, links, others: [], networks: [], byUs: false, configured: null }
  const off = (name: string) => links.map(link => (link.name === name ? { ...link, on: false } : link))
  const configured = { key: 'net/ipv4/ip_forward', value: '0', file: '/etc/sysctl.conf' }
  test.each([
    ['on', on, 'ok', /ip_forward = 1: on/, null],
    ['on for others', { ...on, others: ['docker0'] }, 'ok', /forwards for others too: docker0/, null],
    ['turned on by us', { ...on, byUs: true, others: ['docker0'] }, 'ok', /for networks of egressd only/, null],
    ['off', { ...on, on: false }, 'note', /turns it on with its first network/, null],
    [
      'off under a network',
      { ...on, on: false, networks: ['br0'] },
      'stop',
      /network br0 needs it/,
      /^sysctl -w net\.ipv4\.ip_forward=1$/,
    ],
    [
      'off for the way out',
      { ...on, links: off('eth0.5') },
      'stop',
      /answers that come in by it/,
      /^sysctl -w net\.ipv4\.conf\.eth0\/5\.forwarding=1$/,
    ],
    [
      'off for what is made now',
      { ...on, links: off('default') },
      'stop',
      /made now would not forward/,
      /conf\.default\.forwarding=1/,
    ],
    ['no such family', { ...on, family: 6, on: null }, 'note', /no IPv6/, null],
    [
      'off at the next boot',
      { ...on, configured },
      'warning',
      /\/etc\/sysctl\.conf sets net\.ipv4\.ip_forward = 0/,
      /in \/etc\/sysctl\.conf/,
    ],
  ] as const)('%s', (_what, facts, status, evidence, fix) =>
    says(judgeForwarding(facts as Forwarding), status, evidence, fix),
  )
})

describe('ways out', () => {
  const way: Way = {
    family: 4,
    link: 'eth0',
    up: true,
    running: true,
    gateway: '10.0.0.1',
    table: 254,
    protocol: 3,
    neighbour: 2,
  }
  test.each([
    ['one', { ways: [way], wanted: [4] }, 'ok', /IPv4: default via 10\.0\.0\.1 dev eth0/, null],
    ['none', { ways: [], wanted: [] }, 'stop', /no default route for IPv4/, /^ip route add default/],
    ['no IPv6, which none wants', { ways: [way], wanted: [4] }, 'ok', /no default route for IPv6/, null],
    ['no IPv6, which one wants', { ways: [way], wanted: [4, 6] }, 'stop', /no default route for IPv6/, /^ip -6 route/],
    ['only IPv6', { ways: [{ ...way, family: 6 }], wanted: [] }, 'ok', /no default route for IPv4/, null],
    [
      'no carrier',
      { ways: [{ ...way, running: false }], wanted: [] },
      'stop',
      /eth0 has no carrier/,
      /ip link show eth0/,
    ],
    [
      'a silent gateway',
      { ways: [{ ...way, neighbour: 0x20 }], wanted: [] },
      'warning',
      /does not answer on eth0/,
      /ping/,
    ],
    ['another table', { ways: [{ ...way, table: 100 }], wanted: [] }, 'ok', /\(table 100\)/, null],
  ] as const)('%s', (_what, facts, status, evidence, fix) =>
    says(judgeWays(facts as unknown as Parameters<typeof judgeWays>[0]), status, evidence, fix),
  )
})

test('rules of the routing policy that are cut short, or none, are left out', () => {
  const random = () => Uint8Array.from({ length: 200 }, () => Math.floor(Math.random() * 256))
  for (let i = 0; i < 500; i++) {
    const bytes = random()
    // A message of a length that fits, of IPv4.
    if (i % 2 === 0) bytes.set([120, 0, 0, 0], 0)
    if (i % 2 === 0) bytes.set([2], 16)
    expect(judgeRules({ rules: parseRules(bytes), subnets: ['10.0.0.0/8'], bridges: [] }).status).toBeTypeOf('string')
  }
  expect(parseRules(new Uint8Array())).toEqual([])
  says(judgeRules({ rules: [], subnets: [], bridges: [] }), 'ok', /^$/, null)
})

describe('reverse path and advertisements', () => {
  const two = (all: number, a: number, b: number) => ({
    all,
    uplinks: [
      { name: 'eth0', own: a },
      { name: 'eth1', own: b },
    ],
    routed: [],
  })
  test.each([
    ['strict, one way', { all: 1, uplinks: [{ name: 'eth0', own: 0 }], routed: [] }, 'ok', /in effect strict/, null],
    [
      'loose for routed namespaces',
      { all: 2, uplinks: [], routed: ['rt0'] },
      'note',
      /namespaces of rt0 may ask in others' names/,
      /^sysctl -w net\.ipv4\.conf\.all\.rp_filter=0$/,
    ],
    ['strict for routed namespaces', { all: 1, uplinks: [], routed: ['rt0'] }, 'ok', /all.rp_filter = 1/, null],
    [
      'strict for one of two',
      two(0, 0, 1),
      'warning',
      /2 ways out, and eth1 strict/,
      /^sysctl -w net\.ipv4\.conf\.eth1\.rp_filter=2$/,
    ],
    ['strict for all', two(1, 0, 0), 'warning', /eth0, eth1 strict/, /eth0.*\n.*eth1/],
    ['the greater one counts', two(1, 2, 2), 'ok', /in effect loose/, null],
    ['off', two(0, 0, 0), 'ok', /in effect off/, null],
  ] as const)('rp_filter %s', (_what, facts, status, evidence, fix) =>
    says(judgeReversePath(facts as never), status, evidence, fix),
  )

  const learned = (acceptRa: number | null) => ({ name: 'eth0', acceptRa, learned: true })
  test.each([
    [
      '1 and forwarding',
      { forwarding: true, links: [learned(1)] },
      'stop',
      /the route runs out/,
      /^sysctl -w net\.ipv6\.conf\.eth0\.accept_ra=2$/,
    ],
    [
      '1 and forwarding, and a fixed route',
      { forwarding: true, links: [learned(1), { name: 'eth1', acceptRa: 1, learned: false }] },
      'warning',
      /runs out/,
      /accept_ra=2/,
    ],
    ['1, not forwarding', { forwarding: false, links: [learned(1)] }, 'ok', /egressd sets it to 2/, null],
    ['2', { forwarding: true, links: [learned(2)] }, 'ok', /accept_ra = 2/, null],
    ['0: another program does it', { forwarding: true, links: [learned(0)] }, 'ok', /accept_ra = 0/, null],
    ['none', { forwarding: true, links: [] }, 'ok', /no IPv6 default route/, null],
  ] as const)('accept_ra %s', (_what, facts, status, evidence, fix) =>
    says(judgeAdvertised(facts as never), status, evidence, fix),
  )
})

describe('overlaps', () => {
  const network = { name: 'net', bridge: 'br0', subnets: ['10.1.0.0/16'] }
  const route = (destination: string, more = {}) => ({ destination, link: 'eth0', alias: null, ...more })
  test.each([
    ['none', [route('10.2.0.0/16')], 'ok', /overlaps no route/, null],
    [
      'a part',
      [route('10.1.2.0/24')],
      'stop',
      /10\.1\.0\.0\/16 of network net overlaps the route to 10\.1\.2\.0\/24 dev eth0/,
      /^ip route del 10\.1\.2\.0\/24 dev eth0$/m,
    ],
    ['the same', [route('10.1.0.0/16')], 'stop', /leave that way/, /another subnet/],
    ['more', [route('10.0.0.0/8')], 'warning', /wider/, /ip route del 10\.0\.0\.0\/8/],
    [
      'a blackhole',
      [route('10.1.2.0/24', { link: null })],
      'stop',
      /to 10\.1\.2\.0\/24:/,
      /^ip route del 10\.1\.2\.0\/24$/m,
    ],
    ['its own', [route('10.1.0.0/16', { link: 'br0', alias: 'egressd:net' })], 'ok', /overlaps no route/, null],
    ['of another family', [route('fd00::/8')], 'ok', /overlaps no route/, null],
  ] as const)('%s', (_what, routes, status, evidence, fix) =>
    says(judgeOverlaps({ networks: [network], routes: [...routes] }), status, evidence, fix),
  )

  test('no network', () =>
    says(judgeOverlaps({ networks: [], routes: [route('10.0.0.0/8')] }), 'ok', /routes to 10\.0\.0\.0\/8/, null))
})

describe('MTU', () => {
  const way = (mtu: number, kind: string | null = null) => ({ family: 4 as const, link: 'eth0', kind, mtu })
  const network = (mtu: number, ipv6 = false) => ({ name: 'net', mtu, ipv6, bridge: { name: 'br0', mtu } })
  test.each([
    ['the same', [way(1500)], [network(1500, true)], 'ok', /MTU 1500/, null],
    ['a tunnel', [way(1420, 'wireguard')], [], 'ok', /a tunnel \(wireguard\)/, null],
    ['wider than a tunnel', [way(1420, 'wireguard')], [network(1500)], 'warning', /more than eth0/, /^mtu: 1420/],
    [
      'too narrow for IPv6',
      [way(1200)],
      [network(1500, true)],
      'stop',
      /has IPv6, which needs 1280/,
      /ip link set eth0 mtu 1280/,
    ],
    ['narrow, and none has IPv6', [way(1200)], [network(1200)], 'ok', /network net has MTU 1200/, null],
    ['narrow, and no network', [way(1200)], [], 'warning', /less than IPv6 needs/, /1280/],
    [
      'a bridge that somebody narrowed',
      [way(1500)],
      [{ ...network(1500), bridge: { name: 'br0', mtu: 1400 } }],
      'warning',
      /br0 has MTU 1400/,
      /ip link set br0 mtu 1500/,
    ],
    ['nowhere to go', [], [network(1500)], 'ok', /nothing leaves/, null],
  ] as const)('%s', (_what, ways, networks, status, evidence, fix) =>
    says(judgeMtus({ ways: [...ways], networks: [...networks] }), status, evidence, fix),
  )
})

describe('room', () => {
  const neighbours = (namespaces: number, soft: number | null, hard: number | null, permanent = false) =>
    tables.judgeNeighbours({ namespaces, permanent, families: [{ family: 4, thresholds: [128, soft, hard] }] })
  test.each([
    ['enough', neighbours(100, 512, 1024), 'ok', /gc_thresh1 to 3 are 128, 512, 1024/, null],
    ['above the soft limit', neighbours(256, 512, 1024), 'warning', /gc_thresh2 = 512/, /gc_thresh3=1024$/],
    [
      'above the hard limit',
      neighbours(4000, 512, 1024),
      'stop',
      /overflow/,
      /gc_thresh1=4096\n.*gc_thresh2=8192\n.*gc_thresh3=16384/,
    ],
    ['permanent entries', neighbours(4000, 512, 1024, true), 'ok', /do not count/, null],
    ['not to be seen', neighbours(4000, null, null), 'note', /not to be seen from here: it must be over 8000/, null],
    ['not to be seen, and of no account', neighbours(4000, null, null, true), 'ok', /not to be seen/, null],
  ] as const)('neighbours: %s', (_what, judgement, status, evidence, fix) => says(judgement, status, evidence, fix))

  const conntrack = (namespaces: number, count: number | null, max: number | null, buckets = 65_536) =>
    tables.judgeConntrack({ namespaces, count, max, buckets })
  test.each([
    ['enough', conntrack(100, 0, 262_144), 'ok', /100 namespaces with 64 flows each take 6400/, null],
    ['planned beyond it', conntrack(4000, 0, 65_536), 'warning', /more than it takes/, /nf_conntrack_max=524288/],
    ['full', conntrack(1, 65_536, 65_536), 'stop', /is full/, /nf_conntrack_max=262144/],
    ['nearly full', conntrack(1, 60_000, 65_536), 'warning', /nine tenths/, /nf_conntrack_max=/],
    ['no limit', conntrack(1_000_000, 9, 0), 'ok', /= 0, of which 9/, null],
    ['few buckets', conntrack(1, 0, 1_048_576, 16_384), 'note', /chains of more than 8/, /nf_conntrack_buckets=262144/],
    ['not loaded', conntrack(1, null, null), 'ok', /not loaded/, null],
  ] as const)('conntrack: %s', (_what, judgement, status, evidence, fix) => says(judgement, status, evidence, fix))

  const bridge = { name: 'br0', mode: 'bridge', namespaces: 3 }
  test.each([
    ['ports enough', capacity.judgePorts({ namespaces: 1023, networks: [] }), 'ok', /takes 1023 ports/, null],
    [
      'too few',
      capacity.judgePorts({ namespaces: 1024, networks: [bridge] }),
      'warning',
      /do not fit one bridge/,
      /mode: routed/,
    ],
    ['two bridges', capacity.judgePorts({ namespaces: 2000, networks: [bridge, bridge] }), 'ok', /has 3/, null],
    [
      'a routed network',
      capacity.judgePorts({ namespaces: 4000, networks: [{ ...bridge, mode: 'routed' }] }),
      'ok',
      /\(routed\)/,
      null,
    ],
    [
      'descriptors',
      capacity.judgeDescriptors({ namespaces: 100, soft: 1024, hard: 4096 }),
      'ok',
      /1024, at most 4096/,
      null,
    ],
    [
      'few',
      capacity.judgeDescriptors({ namespaces: 1000, soft: 1024, hard: 1024 }),
      'warning',
      /hold a descriptor each/,
      /LimitNOFILE=2048/,
    ],
    [
      'too few to work',
      capacity.judgeDescriptors({ namespaces: 1, soft: 64, hard: 64 }),
      'stop',
      /256 are needed/,
      /prlimit --nofile=512/,
    ],
    ['memory', capacity.judgeMemory({ namespaces: 100, available: 2 ** 30 }), 'ok', /35 MB of kernel memory/, null],
    [
      'half of it',
      capacity.judgeMemory({ namespaces: 2000, available: 2 ** 30 }),
      'warning',
      /more than half/,
      /at most 1497 namespaces/,
    ],
    ['more', capacity.judgeMemory({ namespaces: 4000, available: 2 ** 30 }), 'stop', /more than there is/, /at most/],
    ['backlog', capacity.judgeBacklog({ namespaces: 100, bridges: true, backlog: 1000 }), 'ok', /= 1000/, null],
    [
      'short',
      capacity.judgeBacklog({ namespaces: 4000, bridges: true, backlog: 1000 }),
      'warning',
      /1023 ports/,
      /netdev_max_backlog=8192/,
    ],
    [
      'routed networks only',
      capacity.judgeBacklog({ namespaces: 4000, bridges: false, backlog: 1000 }),
      'ok',
      /= 1000/,
      null,
    ],
    [
      'limits',
      capacity.judgeLimits({ namespaces: 100, standing: 0, maxNamespaces: 1000, maxMounts: 1000, mounts: 20 }),
      'ok',
      /1000/,
      null,
    ],
    [
      'namespaces',
      capacity.judgeLimits({ namespaces: 1000, standing: 0, maxNamespaces: 1000, maxMounts: null, mounts: 20 }),
      'stop',
      /more than that/,
      /user\.max_net_namespaces=2048/,
    ],
    [
      'mounts',
      capacity.judgeLimits({ namespaces: 100, standing: 10, maxNamespaces: null, maxMounts: 100, mounts: 20 }),
      'stop',
      /90 more do not fit/,
      /fs\.mount-max=256/,
    ],
  ] as const)('%s', (_what, judgement, status, evidence, fix) => says(judgement, status, evidence, fix))
})

describe('pins', () => {
  const facts = { path: '/run/netns', mount: { group: 7 }, own: 'mnt:[1]', first: 'mnt:[1]', firstMount: { group: 7 } }
  test.each([
    ['shared, and one mount namespace', facts, 'ok', /the host sees/, null],
    ['no mount yet', { ...facts, mount: null }, 'ok', /no mount yet/, null],
    ['private', { ...facts, mount: { group: null } }, 'note', /not shared/, /mount --make-shared \/run\/netns/],
    ['hidden', { ...facts, own: 'mnt:[2]', mount: { group: 9 } }, 'warning', /hidden from the host/, /ProtectSystem/],
    ['shared with the host', { ...facts, own: 'mnt:[2]' }, 'ok', /shares that mount/, null],
    ['unreadable', { ...facts, first: null }, 'ok', /may not be read/, null],
  ] as const)('%s', (_what, given, status, evidence, fix) => says(judgePins(given), status, evidence, fix))
})

test('who holds a lock, from /proc/locks', () => {
  const locks = `1: POSIX  ADVISORY  WRITE 7 00:15:99 0 EOF
2: FLOCK  ADVISORY  READ  8 00:15:99 0 EOF
3: FLOCK  ADVISORY  WRITE 708 00:15:98 0 EOF
4: FLOCK  ADVISORY  WRITE 709 fe:00:99 0 EOF
5: FLOCK  ADVISORY  WRITE 710 00:15:99 0 EOF`
  expect(holderOf(locks, { device: 0x15, inode: 99 })).toBe(710)
  expect(holderOf(locks, { device: 0xfe00, inode: 99 })).toBe(709)
  expect(holderOf(locks, { device: 0x15, inode: 97 })).toBeNull()
})

test('names of sysctls, and files of them', () => {
  expect(sysctlName('net/ipv4/conf/eth0.5/rp_filter')).toBe('net.ipv4.conf.eth0/5.rp_filter')
  const text =
    '# c\n; c\n net.ipv4.ip_forward = 0 \n-net/ipv4/conf/eth0.5/forwarding=1\nnet.ipv4.conf.eth0/5.rp_filter=2\nbroken\n'
  expect(parseSettings(text, '/f')).toEqual([
    { key: 'net/ipv4/ip_forward', value: '0', file: '/f' },
    { key: 'net/ipv4/conf/eth0.5/forwarding', value: '1', file: '/f' },
    { key: 'net/ipv4/conf/eth0.5/rp_filter', value: '2', file: '/f' },
  ])
  expect(some(['a', 'b', 'c'], 2)).toBe('a, b and 1 more')
})

describe('text', () => {
  const check = (status: Status, more = {}): Check => ({
    id: status,
    group: 'host',
    title: `a ${status}`,
    status,
    evidence: ['seen'],
    fix: [],
    ...more,
  })
  const checks = [check('warning', { fix: ['do it', 'then that'] }), check('stop', { group: 'state' }), check('ok')]
  const tell = (colours: boolean) => tellDiagnosis({ ok: false, checks }, { colours, width: 80 })

  test('grouped, with its evidence and fix; in the end the worst first', () => {
    expect(tell(false)).toEqual([
      'This host as a router',
      '  warning  a warning',
      '           seen',
      '           > do it',
      '           > then that',
      '',
      'What is there of egressd',
      '  stop     a stop',
      '           seen',
      '',
      'This host as a router',
      '  ok       a ok',
      '           seen',
      '',
      '  stop     a stop',
      '  warning  a warning: do it',
      'Egress would not work here (exit status 1). 3 checks: 1 ok, 0 notes, 1 warning, 1 that stops egress.',
    ])
  })

  test('colours change nothing but colour', () => {
    const coloured = tell(true)
    expect(coloured.join()).toContain('\x1b[')
    expect(coloured.map(stripVTControlCharacters)).toEqual(tell(false))
  })
})
