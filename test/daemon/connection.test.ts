// What HTTP/1.1 lets a client write on one connection, raw: each has its answer, and the next request begins where it begins.
import net from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, type Daemon, until, type World } from '../helpers/daemon.js'

const br0 = { name: 'br0', subnets: ['192.168.0.0/16'] }

let world: World
let daemon: Daemon
beforeAll(async () => {
  world = await createWorld({ networks: [br0], namespaces: [{ name: 'ns0', network: 'br0' }] })
  daemon = await world.start()
})
afterAll(async () => {
  expect(daemon.log.filter(({ level }) => level === 'error')).toEqual([])
  expect(await daemon.end()).toBe(0)
  await world[Symbol.asyncDispose]()
})

interface Said {
  status: number
  code?: string
  headers: string
}

/** A connection: what it said so far, and whether it was closed. */
function connect() {
  const socket = net.connect(world.socket)
  const said = { text: '', closed: false }
  socket.on('data', chunk => (said.text += chunk))
  socket.on('close', () => (said.closed = true))
  socket.on('error', () => {})
  return { socket, said }
}

/** Sends it all, and reads until the daemon closes. */
async function say(bytes: string): Promise<Said[]> {
  const { socket, said } = connect()
  socket.write(bytes, 'latin1')
  await until(() => said.closed, `the end of ${JSON.stringify(bytes.slice(0, 200))}: ${said.text}`)
  return answersIn(said.text)
}

const answersIn = (text: string): Said[] =>
  text
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter(part => part !== '')
    .map(part => {
      const [headers = '', body = ''] = part.split('\r\n\r\n')
      const code = /"code":"(\w+)"/.exec(body)?.[1]
      return { status: Number(part.slice(9, 12)), ...(code && { code }), headers: headers.toLowerCase() }
    })

const statuses = (said: Said[]) => said.map(({ status }) => status)
const body = '{"network":"br0"}'
const chunks = `11\r\n${body}\r\n0\r\n`
const put = (name: string, ...fields: string[]) =>
  ['PUT', `/v1/namespaces/${name}`, 'HTTP/1.1\r\ncontent-type: application/json\r\n'].join(' ') +
  fields.map(field => `${field}\r\n`).join('') +
  '\r\n'
const length = 'content-length: 17'
const get = 'GET /v1/namespaces/ns0 HTTP/1.1\r\nconnection: close\r\n\r\n'
const has = async (name: string) => (await daemon.ask('GET', `/v1/namespaces/${name}`)).status === 200

test('requests that are sent without waiting are done one after another', async () => {
  const line = (method: string) => `${method} /v1/namespaces/p HTTP/1.1\r\n\r\n`
  const all = `${put('p', length)}${body}${line('GET')}${line('DELETE')}${line('GET')}${get}`
  expect(statuses(await say(all))).toEqual([201, 200, 204, 404, 200])
  expect(await has('p')).toBe(false)
})

const ping = (intervalMs: number) => {
  const json = JSON.stringify({ target: '192.168.0.1', count: 3, intervalMs })
  const head = 'POST /v1/namespaces/ns0/ping HTTP/1.1\r\ncontent-type: application/json\r\n'
  return `${head}content-length: ${json.length}\r\n\r\n${json}`
}

test('more of them than may wait are refused, and nothing behind those is done', async () => {
  const health = 'GET /healthz HTTP/1.1\r\n\r\n'
  const said = await say(`${ping(100)}${health.repeat(80)}${put('over', length)}${body}`)
  expect(statuses(said)).toEqual([...Array(65).fill(200), 503])
  expect(said.at(-1)).toMatchObject({ code: 'EGRESSD_BUSY', headers: expect.stringContaining('connection: close') })
  expect(await has('over')).toBe(false)
})

test('what had not begun when its client went is not done', async () => {
  const { socket } = connect()
  // It goes on for longer than anything here takes, and ends with its client.
  socket.write(`${ping(30_000)}${put('late', length)}${body}`)
  // What was sent behind it is answered: it is known, too.
  expect((await daemon.ask('GET', '/healthz')).status).toBe(200)
  socket.destroy()
  await daemon.logged(({ path, gone }) => path === '/v1/namespaces/late' && gone === true)
  expect(await has('late')).toBe(false)
})

