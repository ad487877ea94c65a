import { expect, test } from 'vitest'
import { createWorld, type Daemon, until } from '../helpers/daemon.js'

const br0 = { name: 'br0', subnets: ['192.168.0.0/16'] }
const path = '/v1/namespaces/ns0'

const make = (daemon: Daemon, headers = {}) => daemon.ask('PUT', path, { body: { network: 'br0' }, headers })
const end = (daemon: Daemon, headers = {}) => daemon.ask('DELETE', path, { headers })
const ping = (daemon: Daemon, headers = {}) =>
  daemon.ask('POST', `${path}/ping`, { body: { target: '192.168.0.1' }, headers })
const idOf = async (daemon: Daemon) => (await daemon.ask('GET', path)).body.id

test('with If-Match nothing happens to another that has the name', async () => {
  await using world = await createWorld({ networks: [br0] })
  await using daemon = await world.start()
  const first = await make(daemon)
  const { etag = '' } = first.headers
  expect(etag).toBe(`"${first.body.id}"`)
  expect((await make(daemon)).headers.etag).toBe(etag)
  expect((await daemon.ask('GET', path)).headers.etag).toBe(etag)
  expect((await make(daemon, { 'if-match': etag })).status).toBe(200)
  expect((await make(daemon, { 'if-match': '*' })).status).toBe(200)
  expect((await end(daemon, { 'if-match': `"other", ${etag}` })).status).toBe(204)
  // As who retries: it is gone already.
  expect((await end(daemon, { 'if-match': etag })).status).toBe(204)
  for (const match of [etag, '*']) {
    const { status, body } = await make(daemon, { 'if-match': match })
    expect({ status, code: body.code }).toEqual({ status: 412, code: 'EGRESSD_REPLACED' })
  }
  expect((await daemon.ask('GET', path)).status).toBe(404)

  const next = await make(daemon)
  expect(next.status).toBe(201)
  // What was destroyed above goes when the kernel comes to it.
  const links = () =>
    world.host.json<{ ifname: string; flags: string[] }[]>('ip', ['-j', 'link']).map(({ flags, ...link }) => ({
      ...link,
      flags: flags.filter(flag => !['NO-CARRIER', 'LOWER_UP'].includes(flag)),
      operstate: null, // as carriers: the kernel notices a moment later
    }))
  await until(
    () => links().every(({ ifname }) => !ifname.startsWith('egd')),
    'the links of what was destroyed are gone',
  )
  const before = links()
  expect((await ping(daemon, { 'if-match': next.headers.etag })).body.echoes).toMatchObject([{ result: 'reply' }])
  for (const ask of [make, end, ping])
    for (const match of [etag, `W/${next.headers.etag}`, '"x", "y"']) {
      const { status, headers, body } = await ask(daemon, { 'if-match': match })
      expect({ match, status, code: body.code }).toEqual({ match, status: 412, code: 'EGRESSD_REPLACED' })
      expect(headers['content-type']).toBe('application/problem+json')
    }
  for (const match of ['', 'x', '"x" "y"', '"x', '*, "x"'])
    expect({ match, status: (await end(daemon, { 'if-match': match })).status }).toEqual({ match, status: 400 })
  expect(links()).toEqual(before)
  expect(await idOf(daemon)).toBe(next.body.id)
  expect((await end(daemon, { 'if-match': next.headers.etag })).status).toBe(204)
})

test('the line of a batch that names an id ends that one only', async () => {
  await using world = await createWorld({ networks: [br0], namespaces: [{ name: 'ns0', network: 'br0' }] })
  await using daemon = await world.start()
  const line = (id: string) => `${JSON.stringify({ op: 'destroy', name: 'ns0', id })}\n`
  const batch = async (body: string) => {
    const headers = { 'content-type': 'application/x-ndjson' }
    return JSON.parse((await daemon.ask('POST', '/v1/namespaces:batch', { headers, body })).text)
  }
  expect(await batch(line('another'))).toMatchObject({ ok: false, error: { code: 'EGRESSD_REPLACED', status: 412 } })
  const id = await idOf(daemon)
  expect(await batch(line(id))).toEqual({ index: 0, ok: true })
  expect(await batch(line(id))).toEqual({ index: 0, ok: true })
  expect((await daemon.ask('GET', path)).status).toBe(404)
})

test.each(['SIGTERM', 'SIGKILL'] as const)('ids stay over %s', async signal => {
  await using world = await createWorld({ networks: [br0] })
  const first = await world.start()
  const { id } = (await make(first)).body
  await first.end(signal)
  await using second = await world.start()
  expect(await idOf(second)).toBe(id)
  expect((await make(second)).body.id).toBe(id)
})
