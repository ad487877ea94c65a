import { describe, expect, test } from 'vitest'
import { applyAdmission, explainForeign } from '../../src/apply/admission.js'
import { firewallNetwork } from '../../src/plan/firewall.js'
import { parseNetwork } from '../../src/spec/network.js'
import { allRules, iptables, reaches, variants } from '../helpers/foreign-firewalls.js'
import { createHost } from '../helpers/host.js'
import { createLibrary, dual, families, type Library, named } from '../helpers/library.js'

const publics = { 4: '8.8.8.8', 6: '2001:4860:4860::8888' }
const passes = { ping: true, tcp: true }
const dropped = { ping: false, tcp: false }
const network = (more = {}) => firewallNetwork(parseNetwork({ ...dual, ...more }), 'nftables')

const neighbours = 'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept;'
const drops = 'table inet f {\n chain c { type filter hook forward priority 0; policy drop; }\n}\n'

/** With what a host of that kind has besides. */
const plain: [what: string, rules: string, chain: string, rule: RegExp][] = [
  [
    'policy drop',
    `table inet filter {
       set trusted { type ifname; elements = { "lan0" } }
       chain input { type filter hook input priority filter; policy drop; ${neighbours} }
       chain forward {
         type filter hook forward priority filter; policy drop;
         ct state vmap { established : accept, related : accept, invalid : drop }
         iifname @trusted accept
         tcp dport 25 drop comment "no mail"
       }
     }`,
    'forward',
    /"no mail"\n\s*iifname "br0" accept comment "egressd:br0"\n\s*\}/,
  ],
  [
    'a last rule that rejects',
    `table inet filter {
       chain forward {
         type filter hook forward priority filter; policy accept;
         oifname "lan0" accept
         limit rate 3/minute log prefix "refused "
         reject with icmpx admin-prohibited
       }
     }`,
    'forward',
    /oifname "br0" ct state established,related accept comment "egressd:br0"[\s\S]*reject with icmpx admin-prohibited\n\s*\}/,
  ],
  [
    'a chain made for dropping',
    `table inet filter {
       chain bad { log prefix "bad "; counter; drop; }
       chain forward {
         type filter hook forward priority filter - 5; policy accept;
         tcp dport 23 jump bad
         ct state established accept
         jump bad
       }
     }`,
    'forward',
    /iifname "br0" accept comment "egressd:br0"\n\s*jump bad/,
  ],
  [
    'a drop before routing',
    `table inet filter {
       chain early { type filter hook prerouting priority mangle; policy drop; iifname "lo" accept; ${neighbours} }
     }`,
    'early',
    /ct original ip saddr 192\.168\.0\.0\/16 accept comment "egressd:br0"/,
  ],
  [
    'a drop behind masquerade',
    `table inet filter {
       chain late { type filter hook postrouting priority srcnat + 10; policy drop; oifname "lo" accept; ${neighbours} }
     }`,
    'late',
    /ct original ip6 saddr fd00::\/64 accept comment "egressd:br0"/,
  ],
  [
    'a drop on the bridge',
    `table bridge filter {
       chain in { type filter hook input priority filter; policy drop; ether type arp accept; }
       chain out { type filter hook output priority filter; policy drop; ether type arp accept; }
     }`,
    'in',
    /ip saddr 192\.168\.0\.0\/16 accept comment "egressd:br0"/,
  ],
]

async function dropsAndAdmits(library: Library, more = {}) {
  const { egress, host, watch } = library
  const before = allRules(host)
  const closed = await egress.network({ ...dual, ...more, admit: false })
  const inside = await closed.create(named)
  for (const family of families) expect(await reaches(library, inside, publics[family], 300)).toEqual(dropped)
  const found = await explainForeign(host.kernel, [network({ ...more, admit: false })])
  expect(found.length).toBeGreaterThan(0)
  expect(found.filter(({ certain, admitted }) => !certain || admitted)).toEqual([])
  await inside.destroy({ wait: 'gone' })
  await closed.destroy()
  expect(allRules(host)).toBe(before)

  const open = await egress.network({ ...dual, ...more, admit: true })
  const namespace = await open.create(named)
  for (const family of families) expect(await reaches(library, namespace, publics[family], 20_000)).toEqual(passes)
  const admitted = await explainForeign(host.kernel, [network({ ...more, admit: true })])
  expect(admitted).toEqual(found.map(one => ({ ...one, admitted: true })))
  watch.reset()
  await egress.network({ ...dual, ...more, admit: true })
  expect(watch.writes).toEqual([])
  return {
    found,
    async end() {
      await namespace.destroy({ wait: 'gone' })
      await open.destroy()
      expect(allRules(host)).toBe(before)
    },
  }
}

