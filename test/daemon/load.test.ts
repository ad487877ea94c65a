import { readdirSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createWorld, type Daemon, until, type World } from '../helpers/daemon.js'

const br0 = { name: 'br0', subnets: ['192.168.0.0/16'] }

/** What stands, as others see it. */
const census = ({ host, netnsDir, stateDir }: World) => ({
  links: host
    .json<{ ifalias?: string }[]>('ip', ['-j', 'link'])
    .flatMap(({ ifalias }) => ifalias ?? [])
    .sort(),
  pins: readdirSync(netnsDir).sort(),
  records: ['namespaces', 'making', 'networks'].map(folder => readdirSync(join(stateDir, folder)).sort()),
  rules: host.tool('nft', ['list', 'ruleset']).replace(/counter packets \d+ bytes \d+/g, 'counter'),
})

async function live(daemon: Daemon, client: number): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const ask = async (method: string, path: string, body?: unknown) => {
    const { status, text } = await daemon.ask(method, path, { agent, ...(body !== undefined && { body }) })
    return { status, text }
  }
  try {
    for (let round = 0; round < 3; round++) {
      const path = `/v1/namespaces/c${client}-${round}`
      expect(await ask('PUT', path, { network: 'br0' })).toMatchObject({ status: 201 })
      expect(await ask('PUT', path, { network: 'br0' })).toMatchObject({ status: 200 })
      // One that all of them want, and that some of them have just removed.
      expect([200, 201]).toContain((await ask('PUT', '/v1/namespaces/shared', { network: 'br0' })).status)
      if (client % 8 === 0) expect(await ask('DELETE', '/v1/namespaces/shared')).toMatchObject({ status: 204 })
      expect(await ask('GET', path)).toMatchObject({ status: 200 })
      expect(await ask('DELETE', `${path}?wait=gone`)).toMatchObject({ status: 204 })
      expect(await ask('GET', path)).toMatchObject({ status: 404 })
    }
  } finally {
    agent.destroy()
  }
}

test('sixty-four clients at once leave exactly what was there', async () => {
  await using world = await createWorld({ networks: [br0], namespaces: [{ name: 'ns0', network: 'br0' }] })
  await using daemon = await world.start()
  const before = census(world)
  await Promise.all(Array.from({ length: 64 }, (_, client) => live(daemon, client)))
  expect((await daemon.ask('DELETE', '/v1/namespaces/shared?wait=gone')).status).toBe(204)
  await until(() => JSON.stringify(census(world)) === JSON.stringify(before), 'the same as before').catch(() => {})
  expect(census(world)).toEqual(before)
  expect(daemon.log.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([])
  expect(await daemon.end()).toBe(0)
})
