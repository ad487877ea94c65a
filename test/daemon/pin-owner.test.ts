// A namespace of the daemon's that somebody took away: what is to be done inside of it is done inside of no other.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connect } from '../../src/client.js'
import { createWorld } from '../helpers/daemon.js'
import { refusal } from '../helpers/egress/subject.js'

const path = '/v1/namespaces/ns0'
const enter = `${path}?enter=true`

test.each([false, true])('the daemon was started anew: %s', async restarted => {
  // NB: a watch would make it anew.
  await using world = await createWorld({ watch: 'off', networks: [{ name: 'br0', subnets: ['192.168.0.0/16'] }] })
  await using first = await world.start()
  await first.ask('PUT', path, { body: { network: 'br0' } })
  if (restarted) await first.end()
  await using daemon = restarted ? await world.start() : first
  await using api = await connect({ socket: world.socket })
  const ns0 = await api.findNamespace('ns0')
  if (!ns0) return expect.unreachable('it is there')
  const ping = { body: { target: '192.168.0.1' } }
  const refusals = async () => {
    const asked = [await daemon.ask('POST', `${path}/ping`, ping), await daemon.ask('GET', enter)]
    const works = [
      () => ns0.ping('192.168.0.1'),
      () => ns0.spawn('true'),
      () => ns0.connect({ address: '192.168.0.1', port: 9 }),
      () => ns0.listen(),
      () => ns0.datagram(),
    ]
    const codes: string[] = []
    for (const work of works) codes.push((await refusal(work())).code)
    return { statuses: asked.map(({ status }) => status), codes: [...asked.map(({ body }) => body.code), ...codes] }
  }
  const ofAll = (status: number, code: string) => ({ statuses: [status, status], codes: Array(7).fill(code) })
  const withTag = async (tag: string) => (await daemon.ask('GET', enter, { headers: { 'if-match': tag } })).status
  expect([await withTag(`"${ns0.id}"`), await withTag('"another"')]).toEqual([200, 412])
  expect((await daemon.ask('GET', `${path}?enter=no`)).status).toBe(422)

  const pin = join(world.netnsDir, 'ns0')
  const takeAway = () => {
    world.host.tool('umount', ['-l', pin]) // as ip(8) does
    rmSync(pin)
  }
  takeAway()
  expect(await refusals()).toEqual(ofAll(404, 'EGRESSD_NOT_FOUND'))
  world.host.tool('touch', [pin])
  world.host.tool('unshare', [`--net=${pin}`, 'ip', 'link', 'set', 'lo', 'up'])
  expect(await refusals()).toEqual(ofAll(409, 'EGRESSD_NAME_TAKEN'))
  // To tell of it, and to end it, takes nobody inside.
  expect((await daemon.ask('GET', path)).status).toBe(200)
  expect((await daemon.ask('DELETE', path)).status).toBe(204)
  takeAway()
})

test.each(['named', 'anonymous'])('a ping of one that is being destroyed is done or finds none: %s', async kind => {
  await using world = await createWorld({ networks: [{ name: 'br0', subnets: ['192.168.0.0/16'] }] })
  await using daemon = await world.start()
  const seen = new Set<string>()
  for (let round = 0; round < 20; round++) {
    const body = { network: 'br0' }
    const made = await (kind === 'named'
      ? daemon.ask('PUT', path, { body })
      : daemon.ask('POST', '/v1/namespaces', { body }))
    const one = `/v1/namespaces/${made.body.name}`
    const ask = () => daemon.ask('POST', `${one}/ping`, { body: { target: '192.168.0.1', timeoutMs: 50 } })
    const asked = [ask(), ask(), daemon.ask('DELETE', one), ...Array.from({ length: 12 }, ask)]
    for (const { status, body: said } of await Promise.all(asked)) seen.add(`${status} ${said?.code ?? 'done'}`)
  }
  const well = ['200 done', '204 done', '404 EGRESSD_NOT_FOUND']
  expect([...seen].filter(each => !well.includes(each))).toEqual([])
})
