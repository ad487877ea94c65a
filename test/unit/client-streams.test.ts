import { describe, expect, test } from 'vitest'
import type { EgressEvent } from '../../src/engine/events.js'
import { failure, json, namespace, type Script, worldOf } from '../helpers/scripted-daemon.js'

describe('a batch', () => {
  const items = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `n${i}` }))

  /** Answers each line by the script. */
  const perLine =
    (each: (line: { name: string }, index: number, say: (result: object) => void, end: () => void) => void): Script =>
    async (request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).flushHeaders()
      let [rest, index, said, over] = ['', 0, 0, false]
      const finish = () => {
        if (over && said >= index) response.end()
      }
      for await (const chunk of request) {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() as string
        for (const line of lines)
          each(
            JSON.parse(line),
            index++,
            result => {
              response.write(`${JSON.stringify(result)}\n`)
              said++
              finish()
            },
            () => void request.socket.destroy(),
          )
      }
      over = true
      finish()
    }

  test('keeps so many lines under way and no more, whatever the order of the results', async () => {
    const held: (() => void)[] = []
    let [most, under] = [0, 0]
    await using world = await worldOf(
      perLine(({ name }, index, say) => {
        most = Math.max(most, ++under)
        held.push(() => {
          under--
          say({ index, ok: true, namespace: namespace(name) })
        })
        setImmediate(() => held.pop()?.())
      }),
    )
    const made = await world.br0.createMany(items(1_000))
    expect(made.map(one => one.ok && one.namespace.name)).toEqual(items(1_000).map(({ name }) => name))
    expect(most).toBeGreaterThan(16)
    expect(most).toBeLessThanOrEqual(256)
  })

  test('that is cut off tells what came, and that the rest is not known', async () => {
    await using world = await worldOf(
      perLine(({ name }, index, say, end) => {
        if (index < 3) say({ index, ok: true, namespace: namespace(name) })
        if (index === 5) setTimeout(end, 20)
      }),
    )
    const made = await world.br0.createMany(items(8))
    expect(made.map(one => (one.ok ? 'ok' : one.error.code))).toEqual([
      ...Array.from({ length: 3 }, () => 'ok'),
      ...Array.from({ length: 5 }, () => 'EGRESSD_DAEMON_UNREACHABLE'),
    ])
    expect(world.daemon.asked).toHaveLength(1)
  })

  test('that was never answered is sent again where each has a name', async () => {
    let lost = 0
    const good = perLine(({ name }, index, say) => say({ index, ok: true, namespace: namespace(name) }))
    await using world = await worldOf((request, response) =>
      lost++ < 1 ? void request.socket.destroy() : good(request, response),
    )
    expect((await world.br0.createMany(items(3))).every(({ ok }) => ok)).toBe(true)
    lost = 0
    const [first, second] = await world.br0.createMany([{ name: 'a' }, {}])
    expect([first?.ok, second?.ok]).toEqual([false, false])
    expect(world.daemon.asked).toHaveLength(3)
  })

  test.each([
    ['of no line', { index: 77, ok: true }],
    ['without a namespace', { index: 0, ok: true }],
    ['with an error of tomorrow', { index: 0, ok: false, error: { code: 'EGRESSD_OF_TOMORROW' } }],
  ])('a result %s is no answer', async (_what, result) => {
    await using world = await worldOf(perLine((_line, _index, say) => say(result)))
    const [made] = await world.br0.createMany([{ name: 'a' }])
    expect(made).toMatchObject({ ok: false, error: { code: 'EGRESSD_DAEMON_ANSWER' } })
  })

  test('is refused as a whole where the daemon says so, and is silent for so long and no longer', async () => {
    await using refusing = await worldOf((_, response) => json(response, { code: 'EGRESSD_BUSY', detail: 'busy' }, 503))
    const refused = await refusing.br0.createMany(items(2))
    expect(refused.map(one => one.ok || one.error.code)).toEqual(['EGRESSD_BUSY', 'EGRESSD_BUSY'])
    await using silent = await worldOf(
      perLine(() => {}),
      { timeoutMs: 3_000 },
    )
    expect(await silent.br0.createMany(items(1))).toMatchObject([{ ok: false, error: { code: 'EGRESSD_TIMEOUT' } }])
  })
})

