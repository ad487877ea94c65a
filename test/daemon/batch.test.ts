import type http from 'node:http'
import { expect, test } from 'vitest'
import { createWorld, type Daemon, linesOf, openRequest, until, type World } from '../helpers/daemon.js'

const config = { networks: [{ name: 'br0', subnets: ['192.168.0.0/16'] }] }
const ndjson = { 'content-type': 'application/x-ndjson' }

interface Result {
  index: number
  ok: boolean
  namespace?: { name: string }
  error?: { code: string; field?: string }
}

async function open(world: World): Promise<{ sent: http.ClientRequest; answer: Promise<http.IncomingMessage> }> {
  const request = await openRequest(world.socket, 'POST', '/v1/namespaces:batch', ndjson)
  request.sent.flushHeaders()
  return request
}

const create = (name: string) => `{"op":"create","network":"br0","name":"${name}"}\n`
const destroy = (name: string) => `{"op":"destroy","name":"${name}","wait":"gone"}\n`

const veths = ({ host }: World): string[] =>
  host
    .json<{ ifalias?: string }[]>('ip', ['-j', 'link', 'show', 'type', 'veth'])
    .flatMap(({ ifalias }) => ifalias?.match(/^egressd:br0\/(.*)/)?.[1] ?? [])
    .sort()

const send = async (daemon: Daemon, text: string): Promise<Result[]> => {
  const { status, text: answer } = await daemon.ask('POST', '/v1/namespaces:batch', { headers: ndjson, body: text })
  expect(status).toBe(200)
  return answer
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
}

test('lines are done as they come, and answered before the request is over', async () => {
  await using world = await createWorld(config)
  await using daemon = await world.start()
  const { sent, answer } = await open(world)
  const results = linesOf(await answer)
  const next = async () => JSON.parse((await results.next()).value as string) as Result
  sent.write(create('a'))
  expect(await next()).toMatchObject({ index: 0, ok: true, namespace: { name: 'a' } })
  expect(veths(world)).toEqual(['a'])
  sent.write(create('b').slice(0, 10))
  sent.write(create('b').slice(10) + destroy('a'))
  const two = [await next(), await next()].sort((x, y) => x.index - y.index)
  expect(two).toMatchObject([
    { index: 1, ok: true, namespace: { name: 'b' } },
    { index: 2, ok: true },
  ])
  // The last one without the end of its line.
  sent.end(destroy('b').trimEnd())
  expect(await next()).toEqual({ index: 3, ok: true })
  expect((await results.next()).done).toBe(true)
  expect(veths(world)).toEqual([])
  expect(daemon.log.some(({ msg }) => msg === 'a fault of egressd')).toBe(false)
})

test('one line that is wrong fails alone; the same name again waits for the one before', async () => {
  await using world = await createWorld(config)
  await using daemon = await world.start()
  const results = await send(
    daemon,
    [
      create('a'),
      'nonsense\n',
      '{"op":"create","network":"none","name":"x"}\n',
      '{"op":"create","network":"br0","name":"../x"}\n',
      '{"op":"rename","name":"a"}\n',
      '\n',
      create('b'),
      destroy('a'),
      create('a'),
      destroy('b'),
      destroy('never'),
      `"${'x'.repeat(300_000)}"\n`,
      '{"op":"create","network":"br0","name":"c","addresses":["8.8.8.8"]}\n',
      create('d'),
    ].join(''),
  )
  const codes = results.sort((x, y) => x.index - y.index).map(({ ok, error }) => (ok ? 'ok' : error?.code))
  expect(codes).toEqual([
    'ok',
    'EGRESSD_INVALID_REQUEST',
    'EGRESSD_NOT_FOUND',
    'EGRESSD_INVALID_NAME',
    'EGRESSD_INVALID_SPEC',
    'ok',
    'ok',
    'ok',
    'ok',
    'ok',
    'EGRESSD_TOO_LARGE',
    'EGRESSD_ADDRESS_OUTSIDE_SUBNET',
    'ok',
  ])
  expect(veths(world)).toEqual(['a', 'd'])
})

test('two hundred made and destroyed, each with its result', async () => {
  await using world = await createWorld(config)
  await using daemon = await world.start()
  const names = Array.from({ length: 200 }, (_, i) => `ns-${String(i).padStart(3, '0')}`)
  const made = await send(daemon, names.map(create).join(''))
  expect(made.filter(({ ok }) => ok)).toHaveLength(200)
  for (const { index, namespace } of made) expect(namespace?.name).toBe(names[index])
  expect(veths(world)).toEqual(names)
  const gone = await send(daemon, names.map(destroy).join(''))
  expect(gone.map(({ index, ok }) => [index, ok]).sort(([a], [b]) => Number(a) - Number(b))).toEqual(
    names.map((_, i) => [i, true]),
  )
  expect(veths(world)).toEqual([])
})

test('who does not read is not written for without end', async () => {
  await using world = await createWorld({ ...config, limits: { slowMs: 5_000 } })
  await using daemon = await world.start()
  const { sent, answer } = await open(world)
  const head = await answer
  // NB: of lines that cost nothing: what is bounded is what is said to them.
  const line = `${'nonsense'.repeat(50)}\n`
  let written = 0
  let stopped = false
  const feed = () => {
    while (!stopped && sent.writable && sent.write(line.repeat(100))) written += 100 * line.length
  }
  sent.on('drain', () => {
    written += 100 * line.length
    feed()
  })
  sent.once('close', () => (stopped = true))
  feed()
  await daemon.logged(({ msg }) => /takes nothing of its answer/.test(msg))
  await until(() => stopped, 'the end of its connection')
  // What the two sockets hold, what waits here and there, and no more.
  expect(written).toBeLessThan(16 * 1024 * 1024)
  head.destroy()
})

test('who goes leaves what was begun whole', async () => {
  await using world = await createWorld(config)
  await using daemon = await world.start()
  const { sent, answer } = await open(world)
  await answer
  const names = Array.from({ length: 40 }, (_, i) => `ns-${String(i).padStart(2, '0')}`)
  sent.write(names.map(create).join(''))
  await until(() => veths(world).length > 0, 'the first of them')
  sent.destroy()
  await daemon.logged(({ route, gone }) => route === '/v1/namespaces:batch' && gone === true)
  const listed = async () =>
    (await daemon.ask('GET', '/v1/namespaces?limit=1000')).body.items.map(({ name }: { name: string }) => name)
  await until(async () => JSON.stringify(await listed()) === JSON.stringify(veths(world)), 'the same in both')
  expect(names).toEqual(expect.arrayContaining(await listed()))
})
