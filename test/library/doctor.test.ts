// Each fault made on purpose in a private host: that one is found, with its fix, and no other.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { diagnose } from '../../src/doctor/diagnose.js'
import type { Kernel, KernelFactory } from '../../src/kernel/kernel.js'
import { nativeKernel } from '../../src/kernel/native.js'
import type { Op } from '../../src/kernel/ops.js'
import { byId, changed, look, standing } from '../helpers/doctor.js'
import { isRead } from '../helpers/faults.js'
import { layDocker } from '../helpers/foreign-firewalls.js'
import { createLibrary, dual, type Library } from '../helpers/library.js'

/** A door that keeps what is done to the host itself. */
class Recorder implements KernelFactory {
  readonly onHost: Op[] = []

  open(...args: Parameters<KernelFactory['open']>): Kernel {
    const kernel = nativeKernel.open(...args)
    const run = kernel.run.bind(kernel)
    kernel.run = (ops => {
      for (const op of ops as readonly Op[]) {
        const made = op.op === 'netns.create' && op.pin === undefined
        if (!isRead(op.op) && !made && (op.in ?? 0) === 0) this.onHost.push(op)
      }
      return run(ops)
    }) as Kernel['run']
    return kernel
  }
}

test('a host that works: nothing stops egress, nothing is written, and the owner keeps its directory', async () => {
  await using library = await standing()
  const before = library.census()
  const recorder = new Recorder()
  const diagnosis = await look(library, { kernel: recorder })
  expect(diagnosis.ok).toBe(true)
  // What the machine around the test is like is not the test's to say.
  const own = diagnosis.checks.filter(({ group }) => !['others', 'capacity'].includes(group))
  expect(own.filter(({ status, id }) => status !== 'ok' && status !== 'note' && id !== 'pins')).toEqual([])
  expect(byId(diagnosis, 'state').evidence.join()).toContain(
    `1 networks and 1 namespaces, in use by process ${process.pid}`,
  )
  expect(recorder.onHost).toEqual([])
  expect(library.census()).toEqual(before)
  await library.egress.network(dual)
})

test('an anonymous namespace is no remains while its process runs', async () => {
  await using library = await standing()
  const before = await look(library)
  await library.egress.networks[0]?.create()
  expect(changed(before, await look(library))).toEqual({})
  library.host.tool('ip', ['link', 'set', 'veth0', 'alias', 'egressd:br0/anonymous-4194305-1'])
  expect(byId(await look(library), 'state').evidence.join()).toContain('veth0 ("egressd:br0/anonymous-4194305-1")')
})

test('namespaces that another host of this machine has pinned in the same folder are none of ours', async () => {
  await using library = await standing()
  const before = await look(library)
  await using other = await createLibrary({ netnsDir: library.netnsDir })
  const network = await other.egress.network(dual)
  await network.create({ name: 'theirs' })
  expect(changed(before, await look(library))).toEqual({})
  await other.egress.down()
})

test('a host with nothing on it is looked at, and no folder is made', async () => {
  await using library = await createLibrary()
  const stateDir = `${library.stateDir}-none`
  const diagnosis = await look(library, { stateDir })
  expect(byId(diagnosis, 'forwarding-ipv4')).toMatchObject({ status: 'note', fix: [] })
  expect(byId(diagnosis, 'state')).toMatchObject({
    status: 'ok',
    evidence: [`${stateDir}: 0 networks and 0 namespaces`],
  })
  expect(() => readFileSync(stateDir)).toThrow('ENOENT')
  await expect(diagnose({ host: '/run/no-such-file' })).rejects.toMatchObject({ code: 'EGRESSD_NOT_FOUND' })
})

const secondWay = `ip link add uplink1 type veth peer name far1; ip addr add 198.51.100.2/24 dev uplink1; ip link set far1 up
  ip link set uplink1 up; ip route add default via 198.51.100.1 dev uplink1 metric 50`
const noFixedWay = 'ip -6 route del default; ip -6 route add default via fe80::1 dev uplink0 proto ra'