describe('events', () => {
  const event = (number: number): EgressEvent => ({ id: `run-${number}`, time: '', type: 'said' })

  test('go on behind the last that came, over as many connections as it takes', async () => {
    let next = 1
    await using world = await worldOf((request, response) => {
      response.writeHead(200).flushHeaders()
      // Half an event is none.
      response.write(`\n${JSON.stringify(event(next++))}\n${JSON.stringify(event(next++))}\n{"id":"run-`)
      setTimeout(() => request.socket.destroy(), 5)
    })
    const ids: string[] = []
    for await (const { id } of world.client.events()) if (ids.push(id) === 7) break
    expect(ids).toEqual([1, 2, 3, 4, 5, 6, 7].map(number => `run-${number}`))
    expect(world.daemon.asked).toEqual([
      'GET /v1/events',
      'GET /v1/events?since=run-2',
      'GET /v1/events?since=run-4',
      'GET /v1/events?since=run-6',
    ])
  })

  test('lost before the first has come begin anew, with a gap', async () => {
    let connections = 0
    await using world = await worldOf((request, response) => {
      response.writeHead(200).flushHeaders()
      if (++connections === 1) setTimeout(() => request.socket.destroy(), 5)
      else response.write(`${JSON.stringify(event(7))}\n`)
    })
    const types: string[] = []
    for await (const { type } of world.client.events()) if (types.push(type) === 2) break
    expect(types).toEqual(['gap', 'said'])
    expect(world.daemon.asked).toEqual(['GET /v1/events', 'GET /v1/events'])
  })

  test('what this client asks for later comes behind: it waits until the daemon knows', async () => {
    await using world = await worldOf((request, response) => {
      if (request.url !== '/v1/events') return json(response, { items: [] })
      setTimeout(() => response.writeHead(200).flushHeaders(), 50)
    })
    const stop = new AbortController()
    const following = world.client.events({ signal: stop.signal })[Symbol.asyncIterator]()
    const first = following.next()
    await world.client.listNetworks()
    expect(world.daemon.asked).toEqual(['GET /v1/events', 'GET /v1/networks'])
    stop.abort()
    expect(await first).toEqual({ done: true, value: undefined })
  })

  test('so does what is many', async () => {
    let knows = false
    const known: boolean[] = []
    await using world = await worldOf((request, response) => {
      const follow = () => {
        knows = true
        response.writeHead(200).flushHeaders()
      }
      if (request.url === '/v1/events') return void setTimeout(follow, 50)
      known.push(knows)
      response.writeHead(200).end(`${JSON.stringify({ index: 0, ok: true, namespace: namespace('ns0') })}\n`)
    })
    const following = world.client.events()[Symbol.asyncIterator]()
    const first = following.next()
    expect(await world.br0.createMany([{ name: 'ns0' }])).toMatchObject([{ ok: true }])
    expect(known).toEqual([true])
    await world.client.close()
    expect(await first).toEqual({ done: true, value: undefined })
  })

  test('what waits for that ends by its signal, by its time, and with the client', async () => {
    await using world = await worldOf(() => {}, { timeoutMs: 3_000 })
    const { client, br0, daemon } = world
    void client.events()[Symbol.asyncIterator]().next()
    const [reason, stop] = [new Error('enough'), new AbortController()]
    const stopped = client.apply({}, { signal: stop.signal }).catch((error: unknown) => error)
    const many = br0.createMany([{ name: 'ns0' }], { signal: stop.signal })
    stop.abort(reason)
    expect(await stopped).toBe(reason)
    expect(await many).toMatchObject([{ ok: false, error: { code: 'EGRESSD_ABORTED', cause: reason } }])
    expect((await failure(client.listNetworks())).code).toBe('EGRESSD_TIMEOUT')
    expect(await br0.createMany([{ name: 'ns0' }])).toMatchObject([{ ok: false, error: { code: 'EGRESSD_TIMEOUT' } }])
    const [listed, created] = [failure(client.listNetworks()), failure(br0.createMany([{ name: 'ns0' }]))]
    await client.close()
    expect([(await listed).code, (await created).code]).toEqual(['EGRESSD_CLOSED', 'EGRESSD_CLOSED'])
    expect(daemon.asked).toEqual(['GET /v1/events'])
  })

  test('of a daemon that refuses, or is gone from the beginning, end with that', async () => {
    await using world = await worldOf((_, response) => void response.writeHead(403).end())
    const next = (client: typeof world.client) => client.events()[Symbol.asyncIterator]().next()
    expect((await failure(next(world.client))).code).toBe('EGRESSD_FORBIDDEN')
    await world.daemon.stop()
    expect((await failure(next(world.client))).code).toBe('EGRESSD_DAEMON_UNREACHABLE')
  })
})