test('what is wrong comes behind the answers of what was right before it', async () => {
  const slow = 'GET /v1/doctor HTTP/1.1\r\n\r\n'
  for (const wrong of [
    '\x01\x02 garbage\r\n\r\n',
    'CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n',
    'GET /healthz HTTP/3.0\r\n\r\n',
  ])
    expect(await say(slow + wrong)).toMatchObject([{ status: 200 }, { status: 400, code: 'EGRESSD_INVALID_REQUEST' }])
})

test('an upgrade is not taken, and what is sent behind it is not answered', async () => {
  const upgrade = ['connection: upgrade, http2-settings', 'upgrade: h2c', 'http2-settings: AAMAAABk']
  const said = await say(`${put('up', length, ...upgrade)}${body}${put('behind', length)}${body}`)
  expect(said).toMatchObject([{ status: 201, headers: expect.stringContaining('connection: close') }])
  expect([await has('up'), await has('behind')]).toEqual([true, false])
  expect(await say('CONNECT /v1/networks HTTP/1.1\r\nhost: a\r\n\r\n')).toMatchObject([{ status: 400 }])
})

test('a body is asked for only where it is wanted', async () => {
  const expecting = 'expect: 100-continue'
  const { socket, said } = connect()
  socket.write(put('e', length, expecting))
  await until(() => said.text.includes('\r\n\r\n'), '100')
  expect(said.text).toBe('HTTP/1.1 100 Continue\r\n\r\n')
  socket.write(`${body}${get}`)
  await until(() => said.closed, 'both answers')
  expect(statuses(answersIn(said.text))).toEqual([100, 201, 200])

  const batch = connect()
  const ndjson = 'content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n'
  batch.socket.write(`POST /v1/namespaces:batch HTTP/1.1\r\n${ndjson}${expecting}\r\n\r\n`)
  await until(() => batch.said.text.startsWith('HTTP/1.1 100 '), '100')
  const text = '{"op":"destroy","name":"e"}\n'
  batch.socket.write(`${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`)
  await until(() => batch.said.text.includes('{"index":0,"ok":true}'), 'the result')
  batch.socket.destroy()

  for (const [request, status] of [
    [put('e', 'content-length: 99999999', expecting), 413],
    [`POST /v1/nonsense HTTP/1.1\r\n${length}\r\n${expecting}\r\n\r\n`, 404],
    [`PUT /v1/namespaces/e HTTP/1.1\r\n${length}\r\n${expecting}\r\n\r\n`, 415],
    [`${put('e', length, 'expect: 200-ok')}${body}`, 400],
  ] as const)
    expect({ request, said: statuses(await say(request)) }).toEqual({ request, said: [status] })
})

