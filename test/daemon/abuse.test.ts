import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createWorld, type Daemon, type LogLine, openRequest, until, type World } from '../helpers/daemon.js'

const br0 = { name: 'br0', subnets: ['192.168.0.0/16'] }
const MiB = 1024 * 1024

/** Sends bytes, and returns all that comes until the other side closes. */
function raw(world: World, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(world.socket)
    let text = ''
    socket.on('data', chunk => (text += chunk))
    socket.on('close', () => resolve(text))
    // A side that closes with something unread says so.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (!['EPIPE', 'ECONNRESET'].includes(error.code ?? '')) reject(error)
    })
    socket.write(bytes)
  })
}

const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])
const codeOf = (text: string) => /"code":"(\w+)"/.exec(text)?.[1]
const nothingLost = async (daemon: Daemon) => {
  const { body } = await daemon.ask('GET', '/v1/namespaces')
  expect(body.items.map(({ name }: { name: string }) => name)).toEqual(['ns0'])
  expect(daemon.log.filter(({ level, msg }) => level === 'error' || msg === 'a fault of egressd')).toEqual([])
}

const post = 'POST /v1/plan HTTP/1.1\r\ncontent-type: application/json\r\n'

async function isAnswered(world: World, what: string, bytes: string | Buffer, expected: [number, string]) {
  const text = await raw(world, bytes)
  const [status, code] = expected
  expect({ what, status: statusOf(text), code: codeOf(text) }).toEqual({ what, status, code })
  expect(text, what).toMatch(/content-type: application\/problem\+json/i)
}

test('what is no request is answered and done with', async () => {
  await using world = await createWorld({
    networks: [br0],
    namespaces: [{ name: 'ns0', network: 'br0' }],
    limits: { bodyBytes: 4_096, writes: 2 },
  })
  await using daemon = await world.start()
  for (const [what, bytes, status, code] of [
    ['garbage', Buffer.from(Array.from({ length: 2_000 }, (_, i) => (i * 131) % 256)), 400, 'EGRESSD_INVALID_REQUEST'],
    ['TLS', Buffer.from('16030100c8010000c40303', 'hex'), 400, 'EGRESSD_INVALID_REQUEST'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'EGRESSD_INVALID_REQUEST'],
    ['a method that is none', 'NONSENSE / HTTP/1.1\r\n\r\n', 400, 'EGRESSD_INVALID_REQUEST'],
    ['two lengths', `${post}content-length: 3\r\ncontent-length: 4\r\n\r\n{} `, 400, 'EGRESSD_INVALID_REQUEST'],
    [
      'a length and chunks',
      `${post}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n`,
      400,
      'EGRESSD_INVALID_REQUEST',
    ],
    ['a head without end', `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}`, 413, 'EGRESSD_TOO_LARGE'],
    ['too long a body', `${post}content-length: 1000000000\r\n\r\n`, 413, 'EGRESSD_TOO_LARGE'],
    [
      'a body without end',
      `${post}transfer-encoding: chunked\r\n\r\n2000\r\n${' '.repeat(0x2000)}\r\n`,
      413,
      'EGRESSD_TOO_LARGE',
    ],
    ['no JSON', `${post}connection: close\r\ncontent-length: 4\r\n\r\n{"a"`, 400, 'EGRESSD_INVALID_REQUEST'],
    [
      'no UTF-8',
      Buffer.from(`${post}connection: close\r\ncontent-length: 4\r\n\r\n"\xff\xfe"`, 'latin1'),
      400,
      'EGRESSD_INVALID_REQUEST',
    ],
    [
      'a deep one',
      `${post}connection: close\r\ncontent-length: 4000\r\n\r\n${'['.repeat(2_000)}${']'.repeat(2_000)}`,
      422,
      'EGRESSD_INVALID_SPEC',
    ],
    [
      'a form',
      'POST /v1/plan HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 3\r\n\r\na=b',
      415,
      'EGRESSD_UNSUPPORTED_MEDIA',
    ],
    ['gzip', `${post}content-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc`, 415, 'EGRESSD_UNSUPPORTED_MEDIA'],
    ['an odd target', 'GET http://[ HTTP/1.1\r\n\r\n', 400, 'EGRESSD_INVALID_REQUEST'],
  ] as const)
    await isAnswered(world, what, bytes, [status, code])
  await nothingLost(daemon)
})

test('half a request is waited for no longer than may be', async () => {
  // NB: no less. Who is kept waiting himself between connecting and writing is late as well.
  await using world = await createWorld({
    networks: [br0],
    namespaces: [{ name: 'ns0', network: 'br0' }],
    limits: { slowMs: 3_000 },
  })
  await using daemon = await world.start()
  const halves = [
    ['half a head', 'GET /v1/networks HT'],
    ['nothing', ''],
    ['half a body', `${post}content-length: 100\r\n\r\n{"spec"`],
  ] as const
  await Promise.all(halves.map(([what, bytes]) => isAnswered(world, what, bytes, [408, 'EGRESSD_TOO_SLOW'])))
  await nothingLost(daemon)
})