const faults: [what: string, line: string, found: Record<string, string>, fix: string][] = [
  [
    'forwarding off',
    'echo 0 > /proc/sys/net/ipv4/ip_forward',
    { 'forwarding-ipv4': 'stop' },
    'sysctl -w net.ipv4.ip_forward=1',
  ],
  [
    'forwarding off for the bridge',
    'echo 0 > /proc/sys/net/ipv6/conf/br0/forwarding',
    { 'forwarding-ipv6': 'stop' },
    'sysctl -w net.ipv6.conf.br0.forwarding=1',
  ],
  [
    'forwarding off for the uplink',
    'echo 0 > /proc/sys/net/ipv4/conf/uplink0/forwarding',
    { 'forwarding-ipv4': 'stop' },
    'sysctl -w net.ipv4.conf.uplink0.forwarding=1',
  ],
  [
    'forwarding off for new links',
    'echo 0 > /proc/sys/net/ipv4/conf/default/forwarding',
    { 'forwarding-ipv4': 'stop' },
    'sysctl -w net.ipv4.conf.default.forwarding=1',
  ],
  ['rp_filter strict, one way out', 'echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter', {}, ''],
  [
    'rp_filter strict, two ways out',
    `${secondWay}; echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter`,
    { 'reverse-path': 'warning' },
    'sysctl -w net.ipv4.conf.uplink0.rp_filter=2',
  ],
  ['rp_filter loose, two ways out', `${secondWay}; echo 2 > /proc/sys/net/ipv4/conf/all/rp_filter`, {}, ''],
  [
    'a rule that drops what a network sends',
    'ip rule add from 192.168.0.0/16 prohibit priority 100',
    { 'policy-rules': 'stop' },
    'ip rule del priority 100   # where nobody needs it',
  ],
  [
    'a rule that drops some of it',
    'ip -6 rule add fwmark 7 blackhole priority 101',
    { 'policy-rules': 'warning' },
    'ip -6 rule del priority 101   # where nobody needs it',
  ],
  ['a rule of another way out', 'ip rule add iif br0 lookup 77 priority 102', { 'policy-rules': 'note' }, ''],
  [
    'rules that are not about networks',
    `ip rule add from 198.51.100.0/24 blackhole; ip rule add iif lo lookup 9; ip rule add uidrange 0-0 prohibit
     ip rule add iif uplink0 unreachable; ip -6 rule add from 2001:db8::/32 prohibit`,
    {},
    '',
  ],
  [
    'no rule to the main table',
    'ip rule del lookup main',
    { 'policy-rules': 'stop' },
    'ip rule add lookup main priority 32766',
  ],
  [
    'a route into the subnet',
    'ip route add 192.168.7.0/24 dev uplink0',
    { 'overlapping-routes': 'stop' },
    'ip route del 192.168.7.0/24 dev uplink0',
  ],
  [
    'a route around the subnet',
    'ip route add 192.0.0.0/8 dev uplink0',
    { 'overlapping-routes': 'warning' },
    'ip route del 192.0.0.0/8 dev uplink0',
  ],
  [
    'a narrow way out',
    'ip link set uplink0 mtu 1400',
    { mtu: 'warning' },
    'mtu: 1400   # for network br0; "auto" takes that of the way out when it is made',
  ],
  [
    'one too narrow for IPv6',
    'ip link set uplink0 mtu 1200',
    { mtu: 'stop', 'way-out': 'stop' },
    'ip link set uplink0 mtu 1280   # or more',
  ],
  [
    'a narrow route',
    'ip route change default via 203.0.113.1 mtu 1300',
    { mtu: 'warning' },
    'mtu: 1300   # for network br0; "auto" takes that of the way out when it is made',
  ],
  ['no way out', 'ip route del default', { 'way-out': 'stop' }, 'ip route add default via GATEWAY dev UPLINK'],
  [
    'advertisements ignored',
    `${noFixedWay}; echo 1 > /proc/sys/net/ipv6/conf/uplink0/accept_ra`,
    { 'router-advertisements': 'stop' },
    'sysctl -w net.ipv6.conf.uplink0.accept_ra=2',
  ],
  ['advertisements taken', `${noFixedWay}; echo 2 > /proc/sys/net/ipv6/conf/uplink0/accept_ra`, {}, ''],
  [
    'rules of both kinds',
    'iptables-legacy -A FORWARD -j ACCEPT; nft add table inet other',
    { 'firewall-backend': 'note' },
    'iptables-legacy-save; nft list ruleset   # to see all of them',
  ],
  [
    'a veth that is gone',
    'ip link del veth0',
    { state: 'stop' },
    'egressd apply -f FILE   # puts back what is missing',
  ],
  [
    'a bridge that is gone',
    'ip link del br0',
    { state: 'stop' },
    'egressd apply -f FILE   # puts back what is missing',
  ],
  [
    'a link of ours in no record',
    'ip link add br9 type bridge; ip link set br9 alias egressd:br9',
    { state: 'warning' },
    'egressd gc --dry-run   # says what of it would go; then without --dry-run',
  ],
  ['a link that is not ours', 'ip link add br9 type bridge; ip link set br9 alias mine', {}, ''],
]

