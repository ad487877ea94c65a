// What doctor says of records, of a machine's limits and of others' settings, each spoilt on purpose.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { dyingGroup } from '../../src/plan/desired.js'
import { byId, changed, look, machine, standing } from '../helpers/doctor.js'
import { createLibrary, type Library } from '../helpers/library.js'

describe('what a state directory says', () => {
  const write = ({ stateDir }: Library, file: string, change: (record: Record<string, unknown>) => object) => {
    const path = join(stateDir, file)
    writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')))))
  }
  const cases: [what: string, spoil: (library: Library) => void, status: string, evidence: string][] = [
    [
      'of another boot',
      library => write(library, 'host.json', host => ({ ...host, boot: 'other' })),
      'note',
      'of another boot (other)',
    ],
    [
      'of another host',
      library => write(library, 'host.json', host => ({ ...host, host: { device: 4, inode: 5 } })),
      'stop',
      'of another host network namespace (inode 5)',
    ],
    [
      'half made',
      library => write(library, 'namespaces/ns0.json', record => ({ ...record, status: 'making' })),
      'warning',
      'half made: namespace ns0',
    ],
    [
      'not JSON',
      ({ stateDir }) => writeFileSync(join(stateDir, 'networks/br0.json'), '{'),
      'stop',
      'networks/br0.json',
    ],
    [
      'a write not finished',
      ({ stateDir }) => writeFileSync(join(stateDir, 'networks/br0.json.new'), '{'),
      'note',
      'networks/br0.json.new',
    ],
    [
      'a namespace without its record',
      ({ stateDir }) => rmSync(join(stateDir, 'namespaces/ns0.json')),
      'warning',
      'netns/ns0, with interfaces of ours inside',
    ],
    [
      'a namespace without its pin',
      ({ host, netnsDir }) => host.tool('sh', ['-ec', `umount ${netnsDir}/ns0; rm ${netnsDir}/ns0`]),
      'stop',
      'recorded, but gone: namespace ns0 (',
    ],
  ]
  test.each(cases)('%s', async (_what, spoil, status, evidence) => {
    await using library = await standing()
    await library.egress.close()
    const before = await look(library)
    expect(byId(before, 'state').status).toBe('ok')
    spoil(library)
    const after = await look(library)
    expect(byId(after, 'state')).toMatchObject({ status })
    expect(byId(after, 'state').evidence.join('\n')).toContain(evidence)
    expect(after.ok).toBe(status !== 'stop')
  })

  test('links of namespaces that were destroyed and not yet reaped', async () => {
    await using library = await standing()
    await library.egress.close()
    library.host.tool('ip', ['link', 'set', 'veth0', 'group', String(dyingGroup)])
    expect(byId(await look(library), 'state').evidence.join('\n')).toContain(
      'left behind: veth0, of namespaces that were',
    )
  })
})

test('limits of a machine that is too small for what is planned', async () => {
  await using library = await createLibrary()
  const max = Number(library.host.tool('cat', ['/proc/sys/net/netfilter/nf_conntrack_max']))
  const namespaces = Math.floor(max / 64) + 1
  const proc = (soft: number, megabytes: number, rest: number) => ({
    'proc/sys/net/ipv4/neigh/default/gc_thresh2': `${rest / 2}`,
    'proc/sys/net/ipv4/neigh/default/gc_thresh3': `${rest}`,
    'proc/sys/net/ipv6/neigh/default/gc_thresh2': `${rest / 2}`,
    'proc/sys/net/ipv6/neigh/default/gc_thresh3': `${rest}`,
    'proc/sys/net/core/netdev_max_backlog': `${rest}`,
    'proc/sys/user/max_net_namespaces': `${rest}`,
    'proc/sys/fs/mount-max': `${rest}`,
    'proc/self/limits': `Max open files            ${soft}               ${soft}               files`,
    'proc/meminfo': `MemAvailable:   ${megabytes * 1024} kB`,
  })
  using large = machine(proc(1 << 20, 1 << 20, 1 << 24))
  using small = machine(proc(1024, 512, 1024))
  const planned = { namespaces, root: small.root }
  const roomy = await look(library, { namespaces: 10, root: large.root })
  const crowded = await look(library, planned)
  expect(roomy.checks.filter(({ group, status }) => group === 'capacity' && status !== 'ok')).toEqual([])
  expect(changed(roomy, crowded)).toEqual({
    'neighbour-tables': 'stop',
    conntrack: 'warning',
    'bridge-ports': 'warning',
    backlog: 'warning',
    descriptors: 'warning',
    memory: 'stop',
    'kernel-limits': 'stop',
  })
  for (const { group, status, fix } of crowded.checks)
    if (group === 'capacity' && status !== 'ok') expect(fix).not.toEqual([])
})

test('others that would configure our links', async () => {
  await using library = await standing()
  const files = {
    'proc/101/comm': 'systemd-network\n',
    'proc/102/comm': 'NetworkManager\n',
    'proc/103/comm': 'systemd-udevd\n',
    'usr/lib/systemd/network/80-container-ve.network': '[Match]\nKind=veth\nName=ve-*\n[Network]\nDHCP=no\n',
  }
  using harmless = machine({
    ...files,
    'etc/NetworkManager/conf.d/a.conf': '[keyfile]\nunmanaged-devices=type:veth;interface-name:br*\n',
    'usr/lib/systemd/network/99-default.link':
      '[Match]\nOriginalName=*\n[Link]\nNamePolicy=keep kernel\nMACAddressPolicy=persistent\n',
  })
  using greedy = machine({
    ...files,
    'etc/systemd/network/20-all.network': '[Match]\nType=ether bridge\n[Network]\nDHCP=yes\n',
    'etc/systemd/network/10-names.link': '[Match]\nDriver=veth\n[Link]\nName=lan0\n',
  })
  const calm = await look(library, { root: harmless.root })
  expect(calm.checks.filter(({ group, status }) => group === 'others' && status !== 'ok')).toEqual([])
  expect(byId(calm, 'udev').evidence.join()).toContain('MACAddressPolicy=persistent does no harm')
  const grabbed = await look(library, { root: greedy.root })
  expect(changed(calm, grabbed)).toEqual({ networkd: 'warning', 'network-manager': 'warning', udev: 'warning' })
  expect(byId(grabbed, 'networkd').evidence.join()).toContain('/etc/systemd/network/20-all.network matches br0, veth0')
  expect(byId(grabbed, 'networkd').fix).toContain('    Unmanaged=yes')
  expect(grabbed.ok).toBe(true)
})
