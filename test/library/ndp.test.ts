import { expect, test } from 'vitest'
import { uplink } from '../../src/demo/topology.js'
import { createLibrary } from '../helpers/library.js'

test('the host finds a namespace over IPv6 for somebody else’s packet, with nothing learnt before', async () => {
  await using library = await createLibrary()
  const { host, egress } = library
  const network = await egress.network({ name: 'br0', subnets: ['fd00::/64'], masquerade: false })
  const namespace = await network.create({ name: 'ns0', addresses: ['fd00::2'] })
  const internet = { fd: library.internet }
  host.tool('ip', ['-6', 'route', 'add', 'fd00::/64', 'via', uplink[6].host], { netns: internet })
  host.tool('ip', ['-6', 'neigh', 'flush', 'dev', 'br0'])
  const [echo] = await host.kernel.ping({ target: 'fd00::2', timeoutMs: 3000 }, internet)
  expect(echo).toMatchObject({ result: 'reply', from: namespace.addresses[0] })
})