test.each(faults)('%s', async (_what, line, expected, fix) => {
  await using library = await standing()
  const before = await look(library)
  library.host.tool('sh', ['-ec', line])
  const after = await look(library)
  expect(changed(before, after)).toEqual(expected)
  expect(after.ok).toBe(!Object.values(expected).includes('stop'))
  const [id] = Object.keys(expected)
  if (id && fix) expect(byId(after, id).fix).toContain(fix)
})

describe('firewalls of others', () => {
  const drop = `table inet theirs { chain forward { type filter hook forward priority 0; policy drop; ct state established accept; }; }`
  const lay = ({ host }: Library) => host.tool('nft', ['-f', '-'], { input: drop })

  test('one that drops: the rule that admits us is missed, and found once it is back', async () => {
    await using library = await standing()
    const before = await look(library)
    lay(library)
    const dropped = await look(library)
    expect(changed(before, dropped)).toEqual({ 'foreign-drops': 'stop' })
    expect(byId(dropped, 'foreign-drops').evidence.join()).toContain(
      'inet theirs forward (nftables, hook forward) drops IPv4 and IPv6',
    )
    expect(byId(dropped, 'foreign-drops').fix).toEqual(['egressd apply -f FILE   # puts it back'])
    await library.egress.network(dual)
    const admitted = await look(library)
    expect(changed(before, admitted)).toEqual({})
    expect(byId(admitted, 'foreign-drops').evidence.join()).toContain('a rule of egressd there lets it through')
  })

  test('a network that is not to be admitted', async () => {
    await using library = await createLibrary()
    await library.egress.network({ ...dual, admit: false })
    lay(library)
    const check = byId(await look(library), 'foreign-drops')
    expect(check.status).toBe('stop')
    expect(check.fix).toEqual(['admit: true   # for network br0', 'nft list chain inet theirs forward   # to see it'])
    expect(library.host.tool('sh', ['-c', check.fix[1] as string])).toContain('policy drop')
  })

  test('before there is any network', async () => {
    await using library = await createLibrary()
    lay(library)
    const check = byId(await look(library), 'foreign-drops')
    expect(check).toMatchObject({ status: 'note', fix: [] })
    expect(check.evidence.join()).toContain('"admit: true", the default, lets networks through')
  })

  test.each(['legacy', 'nft'] as const)('Docker, by iptables-%s', async variant => {
    await using library = await createLibrary()
    await library.egress.network({ ...dual, admit: false })
    const before = await look(library)
    layDocker(library.host, variant, 24)
    const after = await look(library)
    expect(changed(before, after)).toEqual({ 'foreign-drops': 'stop' })
    const { fix } = byId(after, 'foreign-drops')
    for (const line of fix.slice(1)) expect(library.host.tool('sh', ['-c', line])).toContain('-P FORWARD DROP')
  })
})

test('br_netfilter is as its sysctls say', async () => {
  await using library = await standing()
  const keys = ['iptables', 'ip6tables'].map(table => `/proc/sys/net/bridge/bridge-nf-call-${table}`)
  const set = (value: 0 | 1) =>
    library.host.tool('sh', ['-ec', keys.map(key => `[ ! -e ${key} ] || echo ${value} > ${key}`).join('; ')])
  set(0)
  const off = byId(await look(library), 'bridge-netfilter')
  expect(off).toMatchObject({ status: 'ok', fix: [] })
  set(1)
  const on = byId(await look(library), 'bridge-netfilter')
  const loaded = !off.evidence.join().includes('not loaded')
  expect(on.status).toBe(loaded ? 'note' : 'ok')
  if (loaded) expect(on.fix[0]).toContain('sysctl -w net.bridge.bridge-nf-call-iptables=0')
})
