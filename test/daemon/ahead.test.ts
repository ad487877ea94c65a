// The kernel makes a namespace while the body of its request is still under way: one that is not needed is given back.
import { readdirSync, readlinkSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createWorld, type Daemon, openRequest, readReply, until } from '../helpers/daemon.js'

const body = { network: 'br0' }
const json = { 'content-type': 'application/json', 'content-length': 17 }

/** Network namespaces that it holds by a descriptor. */
function held({ pid }: Daemon): number {
  const folder = `/proc/${pid}/fd`
  const links = readdirSync(folder).map(fd => {
    try {
      return readlinkSync(`${folder}/${fd}`)
    } catch {
      return ''
    }
  })
  return links.filter(link => link.startsWith('net:[')).length
}

test('what was begun for a request that comes to nothing is given back', async () => {
  // NB: a watch looks inside of them by descriptors too.
  await using world = await createWorld({ watch: 'off', networks: [{ name: 'br0', subnets: ['192.168.0.0/16'] }] })
  await using daemon = await world.start()
  expect((await daemon.ask('PUT', '/v1/namespaces/ns0', { body })).status).toBe(201)
  const before = held(daemon)
  const heads = async (name: string) => {
    const all = await Promise.all(
      Array.from({ length: 5 }, () => openRequest(world.socket, 'PUT', `/v1/namespaces/${name}`, json)),
    )
    for (const { sent } of all) sent.write('{')
    return all
  }

  const open = await heads('ns1')
  await until(() => held(daemon) === before + open.length, 'one for each')
  for (const { sent } of open) sent.destroy()
  await until(() => held(daemon) === before, 'none')

  // What stands needs none, and who may not create gets none.
  const again = await heads('ns0')
  expect((await daemon.ask('PUT', '/v1/namespaces/ns0', { body })).status).toBe(200)
  expect((await daemon.ask('PUT', '/v1/namespaces/bad%20name', { body })).status).toBe(422)
  expect(held(daemon)).toBe(before)
  for (const { sent } of again) sent.destroy()

  // One that is taken by another request is missed by nobody.
  const late = await heads('ns2')
  await until(() => held(daemon) === before + late.length, 'one for each')
  for (const name of ['ns3', 'ns4'])
    expect((await daemon.ask('PUT', `/v1/namespaces/${name}`, { body })).status).toBe(201)
  for (const { sent } of late) sent.end('"network":"br0"}')
  const ids = await Promise.all(late.map(async ({ answer }) => (await readReply(await answer)).body.id))
  expect(new Set(ids).size).toBe(1)
  await until(() => held(daemon) === before, 'none')
  for (const name of ['ns2', 'ns3', 'ns4']) {
    const { body: pinged } = await daemon.ask('POST', `/v1/namespaces/${name}/ping`, { body: { target: '8.8.8.8' } })
    expect(pinged.echoes).toMatchObject([{ result: 'reply' }])
  }
})
