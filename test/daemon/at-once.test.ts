import { expect, test } from 'vitest'
import { createWorld } from '../helpers/daemon.js'

const br0 = { name: 'br0', subnets: ['192.168.0.0/16'] }

test('of many that ask for one new name at the same time, one has made it', async () => {
  await using world = await createWorld({ networks: [br0] })
  await using daemon = await world.start()
  const br1 = { subnets: ['10.9.0.0/24'] }
  for (const [path, body] of [
    ['/v1/namespaces/a', { network: 'br0' }],
    ['/v1/namespaces/b', { network: 'br0', addresses: ['192.168.7.7'] }],
    ['/v1/networks/br1', br1],
  ] as const) {
    const replies = await Promise.all(Array.from({ length: 16 }, () => daemon.ask('PUT', path, { body })))
    expect(replies.map(({ status }) => status).sort()).toEqual([...Array(15).fill(200), 201])
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1)
  }
  // Refused to the one that would have made it, and made by the next.
  const bad = { network: 'br0', sysctls: { 'net.nonsense': 1 } }
  const mixed = await Promise.all([bad, { network: 'br0' }, { network: 'br0' }].map(ask))
  expect(mixed.map(({ status }) => status).sort()).toEqual([200, 201, 422])
  const links = world.host.json<{ ifname: string }[]>('ip', ['-j', 'link', 'show', 'type', 'veth', 'master', 'br0'])
  expect(links).toHaveLength(3)

  function ask(body: object) {
    return daemon.ask('PUT', '/v1/namespaces/c', { body })
  }
})