test('where a body ends is never in doubt', async () => {
  // As it should be: the next request is answered too.
  for (const fields of [
    [length],
    ['transfer-encoding: chunked'],
    ['transfer-encoding:\t CHUNKED '],
    [length, 'Host: a'],
  ]) {
    const sent = fields[0] === length ? body : `${chunks}x-trailer: y\r\n\r\n`
    expect({ fields, said: statuses(await say(`${put('ns0', ...fields)}${sent}${get}`)) }).toEqual({
      fields,
      said: [200, 200],
    })
  }
  const extended = '5;ext="a"\r\n{"net\r\n6\r\nwork":\r\n6\r\n"br0"}\r\n0\r\n\r\n'
  expect(statuses(await say(`${put('ns0', 'transfer-encoding: chunked')}${extended}${get}`))).toEqual([200, 200])
  // In doubt: one refusal, and the end.
  const coding = (value: string) => [`transfer-encoding: ${value}`]
  for (const fields of [
    [length, length],
    ['content-length: 17, 17'],
    ['content-length: +17'],
    ['content-length: 0x11'],
    ['content-length: -1'],
    ['content-length:'],
    ['content-length : 17'],
    ['content-length: 1 7'],
    [`content-length: ${'9'.repeat(30)}`],
    [length, ...coding('chunked')],
    [...coding('chunked'), length],
    ...['gzip, chunked', 'chunked, gzip', 'identity', 'identity, chunked', 'xchunked', 'chunked, chunked'].map(coding),
    ...['"chunked"', '\x0bchunked', 'chunked\r\n\tx', 'chunked;q=1', 'chunke\xff', ''].map(coding),
    [...coding('identity'), ...coding('chunked')],
    [...coding('chunked'), ...coding('identity')],
    ['transfer-encoding : chunked'],
    ['transfer-encoding:\r\n chunked'],
    ['host: a', 'Host: b', length],
    [...Array.from({ length: 120 }, (_, i) => `x-${i}: y`), length],
  ]) {
    const isChunked = fields.some(field => field.startsWith('transfer'))
    const said = await say(`${put('doubt', ...fields)}${isChunked ? `${chunks}\r\n` : body}${get}`)
    expect({ fields, said: statuses(said) }).toEqual({ fields, said: [fields.length > 100 ? 413 : 400] })
  }
  for (const bad of [
    `-1\r\n${body}`,
    `FFFFFFFFFFFFFFFFF\r\n`,
    `11\r\n${body}XX0\r\n\r\n`,
    `11;${'a'.repeat(40_000)}\r\n`,
  ])
    expect({ bad, said: statuses(await say(put('doubt', 'transfer-encoding: chunked') + bad)) }).toEqual({
      bad,
      said: [400],
    })
  expect(await has('doubt')).toBe(false)
})

test('a condition in a head that is too long is not overlooked', async () => {
  const many = Array.from({ length: 100 }, (_, i) => `x-${i}: y\r\n`).join('')
  const said = await say(`DELETE /v1/namespaces/ns0 HTTP/1.1\r\n${many}if-match: "another"\r\n\r\n`)
  expect(said).toMatchObject([{ status: 413, code: 'EGRESSD_TOO_LARGE' }])
  expect(await has('ns0')).toBe(true)
})

test('versions, methods and targets', async () => {
  const health = (version: string, ...fields: string[]) =>
    `GET /healthz HTTP/${version}\r\n${fields.map(field => `${field}\r\n`).join('')}\r\n`
  const alive = 'connection: keep-alive'
  for (const [request, said] of [
    [health('1.0'), [200]],
    [health('1.0', alive) + health('1.0'), [200, 200]],
    [health('0.9'), [400]],
    [health('1.2'), [400]],
    [health('2.0'), [400]],
    ['GET /healthz\r\n\r\n', [400]],
    [`${put('ns0', 'transfer-encoding: chunked').replace('1.1', '1.0')}${chunks}\r\n`, [400]],
    [`\r\n\r\n${get}`, [200]],
    ['GET /healthz HTTP/1.1\nconnection: close\n\n', [400]],
    ['GET /healthz HTTP/1.1\r\nx: a\0b\r\n\r\n', [400]],
    ['GET /v1/networks x HTTP/1.1\r\n\r\n', [400]],
    ['OPTIONS * HTTP/1.1\r\nconnection: close\r\n\r\n', [400]],
    [get.replace('/v1', 'http://localhost/v1'), [200]],
    [get.replace('/v1', 'HTTP://localhost:80/v1'), [200]],
    [get.replace('/v1', 'ftp://localhost/v1'), [400]],
    ['GET localhost:80 HTTP/1.1\r\n\r\n', [400]],
    [`GET /healthz HTTP/1.1\r\ncontent-length: 5\r\n\r\nabcde${get}`, [200, 200]],
  ] as const)
    expect({ request, said: statuses(await say(request)) }).toEqual({ request, said })
  const paths = [
    '/v1/networks',
    '/v1/namespaces',
    '/v1/events',
    '/v1/pools',
    '/metrics',
    '/healthz',
    '/v1/openapi.json',
  ]
  for (const path of paths)
    expect({ path, said: statuses(await say(`HEAD ${path} HTTP/1.1\r\n\r\n${get}`)) }).toEqual({
      path,
      said: [200, 200],
    })
})
