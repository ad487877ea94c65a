import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { explainForeign } from '../../src/apply/admission.js'
import { firewallNetwork } from '../../src/plan/firewall.js'
import { parseNetwork } from '../../src/spec/network.js'
import { allRules, layFirewalld, reaches } from '../helpers/foreign-firewalls.js'
import { createLibrary, dual, named } from '../helpers/library.js'

const publics = ['8.8.8.8', '2001:4860:4860::8888']

test('firewalld: rejected and explained, or admitted where its zone accepts', async ({ skip }) => {
  if (!existsSync('/usr/sbin/firewalld')) skip('firewalld is not installed')
  await using library = await createLibrary()
  const { host } = library
  await using firewalld = await layFirewalld(host, host.kernel.hostFd)
  const before = allRules(host)
  expect(before).toContain('table inet firewalld')

  let network = await library.egress.network({ ...dual, admit: false })
  let namespace = await network.create(named)
  expect(await reaches(library, namespace, '8.8.8.8', 300)).toEqual({ ping: false, tcp: false })
  const found = await explainForeign(host.kernel, [
    firewallNetwork(parseNetwork({ ...dual, admit: false }), 'nftables'),
  ])
  expect(found.filter(({ certain }) => certain)).toEqual([
    {
      network: 'br0',
      where: {
        ...{ family: 'inet', table: 'firewalld', chain: 'filter_FORWARD', hook: 'forward' },
        ...{ backend: 'nftables', owner: 'firewalld' },
      },
      families: [4, 6],
      why: 'TCP, UDP and ICMP from the namespaces: the rule "reject with icmpx admin-prohibited" of filter_FWD_public, to which filter_FORWARD leads',
      certain: true,
      admitted: false,
    },
  ])
  await namespace.destroy({ wait: 'gone' })
  await network.destroy()
  expect(allRules(host)).toBe(before)

  network = await library.egress.network({ ...dual, admit: true })
  namespace = await network.create(named)
  for (const address of publics)
    expect(await reaches(library, namespace, address, 20_000)).toEqual({ ping: true, tcp: true })
  expect(host.tool('nft', ['list', 'chain', 'inet', 'firewalld', 'filter_FWD_public_allow'])).toContain(
    'iifname "br0" accept comment "egressd:br0"',
  )
  library.watch.reset()
  await library.egress.network({ ...dual, admit: true })
  expect(library.watch.writes).toEqual([])

  firewalld.run('--reload')
  expect(await reaches(library, namespace, '8.8.8.8', 300)).toEqual({ ping: false, tcp: false })
  await library.egress.network({ ...dual, admit: true })
  expect(await reaches(library, namespace, '8.8.8.8', 20_000)).toEqual({ ping: true, tcp: true })
  await namespace.destroy({ wait: 'gone' })
  await network.destroy()
  expect(allRules(host)).toBe(before)
})
