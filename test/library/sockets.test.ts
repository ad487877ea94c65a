import { getEventListeners, once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import http from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import type { Namespace } from '../../src/namespace.js'
import { createLibrary, dual, type Library, named, refusal } from '../helpers/library.js'

const openFds = () => readdirSync('/proc/self/fd').length

/** The threads that open sockets hold the namespace they began in: not before they are there. */
async function untilThreadsAre(): Promise<void> {
  const { ino } = statSync('/proc/self/ns/net')
  const isHome = (fd: string) => statSync(`/proc/self/fd/${fd}`, { throwIfNoEntry: false })?.ino === ino
  await expect.poll(() => readdirSync('/proc/self/fd').filter(isHome).length).toBe(2)
}

/** Nobody answers at that address, nor does the kernel find out in three seconds that nobody is there. */
const silent = '192.168.0.77'
const layNobody = ({ host }: Library, { ref, interface: link }: Namespace) =>
  host.tool('ip', ['neigh', 'add', silent, 'lladdr', '02:00:00:00:00:77', 'dev', link], { netns: ref })

describe('sockets of namespaces', () => {
  test('an HTTP server in one is reached from another, which is seen by its own address', async () => {
    await using library = await createLibrary()
    const network = await library.egress.network(dual)
    const [one, two] = [await network.create(named), await network.create()]
    const seen: unknown[] = []
    const server = await one.listen(
      { port: 8080 },
      http.createServer((request, response) => {
        seen.push(request.socket.remoteAddress)
        response.end('from ns0')
      }),
    )
    const socket = await two.connect({ address: '192.168.0.2', port: 8080 })
    socket.end('GET / HTTP/1.0\r\n\r\n')
    expect(await text(socket)).toMatch(/from ns0$/)
    expect(seen).toEqual([two.addresses[0]])
    server.close()
    await once(server, 'close')
  })

  test('refused, unreachable and aborted connections are errors, and leak nothing', async () => {
    await using library = await createLibrary()
    const namespace = await (await library.egress.network({ ...dual, hostAccess: 'all' })).create(named)
    layNobody(library, namespace)
    await untilThreadsAre()
    const before = openFds()
    const code = (address: string) =>
      namespace.connect({ address, port: 9 }).catch((error: { code: string }) => error.code)
    expect(await code('192.168.0.1')).toBe('ECONNREFUSED')
    expect(await code('fd00::1')).toBe('ECONNREFUSED')
    expect(await code('example.org')).toBe('EGRESSD_INVALID_ADDRESS')
    const reason = new Error('enough')
    const waiting = namespace.connect({ address: silent, port: 9, signal: AbortSignal.timeout(50) })
    await expect(waiting).rejects.toThrow(/timeout|abort/i)
    await expect(namespace.connect({ address: silent, port: 9, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    )
    await expect.poll(openFds).toBe(before)
  })

  test.each([new Error('enough'), 'enough', null, 0])('aborted at any moment, with the reason %s', async reason => {
    await using library = await createLibrary()
    const namespace = await (await library.egress.network(dual)).create(named)
    layNobody(library, namespace)
    await untilThreadsAre()
    const before = openFds()
    const stopped = (signal: AbortSignal) =>
      namespace.connect({ address: silent, port: 9, signal }).then(
        () => 'connected',
        (error: unknown) => ({ error }),
      )
    // While the socket is made, and while it connects.
    const [soon, later] = [new AbortController(), new AbortController()]
    const [first, second] = [stopped(soon.signal), stopped(later.signal)]
    soon.abort(reason)
    expect(await first).toEqual({ error: reason })
    await expect.poll(openFds).toBeGreaterThan(before)
    later.abort(reason)
    expect(await second).toEqual({ error: reason })
    await expect.poll(openFds).toBe(before)
    expect([soon, later].flatMap(({ signal }) => getEventListeners(signal, 'abort'))).toEqual([])
  })

  test('what is no port, or no backlog, is refused with its field', async () => {
    await using library = await createLibrary()
    const namespace = await (await library.egress.network(dual)).create(named)
    const no = (port: unknown) => ({ port: port as number })
    for (const [work, field] of [
      [() => namespace.listen(no(-1)), 'port'],
      [() => namespace.listen(no(65_536)), 'port'],
      [() => namespace.listen(no('80')), 'port'],
      [() => namespace.listen({ backlog: 0 }), 'backlog'],
      [() => namespace.listen({ backlog: Number.NaN }), 'backlog'],
      [() => namespace.datagram(no(1.5)), 'port'],
      [() => namespace.connect({ address: '192.168.0.1', ...no(0) }), 'port'],
      [() => namespace.connect({ address: '192.168.0.1', ...no(70_000) }), 'port'],
    ] as const)
      expect(await refusal(work())).toMatchObject({ code: 'EGRESSD_INVALID_SPEC', field })
  })

  test('UDP, in both families', async () => {
    await using library = await createLibrary()
    const network = await library.egress.network(dual)
    const [one, two] = [await network.create(named), await network.create()]
    for (const [any, address] of [
      ['0.0.0.0', '192.168.0.2'],
      ['::', 'fd00::2'],
    ] as const) {
      await using server = await one.datagram({ address: any, port: 5353 })
      await using client = await two.datagram({ address: any })
      server.on('message', (message, { address, port }) => server.send(`${message} back`, port, address))
      const answer = once(client, 'message')
      client.send('there', 5353, address)
      expect(String((await answer)[0])).toBe('there back')
    }
  })

  test('what cannot be bound is refused in the kernel’s words', async () => {
    await using library = await createLibrary()
    const namespace = await (await library.egress.network(dual)).create(named)
    await expect(namespace.listen({ address: '10.9.8.7', port: 1 })).rejects.toMatchObject({
      code: 'EGRESSD_KERNEL',
      fault: { errno: 'EADDRNOTAVAIL' },
    })
  })
})
