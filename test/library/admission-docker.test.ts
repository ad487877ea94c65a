import { expect, test } from 'vitest'
import { explainForeign } from '../../src/apply/admission.js'
import { firewallNetwork } from '../../src/plan/firewall.js'
import { parseNetwork } from '../../src/spec/network.js'
import { allRules, layDocker, reaches, variants } from '../helpers/foreign-firewalls.js'
import { createLibrary, dual, named } from '../helpers/library.js'

const public4 = '8.8.8.8'
const public6 = '2001:4860:4860::8888'
const explain = (library: Awaited<ReturnType<typeof createLibrary>>, admit: boolean) =>
  explainForeign(library.host.kernel, [firewallNetwork(parseNetwork({ ...dual, admit }), 'nftables')])

const cases = variants.flatMap(variant => ([24, 28] as const).map(version => [version, variant] as const))

test.each(cases)(
  'Docker %i by iptables-%s: dropped and explained, or admitted in DOCKER-USER',
  async (version, variant) => {
    await using library = await createLibrary()
    const { host } = library
    layDocker(host, variant, version)
    const before = allRules(host)

    let network = await library.egress.network({ ...dual, admit: false })
    let namespace = await network.create(named)
    expect(await reaches(library, namespace, public4, 300)).toEqual({ ping: false, tcp: false })
    const found = await explain(library, false)
    expect(found).toHaveLength(2)
    expect(found[0]).toMatchObject({
      network: 'br0',
      where: { table: 'filter', chain: 'FORWARD', backend: `iptables-${variant}`, owner: 'docker' },
      certain: true,
      admitted: false,
    })
    expect(found[0]?.why).toBe(
      'TCP, UDP and ICMP from the namespaces: the policy of FORWARD is drop; TCP, UDP and ICMP in answer to them: the policy of FORWARD is drop',
    )
    expect(allRules(host)).toBe(before)
    await namespace.destroy({ wait: 'gone' })
    await network.destroy()

    network = await library.egress.network({ ...dual, admit: true })
    namespace = await network.create(named)
    for (const address of [public4, public6])
      expect(await reaches(library, namespace, address, 20_000)).toEqual({ ping: true, tcp: true })
    expect((await explain(library, true)).map(({ admitted }) => admitted)).toEqual([true, true])
    const mark = variant === 'nft' ? 'egressd:br0' : 'egressd-admit:br0'
    const listed = host.tool(`iptables-${variant}`, ['-S', 'DOCKER-USER']).replaceAll('"', '').split('\n')
    const last = version === 24 ? ['-A DOCKER-USER -j RETURN'] : []
    expect(listed.slice(3)).toEqual([...last, ''])
    expect(listed.slice(1, 3).sort()).toEqual(
      [
        `-A DOCKER-USER -i br0 -m comment --comment ${mark} -j ACCEPT`,
        variant === 'nft'
          ? `-A DOCKER-USER -o br0 -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment ${mark} -j ACCEPT`
          : `-A DOCKER-USER -o br0 -m comment --comment ${mark} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
      ].sort(),
    )

    library.watch.reset()
    await library.egress.network({ ...dual, admit: true })
    expect(library.watch.writes).toEqual([])

    await namespace.destroy({ wait: 'gone' })
    await network.destroy()
    expect(allRules(host)).toBe(before)
  },
)
