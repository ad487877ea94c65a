// What requests leave behind in a daemon that lives on, by counting its objects.
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { createWorld, openRequest, type World } from '../helpers/daemon.js'

const counter = pathToFileURL(join(import.meta.dirname, '../helpers/live-objects-inside.mjs')).href
const [rounds, width] = [4, 6]

/** With its head read, the client goes. */
async function leave(world: World, method: string, path: string, headers = {}): Promise<void> {
  const { sent, answer } = await openRequest(world.socket, method, path, headers)
  sent.flushHeaders()
  expect((await answer).statusCode).toBe(200)
  const closed = once(sent, 'close')
  sent.destroy()
  await closed
}

test('requests of every kind leave nothing behind that waits or listens', { timeout: 300_000 }, async () => {
  await using world = await createWorld({
    networks: [{ name: 'net0', subnets: ['10.9.0.0/16', 'fd00:9::/64'] }],
    pools: [{ name: 'pool0', network: 'net0', size: 2, recycle: 'trusted' }],
  })
  const env = { NODE_OPTIONS: `--no-warnings --import ${counter}` }
  const daemon = await world.start({ env, fds: ['ipc'] })
  const ask = async (status: number, method: string, path: string, body?: object | string) => {
    const reply = await daemon.ask(method, path, { body })
    expect([path, reply.status]).toEqual([path, status])
    return reply.body
  }
  const work = async (i: number) => {
    const a = `/v1/namespaces/a${i}`
    await ask(201, 'PUT', a, { network: 'net0' })
    await ask(200, 'PUT', a, { network: 'net0' })
    // The name is taken: it is claimed, and given back.
    await ask(409, 'POST', '/v1/pools/pool0/claim', { name: `a${i}` })
    await ask(200, 'POST', `${a}/ping`, { target: '10.9.0.1', count: 1, timeoutMs: 1_000 })
    await ask(204, 'DELETE', `${a}?wait=gone`)
    const { name } = await ask(200, 'POST', '/v1/pools/pool0/claim')
    await ask(204, 'POST', '/v1/pools/pool0/release', { namespace: name })
    await ask(201, 'PUT', `/v1/networks/x${i}`, { subnets: [`10.10.${i}.0/24`] })
    await ask(204, 'DELETE', `/v1/networks/x${i}`)
    await ask(404, 'GET', '/v1/namespaces/none')
    await ask(400, 'PUT', a, '{')
    await ask(200, 'GET', '/metrics')
    await leave(world, 'GET', '/v1/events')
    await leave(world, 'POST', '/v1/namespaces:batch', { 'content-type': 'application/x-ndjson' })
  }
  const count = async () => {
    const answer = once(daemon.child, 'message')
    daemon.child.send('count')
    const [counts] = (await answer) as [{ functions: number; weak: number }]
    return counts
  }
  const round = () => Promise.all(Array.from({ length: width }, (_, i) => work(i)))
  for (let i = 0; i < 2; i++) await round()
  const before = await count()
  for (let i = 0; i < rounds; i++) await round()
  // One that is left each time would be as many; what a pool is still at, and connections that are on their way out, go by themselves.
  const grown = async () => {
    const { functions, weak } = await count()
    return Math.max(functions - before.functions, weak - before.weak)
  }
  await expect.poll(grown, { timeout: 60_000, interval: 100 }).toBeLessThan(rounds * width)
  expect(await daemon.end()).toBe(0)
})