describe('nftables', () => {
  test.each(plain)('%s', async (_what, rules, chain, rule) => {
    await using library = await createLibrary()
    library.host.tool('nft', ['-f', '-'], { input: rules })
    const { found, end } = await dropsAndAdmits(library)
    expect(found.map(({ where }) => where.chain)).toContain(chain)
    expect(library.host.tool('nft', ['list', 'ruleset'])).toMatch(rule)
    await end()
  })

  test('a rule that somebody put before ours does not stay there', async () => {
    await using library = await createLibrary()
    const { host, egress } = library
    host.tool('nft', ['-f', '-'], { input: drops })
    const open = await egress.network({ ...dual, admit: true })
    const namespace = await open.create(named)
    host.tool('nft', ['insert', 'rule', 'inet', 'f', 'c', 'iifname', 'br0', 'drop'])
    expect(await reaches(library, namespace, publics[4], 300)).toEqual(dropped)
    await egress.network({ ...dual, admit: true })
    expect(await reaches(library, namespace, publics[4], 20_000)).toEqual(passes)
  })

  test('where the drop goes, ours goes as well', async () => {
    await using library = await createLibrary()
    const { host, egress } = library
    host.tool('nft', ['-f', '-'], { input: drops })
    await egress.network({ ...dual, admit: true })
    expect(allRules(host)).toContain('egressd:br0')
    host.tool('nft', ['chain', 'inet', 'f', 'c', '{ policy accept; }'])
    await egress.network({ ...dual, admit: true })
    expect(allRules(host)).not.toContain('egressd:br0')
  })
})

describe.each(variants)('iptables-%s', variant => {
  const places: [string, string][] = [
    ['policy DROP', ':FORWARD DROP [0:0]\n-A FORWARD -i lan0 -j ACCEPT\n'],
    [
      'a last rule that rejects',
      '-A FORWARD -i lan0 -j ACCEPT\n-A FORWARD -p tcp --dport 25 -j DROP\n-A FORWARD -j REJECT\n',
    ],
  ]
  const modes = [{ mode: 'bridge' }, { mode: 'routed' }] as const
  const cases = places.flatMap(([what, rules]) => modes.map(more => [more.mode, what, rules, more] as const))

  test.each(cases)('%s: %s', async (mode, _what, rules, more) => {
    await using library = await createLibrary()
    const { host } = library
    iptables(host, variant, `*filter\n${rules}COMMIT\n`)
    host.tool('sysctl', ['-w', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'])
    const { end } = await dropsAndAdmits(library, more)
    const mark = variant === 'nft' ? 'egressd:br0' : 'egressd-admit:br0'
    const listed = host.tool(`iptables-${variant}`, ['-S', 'FORWARD']).replaceAll('"', '').split('\n')
    const whose = mode === 'bridge' ? '-i br0' : '-s 192.168.0.0/16'
    expect(listed).toContain(`-A FORWARD ${whose} -m comment --comment ${mark} -j ACCEPT`)
    // What iptables was told by hand is the same to it.
    const rule = [...whose.split(' '), '-m', 'comment', '--comment', mark, '-j', 'ACCEPT']
    expect(host.tool(`iptables-${variant}`, ['-C', 'FORWARD', ...rule])).toBe('')
    await end()
  })

  test('what has another comment is nobody of ours', async () => {
    await using host = await createHost()
    const rules = [
      '-A FORWARD -i lan0 -m comment --comment "not egressd:br0" -j ACCEPT',
      '-A FORWARD -i lan0 -m comment --comment egressdaemon -j DROP',
    ]
    iptables(host, variant, `*filter\n:FORWARD DROP [0:0]\n${rules.join('\n')}\nCOMMIT\n`)
    const before = allRules(host)
    expect(await applyAdmission(host.kernel, [network({ admit: true })])).toBe(true)
    expect(await applyAdmission(host.kernel, [])).toBe(true)
    expect(await applyAdmission(host.kernel, [])).toBe(false)
    expect(allRules(host)).toBe(before)
  })
})

test('ebtables has no words for it: it is told', async () => {
  await using host = await createHost()
  host.tool('ebtables-nft', ['-P', 'INPUT', 'DROP'])
  const before = allRules(host)
  expect(await applyAdmission(host.kernel, [network({ admit: true })])).toBe(false)
  const [found] = await explainForeign(host.kernel, [network()])
  expect(found).toMatchObject({ where: { family: 'bridge', chain: 'INPUT' }, certain: true, admitted: false })
  expect(found?.why).toMatch(/the policy of INPUT is drop; no rule of ours could let it through there$/)
  expect(allRules(host)).toBe(before)
})

test('a host without legacy tables gets none by being looked at', async () => {
  await using host = await createHost()
  await applyAdmission(host.kernel, [network({ admit: true })])
  await explainForeign(host.kernel, [network()])
  expect(host.tool('cat', ['/proc/net/ip_tables_names', '/proc/net/ip6_tables_names'])).toBe('')
})

test('by the xtables backend too, nothing is there twice', async () => {
  await using library = await createLibrary()
  iptables(library.host, 'legacy', '*filter\n:FORWARD DROP [0:0]\nCOMMIT\n')
  iptables(library.host, 'nft', '*filter\n:FORWARD DROP [0:0]\nCOMMIT\n')
  const open = await library.egress.network({ ...dual, admit: true, firewall: 'xtables' })
  const namespace = await open.create(named)
  for (const family of families) expect(await reaches(library, namespace, publics[family], 20_000)).toEqual(passes)
  expect(library.host.tool('iptables-legacy', ['-S'])).not.toContain('egressd-admit')
  expect(library.host.tool('iptables-nft', ['-S'])).toContain('egressd:br0')
  library.watch.reset()
  await library.egress.network({ ...dual, admit: true, firewall: 'xtables' })
  expect(library.watch.writes).toEqual([])
})