test('paths that lead elsewhere, methods that are none of a path', async () => {
  await using world = await createWorld({ networks: [br0], namespaces: [{ name: 'ns0', network: 'br0' }] })
  await using daemon = await world.start()
  const tricks = [
    '..',
    '.',
    '%2e%2e%2fns0',
    '..%2f..%2fetc%2fpasswd',
    'ns0%00',
    'ns0%0a',
    '%ff',
    '%',
    '-x',
    ' ns0',
    'n'.repeat(300),
    'ns0;x',
    'ns0#x',
  ]
  for (const trick of tricks)
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const close = 'connection: close\r\ncontent-type: application/json\r\ncontent-length: 17\r\n\r\n{"network":"br0"}'
      const text = await raw(world, `${method} /v1/namespaces/${trick} HTTP/1.1\r\n${close}`)
      const status = statusOf(text)
      expect({ trick, method, status }).toEqual({ trick, method, status: expect.any(Number) })
      expect([400, 404, 405, 422], `${method} ${trick}: ${text}`).toContain(status)
    }
  for (const [method, path, allow] of [
    ['PATCH', '/v1/networks/br0', 'GET, HEAD, PUT, DELETE'],
    ['DELETE', '/v1/networks', 'GET, HEAD'],
    ['OPTIONS', '/v1/namespaces', 'GET, HEAD, POST'],
    ['GET', '/v1/namespaces:batch', 'POST'],
    ['GET', '/v1/apply', 'POST'],
  ] as const) {
    const { status, headers, text } = await daemon.ask(method, path)
    expect([status, headers.allow, codeOf(text)]).toEqual([405, allow, 'EGRESSD_METHOD_NOT_ALLOWED'])
  }
  expect((await daemon.ask('HEAD', '/v1/networks')).text).toBe('')
  for (const path of ['/', '/v1', '/v2/networks', '/v1/networks/', '/V1/networks', '//v1/networks'])
    expect({ path, status: (await daemon.ask('GET', path)).status }).toEqual({ path, status: 404 })
  for (const query of ['limit=1&limit=2', 'limit=1e9', 'limit=-1', 'nonsense=1', 'label=x', '__proto__=1'])
    expect({ query, status: (await daemon.ask('GET', `/v1/namespaces?${query}`)).status }).toEqual({
      query,
      status: 422,
    })
  await nothingLost(daemon)
})

test('ten thousand connections cost bounded memory, and those who are inside are served', async () => {
  await using world = await createWorld({
    networks: [br0],
    namespaces: [{ name: 'ns0', network: 'br0' }],
    // None of them says anything until all are there.
    limits: { slowMs: 600_000 },
  })
  await using daemon = await world.start()
  const before = daemon.memory()
  const held = new Set<net.Socket>()
  let [refused, told] = [0, 0]
  const open = () =>
    new Promise<void>((resolve, reject) => {
      const socket = net.connect(world.socket)
      socket.once('connect', () => {
        held.add(socket)
        resolve()
      })
      // Its queue is full for the moment.
      socket.on('error', (error: NodeJS.ErrnoException) =>
        error.code === 'EAGAIN' ? setTimeout(() => open().then(resolve, reject), 5) : reject(error),
      )
      socket.on('data', chunk => {
        if (/^HTTP\/1\.1 503[\s\S]*EGRESSD_BUSY/.test(String(chunk))) told++
      })
      socket.on('close', () => {
        if (held.delete(socket)) refused++
      })
    })
  for (let i = 0; i < 100; i++) await Promise.all(Array.from({ length: 100 }, open))
  await until(() => refused + held.size === 10_000 && held.size <= 1_024, 'the refusals')
  expect({ held: held.size, told }).toEqual({ held: 1_024, told: refused })
  const [inside] = held
  inside?.write('GET /v1/networks HTTP/1.1\r\nconnection: close\r\n\r\n')
  const text = await new Promise<string>(resolve => inside?.once('data', chunk => resolve(String(chunk))))
  expect(statusOf(text)).toBe(200)
  const grown = (daemon.memory() - before) / MiB
  expect(grown).toBeLessThan(128)
  for (const socket of held) socket.destroy()
  // Who comes before there is room may find his connection closed before he has asked.
  const served = () =>
    daemon.ask('GET', '/healthz').then(
      ({ status }) => status === 200,
      () => false,
    )
  await until(served, 'room again')
  await nothingLost(daemon)
})

