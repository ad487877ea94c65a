import { expect, test } from 'vitest'
import { createWorld, type Daemon, linesOf, openRequest, until, type World } from '../helpers/daemon.js'

const config = { networks: [{ name: 'br0', subnets: ['192.168.0.0/16'] }] }

interface Follower {
  next(): Promise<Record<string, unknown>>
  close(): void
}

async function follow(world: World, path = '/v1/events', headers = {}): Promise<Follower> {
  const { sent, answer } = await openRequest(world.socket, 'GET', path, headers)
  sent.end()
  const head = await answer
  expect(head.statusCode).toBe(200)
  const lines = linesOf(head)
  return {
    next: async () => JSON.parse((await lines.next()).value as string),
    close: () => sent.destroy(),
  }
}

const put = (daemon: Daemon, name: string) => daemon.ask('PUT', `/v1/namespaces/${name}`, { body: { network: 'br0' } })

test('what changes is told as it does, and from where one stopped', async () => {
  await using world = await createWorld(config)
  await using daemon = await world.start()
  const first = await follow(world)
  await put(daemon, 'a')
  const made = await first.next()
  expect(made).toMatchObject({ type: 'namespace.created', name: 'a', network: 'br0', addresses: ['192.168.0.2'] })
  first.close()
  await put(daemon, 'b')
  await daemon.ask('DELETE', '/v1/namespaces/a')
  const second = await follow(world, `/v1/events?since=${made.id}`)
  expect([await second.next(), await second.next()]).toMatchObject([
    { type: 'namespace.created', name: 'b' },
    { type: 'namespace.destroyed', name: 'a' },
  ])
  second.close()
  const lost = await follow(world, '/v1/events?since=other-7')
  expect(await lost.next()).toMatchObject({ type: 'gap' })
  lost.close()
})

test('as server-sent events, with Last-Event-ID', async () => {
  await using world = await createWorld(config)
  await using daemon = await world.start()
  const first = await follow(world)
  await put(daemon, 'a')
  const { id } = await first.next()
  first.close()
  await put(daemon, 'b')
  const { sent, answer } = await openRequest(world.socket, 'GET', '/v1/events', {
    accept: 'text/event-stream',
    'last-event-id': id as string,
  })
  sent.end()
  const head = await answer
  expect(head.headers['content-type']).toBe('text/event-stream')
  const lines = linesOf(head)
  const three = [await lines.next(), await lines.next(), await lines.next()].map(({ value }) => value as string)
  expect(three[0]).toMatch(/^id: \w+-\d+$/)
  expect(three[1]).toBe('event: namespace.created')
  expect(JSON.parse((three[2] as string).replace('data: ', ''))).toMatchObject({ name: 'b' })
  sent.destroy()
})

test('followers end with the daemon at once, and so many may be', async () => {
  await using world = await createWorld({ ...config, limits: { streams: 2 } })
  await using daemon = await world.start()
  const [one] = [await follow(world), await follow(world)]
  const refused = await daemon.ask('GET', '/v1/events')
  expect(refused).toMatchObject({ status: 503, body: { code: 'EGRESSD_BUSY' }, headers: { 'retry-after': '1' } })
  one.close()
  await until(async () => {
    const { sent, answer } = await openRequest(world.socket, 'GET', '/v1/events')
    sent.end()
    const { statusCode } = await answer
    if (statusCode !== 200) sent.destroy()
    return statusCode === 200
  }, 'room for another')
  const { time } = await daemon.logged(({ msg }) => msg === 'ready')
  expect(await daemon.end()).toBe(0)
  expect(daemon.log.filter(({ level }) => level === 'error')).toEqual([])
  expect(time).toBeDefined()
})
