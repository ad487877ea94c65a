// A host on which IPv6 is turned off, as many are (net.ipv6.conf.*.disable_ipv6).
import { expect, test } from 'vitest'
import { byId, look } from '../helpers/doctor.js'
import { createLibrary, dual, type Library, refusal } from '../helpers/library.js'

const turn = ({ host }: Library, value: 0 | 1) =>
  host.tool('sysctl', ['-qw', ...['all', 'default'].map(name => `net.ipv6.conf.${name}.disable_ipv6=${value}`)])

test('a network with IPv6 is refused in words that help, and one of IPv4 works', async () => {
  await using library = await createLibrary()
  turn(library, 1)
  const before = library.census()
  for (const mode of ['bridge', 'routed'] as const)
    expect(await refusal(library.egress.network({ ...dual, mode }))).toMatchObject({
      code: 'EGRESSD_KERNEL',
      message: expect.stringContaining('IPv6 is disabled on this device'),
      remedy: expect.stringMatching(/net\.ipv6\.conf\.all\.disable_ipv6=0.* or give the network no IPv6 subnet/),
    })
  expect(library.census()).toEqual(before)
  expect(byId(await look(library), 'kernel-features')).toMatchObject({ status: 'note' })
  const network = await library.egress.network({ name: 'br4', subnets: ['10.4.0.0/24'] })
  expect((await (await network.create()).ping('8.8.8.8'))[0]?.result).toBe('reply')
})

test('turned off later, the doctor says so, and turned on again all is put back', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  turn(library, 1)
  const { status, evidence, fix } = byId(await look(library), 'kernel-features')
  expect(status).toBe('stop')
  expect(evidence.join('\n')).toContain('net.ipv6.conf.br0.disable_ipv6 = 1')
  for (const line of fix) library.host.tool('sh', ['-c', line])
  expect(byId(await look(library), 'kernel-features').status).toBe('ok')
  await library.egress.network(dual)
  const namespace = await network.create()
  expect((await namespace.ping(network.gateways[1] as string))[0]?.result).toBe('reply')
})
