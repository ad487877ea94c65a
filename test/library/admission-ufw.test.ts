import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { explainForeign } from '../../src/apply/admission.js'
import { firewallNetwork } from '../../src/plan/firewall.js'
import { parseNetwork } from '../../src/spec/network.js'
import { allRules, layUfw, reaches } from '../helpers/foreign-firewalls.js'
import { createLibrary, dual, named } from '../helpers/library.js'

const publics = ['8.8.8.8', '2001:4860:4860::8888']

test('ufw: dropped and explained, or admitted where `ufw route allow` does it', async ({ skip }) => {
  if (!existsSync('/usr/sbin/ufw')) skip('ufw is not installed')
  await using library = await createLibrary()
  const { host } = library
  using ufw = layUfw(host)
  // What its status says of routed traffic depends on whether the host forwards.
  host.tool('sysctl', ['-w', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'])
  ufw.run('--force', 'enable')
  const before = allRules(host)
  expect(before).toContain('ufw-user-forward')
  const status = ufw.run('status', 'verbose')
  expect(status).toMatch(/Status: active[\s\S]*deny \(routed\)/)

  let network = await library.egress.network({ ...dual, admit: false })
  let namespace = await network.create(named)
  // ufw itself lets pings be forwarded.
  expect(await reaches(library, namespace, '8.8.8.8', 300, 20_000)).toEqual({ ping: true, tcp: false })
  const found = await explainForeign(host.kernel, [
    firewallNetwork(parseNetwork({ ...dual, admit: false }), 'nftables'),
  ])
  expect(found).toEqual([
    {
      network: 'br0',
      where: {
        family: 'ip',
        table: 'filter',
        chain: 'FORWARD',
        hook: 'forward',
        backend: 'iptables-nft',
        owner: 'ufw',
      },
      families: [4],
      why: 'TCP and UDP from the namespaces: the policy of FORWARD is drop; ICMP from the namespaces: the policy of FORWARD is drop, unless an earlier rule accepts it',
      certain: true,
      admitted: false,
    },
    expect.objectContaining({ families: [6], certain: true, admitted: false }),
  ])
  await namespace.destroy({ wait: 'gone' })
  await network.destroy()
  expect(allRules(host)).toBe(before)

  network = await library.egress.network({ ...dual, admit: true })
  namespace = await network.create(named)
  for (const address of publics)
    expect(await reaches(library, namespace, address, 20_000)).toEqual({ ping: true, tcp: true })
  expect(ufw.run('status', 'verbose')).toBe(status)
  expect(host.tool('iptables', ['-S', 'ufw-user-forward'])).toBe(
    '-N ufw-user-forward\n-A ufw-user-forward -i br0 -m comment --comment "egressd:br0" -j ACCEPT\n',
  )
  expect(host.tool('ip6tables', ['-S', 'ufw6-user-forward'])).toContain('-i br0 -m comment --comment "egressd:br0"')
  library.watch.reset()
  await library.egress.network({ ...dual, admit: true })
  expect(library.watch.writes).toEqual([])

  // Its reload takes our rules along: asking for the network again puts them back.
  ufw.run('route', 'deny', 'proto', 'tcp', 'to', '8.8.8.8', 'port', '1')
  ufw.run('reload')
  expect(await reaches(library, namespace, '8.8.8.8', 300, 20_000)).toEqual({ ping: true, tcp: false })
  await library.egress.network({ ...dual, admit: true })
  expect(await reaches(library, namespace, '8.8.8.8', 20_000)).toEqual({ ping: true, tcp: true })
  // Behind what ufw was told to deny.
  expect(host.tool('iptables', ['-S', 'ufw-user-forward']).trim().split('\n').at(-1)).toContain('egressd:br0')
  await namespace.destroy({ wait: 'gone' })
  await network.destroy()
  expect(allRules(host)).not.toContain('egressd')
  ufw.run('--force', 'disable')
})