test('bodies that do not end have so much memory among themselves', async () => {
  await using world = await createWorld({ networks: [br0], namespaces: [{ name: 'ns0', network: 'br0' }] })
  await using daemon = await world.start()
  const before = daemon.memory()
  const size = 4 * MiB
  const part = Buffer.alloc(size - 1, ' ')
  const begin = async () => {
    const headers = { 'content-type': 'application/json', 'content-length': size }
    const { sent, answer } = await openRequest(world.socket, 'POST', '/v1/plan', headers)
    sent.write(part)
    return { sent, status: answer.then(({ statusCode }) => statusCode) }
  }
  const all = await Promise.all(Array.from({ length: 40 }, begin))
  const statuses: (number | undefined)[] = []
  // Who is at writing when his connection is closed may not come to read why.
  let cut = 0
  for (const { status } of all)
    void status.then(
      each => statuses.push(each),
      () => cut++,
    )
  await until(() => statuses.length + cut >= 20, 'the refusals')
  expect(new Set(statuses)).toEqual(new Set([503]))
  expect((await daemon.ask('GET', '/v1/networks')).status).toBe(200)
  expect((daemon.memory() - before) / MiB).toBeLessThan(256)
  for (const { sent } of all) sent.destroy()
  await until(async () => (await daemon.ask('POST', '/v1/plan', { body: { spec: {} } })).status === 200, 'room again')
  await nothingLost(daemon)
})

test('as many at once as may be; the others are told to come again', async () => {
  await using world = await createWorld({
    networks: [br0],
    namespaces: [{ name: 'ns0', network: 'br0' }],
    limits: { writes: 2 },
  })
  await using daemon = await world.start()
  const slow = async () => {
    const { sent } = await openRequest(world.socket, 'PUT', '/v1/namespaces/slow', {
      'content-type': 'application/json',
      'content-length': 17,
    })
    sent.write('{"network"')
    return sent
  }
  const two = [await slow(), await slow()]
  const put = () => daemon.ask('PUT', '/v1/namespaces/ns0', { body: { network: 'br0' } })
  await until(async () => (await put()).status === 503, 'a full house')
  const refused = await put()
  expect(refused.headers['retry-after']).toBe('1')
  expect(refused.body).toMatchObject({ code: 'EGRESSD_BUSY', details: { limit: 2 } })
  expect((await daemon.ask('GET', '/v1/networks')).status).toBe(200)
  for (const sent of two) sent.destroy()
  await until(async () => (await put()).status === 200, 'room again')
  await nothingLost(daemon)
})

test('who follows events and does not read is cut off, and costs no memory', async () => {
  await using world = await createWorld({
    networks: [br0],
    namespaces: [{ name: 'ns0', network: 'br0' }],
    limits: { slowMs: 5_000 },
  })
  await using daemon = await world.start()
  const { sent, answer } = await openRequest(world.socket, 'GET', '/v1/events')
  sent.end()
  const head = await answer
  head.pause()
  head.socket.pause()
  const line = (op: string, i: number) => `{"op":"${op}","network":"br0","name":"x${i}"}\n`
  const both = (i: number) => line('create', i) + line('destroy', i).replace('"network":"br0",', '')
  const before = daemon.memory()
  const churn = async () => {
    const body = Array.from({ length: 64 }, (_, i) => both(i)).join('')
    await daemon.ask('POST', '/v1/namespaces:batch', { headers: { 'content-type': 'application/x-ndjson' }, body })
  }
  const isCut = ({ msg }: LogLine) => /takes nothing of its answer/.test(msg)
  for (let round = 0; round < 40 && !daemon.log.some(isCut); round++) await churn()
  await daemon.logged(isCut)
  expect((daemon.memory() - before) / MiB).toBeLessThan(128)
  head.destroy()
  await nothingLost(daemon)
})

test('a full state directory refuses what must be written down, leaves nothing half made, and serves on', async () => {
  await using world = await createWorld({ networks: [br0], namespaces: [{ name: 'ns0', network: 'br0' }] })
  mkdirSync(world.stateDir)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', world.stateDir])
  expect(mounted.status).toBe(0)
  await using daemon = await world.start()
  const ballast = join(world.stateDir, 'ballast')
  const fill = (bytes: number) => {
    try {
      writeFileSync(ballast, Buffer.alloc(bytes), { flag: 'a' })
      return true
    } catch {
      return false
    }
  }
  while (fill(4_096));
  const links = () => world.host.json<{ ifname: string }[]>('ip', ['-j', 'link']).length
  const before = links()
  for (let i = 0; i < 5; i++) {
    const { status, body } = await daemon.ask('PUT', `/v1/namespaces/full-${i}`, { body: { network: 'br0' } })
    expect({ status, code: body.code }).toEqual({ status: 507, code: 'EGRESSD_STATE_WRITE_FAILED' })
  }
  expect(links()).toBe(before)
  expect((await daemon.ask('GET', '/readyz')).status).toBe(200)
  expect((await daemon.ask('POST', '/v1/namespaces/ns0/ping', { body: { target: '8.8.8.8' } })).status).toBe(200)
  rmSync(ballast)
  expect((await daemon.ask('PUT', '/v1/namespaces/full-0', { body: { network: 'br0' } })).status).toBe(201)
  expect((await daemon.ask('DELETE', '/v1/namespaces/full-0')).status).toBe(204)
  await nothingLost(daemon)
})
