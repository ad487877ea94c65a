import dgram from 'node:dgram'
import { once } from 'node:events'
import { openSync, readdirSync, readlinkSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Ops } from '../../src/kernel/ops.js'
import { adoptDatagram, adoptServer, type ConnectOptions, connectSocket } from '../../src/net-adopt.js'
import { type Chain, createChain, type End } from '../helpers/chain.js'
import { value } from '../helpers/host.js'
import { bothThreads } from '../helpers/threads.js'

let chain: Chain
beforeAll(async () => {
  chain = await createChain()
  await bothThreads()
})
afterAll(() => chain[Symbol.asyncDispose]())

type Fields = Omit<Ops['socket.open']['fields'], 'family' | 'type'>
type Family = 'v4' | 'v6'
const families = ['v4', 'v6'] as const

const run = async (end: End, fields: Ops['socket.open']['fields']) => {
  const [, opened] = await chain.host.kernel.run([
    { op: 'netns.open', as: 1, from: { fd: end.fd } },
    { op: 'socket.open', in: 1, ...fields },
  ])
  return opened
}
const open = async (end: End, type: 'stream' | 'datagram', family: Family, fields: Fields = {}) =>
  value(await run(end, { family: family === 'v4' ? 4 : 6, type, ...fields }))
const listening = (end: End, family: Family) =>
  open(end, 'stream', family, { bind: { address: end[family], port: 0 }, listen: 10 })
const connect = async (family: Family, to: ConnectOptions, fields: Fields = {}) =>
  connectSocket((await open(chain.client, 'stream', family, fields)).fd, to)

const sockets = () =>
  readdirSync('/proc/self/fd').filter(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
    } catch {
      return false
    }
  }).length
/** Runs it and waits until as many sockets are open as before. */
const leakless = async (body: () => Promise<void>) => {
  const before = sockets()
  await body()
  await vi.waitFor(() => expect(sockets()).toBe(before), { timeout: 20_000 })
}

test.each(families)('%s: a socket is bound, listens, and is in the namespace', family =>
  leakless(async () => {
    const { fd, address, port } = await listening(chain.server, family)
    expect(address).toBe(chain.server[family])
    expect(port).toBeGreaterThan(1023)
    const shown = chain.server.tool('ss', '-Hltn', `sport = ${port}`).trim().split(/\s+/)
    expect([shown[0], shown[2]]).toEqual(['LISTEN', '10'])
    expect(chain.client.tool('ss', '-Hltn', `sport = ${port}`)).toBe('')
    const server = await adoptServer(fd, net.createServer(), 20)
    expect(server.address()).toMatchObject({ address, port })
    expect(chain.server.tool('ss', '-Hltn', `sport = ${port}`).trim().split(/\s+/)[2]).toBe('20')
    server.close()
  }),
)

test.each(families)('%s: a server in one namespace, a client in another', family =>
  leakless(async () => {
    const { fd, address, port } = await listening(chain.server, family)
    const server = await adoptServer(
      fd,
      net.createServer(socket => socket.pipe(socket)),
    )
    const socket = await connect(family, { address, port })
    expect(socket.connecting).toBe(true)
    await once(socket, 'connect')
    expect(socket.localAddress).toBe(chain.client[family])
    expect(socket.remoteAddress).toBe(address)
    // The connection is in the client's namespace, and not in the process's own.
    expect(chain.client.tool('ss', '-Htn', `dport = ${port}`)).toContain('ESTAB')
    const sent = Buffer.alloc(1_000_000, 'egressd')
    socket.end(sent)
    expect(Buffer.compare(await buffer(socket), sent)).toBe(0)
    server.close()
  }),
)

test.each(families)('%s: HTTP by an agent whose sockets are made in the namespace', family =>
  leakless(async () => {
    const { fd, address, port } = await listening(chain.server, family)
    const server = await adoptServer(
      fd,
      http.createServer((request, response) => response.end(`${request.url} for ${request.socket.remoteAddress}`)),
    )
    // Else it, and whoever it tells so, hang up after five idle seconds.
    server.keepAliveTimeout = 600_000
    let made = 0
    const agent = new http.Agent({ keepAlive: true })
    agent.createConnection = (options, done) => {
      made += 1
      const to = { address: options.host as string, port: Number(options.port) }
      void (async () => {
        try {
          done?.(null, await connect(family, to))
        } catch (error) {
          done?.(error as Error, undefined as never)
        }
      })()
      return undefined as never
    }
    const get = async (path: string) => {
      const [response] = await once(http.get({ host: address, port, path, agent }), 'response')
      return text(response)
    }
    const paths = Array.from({ length: 20 }, (_, i) => `/${i}`)
    expect(await Promise.all(paths.map(get))).toEqual(paths.map(path => `${path} for ${chain.client[family]}`))
    const before = made
    for (const path of paths) expect(await get(path)).toContain(path)
    expect(made).toBe(before)
    agent.destroy()
    server.close()
  }),
)

test.each(families)('%s: UDP echo between two namespaces', family =>
  leakless(async () => {
    const number = family === 'v4' ? 4 : 6
    const at = { address: chain.server[family], port: 0 }
    const { fd, address, port } = await open(chain.server, 'datagram', family, { bind: at })
    const server = adoptDatagram(fd, number)
    server.on('message', (data, from) => server.send(`${data} from ${from.address}`, from.port, from.address))
    expect(server.address()).toMatchObject({ address, port })
    const client = adoptDatagram((await open(chain.client, 'datagram', family)).fd, number)
    client.send('hello', port, address)
    const [data, from] = await once(client, 'message')
    expect([`${data}`, from.address, from.port]).toEqual([`hello from ${chain.client[family]}`, address, port])
    client.close()
    server.close()
  }),
)

test('a client with an address and port of its own', () =>
  leakless(async () => {
    chain.client.tool('ip', 'addr', 'add', '10.1.0.9/24', 'dev', 'eth0')
    const { fd, address, port } = await listening(chain.server, 'v4')
    const server = await adoptServer(fd, net.createServer())
    server.on('connection', socket => socket.end(`${socket.remoteAddress} ${socket.remotePort}`))
    const socket = await connect('v4', { address, port }, { bind: { address: '10.1.0.9', port: 4242 } })
    expect(await text(socket)).toBe('10.1.0.9 4242')
    server.close()
  }))

test('what goes wrong when connecting is told by the error event, and nothing stays open', () =>
  leakless(async () => {
    for (const tool of [chain.client.tool, (command: string, ...args: string[]) => chain.host.tool(command, args)])
      tool('sysctl', '-qw', 'net.ipv4.tcp_syn_retries=1')
    chain.client.tool('ip', 'route', 'add', 'unreachable', '10.66.0.1')
    chain.host.tool('nft', [
      `table inet t { chain c { type filter hook forward priority 0;
      tcp dport 7 reject with icmpx admin-prohibited; tcp dport 8 drop; }; }`,
    ])
    const failure = async (family: Family, address: string, port = 1) => {
      const socket = await connect(family, { address, port })
      return new Promise(resolve => socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code)))
    }
    expect(await failure('v4', chain.server.v4)).toBe('ECONNREFUSED')
    expect(await failure('v6', chain.server.v6)).toBe('ECONNREFUSED')
    expect(await failure('v4', '10.66.0.1')).toBe('EHOSTUNREACH')
    expect(await failure('v4', chain.server.v4, 7)).toBe('EHOSTUNREACH')
    expect(await failure('v6', chain.server.v6, 7)).toBe('EACCES')
    expect(await failure('v4', chain.server.v4, 8)).toBe('ETIMEDOUT')
    chain.host.tool('nft', ['delete table inet t'])
  }))

test('no route, and an address of the other family', () =>
  leakless(async () => {
    const [opened] = await chain.host.kernel.run([{ op: 'socket.open', family: 4, type: 'stream' }])
    const lost = connectSocket(value(opened).fd, { address: '8.8.8.8', port: 53 })
    expect((await once(lost, 'error'))[0].code).toBe('ENETUNREACH')
    const other = await connect('v4', { address: chain.server.v6, port: 53 })
    expect((await once(other, 'error'))[0].code).toMatch(/^E(AFNOSUPPORT|INVAL)$/)
  }))

test('a socket connects once, and to no host name', () =>
  leakless(async () => {
    const { fd, address, port } = await listening(chain.server, 'v4')
    const server = await adoptServer(fd, net.createServer())
    const socket = await connect('v4', { address, port })
    await once(socket, 'connect')
    socket.destroy()
    expect(() => socket.connect(port, address)).toThrow(expect.objectContaining({ code: 'EGRESSD_CLOSED' }))
    await expect(connect('v4', { address: 'localhost', port })).rejects.toMatchObject({
      code: 'EGRESSD_INVALID_ADDRESS',
    })
    await expect(connect('v4', { address, port: 70_000 })).rejects.toMatchObject({ code: 'ERR_SOCKET_BAD_PORT' })
    server.close()
  }))

test('a descriptor that is no such socket is closed where it is not adopted', () =>
  leakless(async () => {
    const files = () => readdirSync('/proc/self/fd').length
    const before = files()
    const invalid = expect.objectContaining({ code: 'ERR_INVALID_FD_TYPE' })
    expect(() => connectSocket(openSync('/etc/hostname', 'r'), { address: '10.2.0.2', port: 1 })).toThrow(invalid)
    expect(() => adoptDatagram(openSync('/etc/hostname', 'r'), 4)).toThrow(invalid)
    await expect(adoptServer(openSync('/etc/hostname', 'r'), net.createServer())).rejects.toMatchObject({
      code: 'EINVAL',
    })
    const datagram = await open(chain.client, 'datagram', 'v4')
    await expect(adoptServer(datagram.fd, net.createServer())).rejects.toMatchObject({ code: 'EINVAL' })
    const stream = await open(chain.client, 'stream', 'v4')
    expect(() => adoptDatagram(stream.fd, 4)).toThrow(invalid)
    // A server that listens already.
    const { fd } = await listening(chain.server, 'v4')
    const server = await adoptServer(fd, net.createServer())
    const second = await listening(chain.server, 'v4')
    await expect(adoptServer(second.fd, server)).rejects.toMatchObject({ code: 'ERR_SERVER_ALREADY_LISTEN' })
    server.close()
    await vi.waitFor(() => expect(files()).toBe(before), { timeout: 20_000 })
  }))

test('what goes wrong when opening is a fault, and no descriptor stays', () =>
  leakless(async () => {
    const fault = async (fields: Ops['socket.open']['fields']) => {
      const opened = await run(chain.server, fields)
      if (opened.ok || opened.skipped) throw new Error('no fault')
      return [opened.fault.call, opened.fault.errno, opened.fault.message]
    }
    const { fd, port } = await listening(chain.server, 'v4')
    const taken = { address: '10.2.0.2', port }
    expect(await fault({ family: 4, type: 'stream', bind: taken, listen: 1 })).toEqual([
      'bind',
      'EADDRINUSE',
      `10.2.0.2 port ${port}`,
    ])
    const foreign = { address: '10.1.0.2', port: 0 }
    expect(await fault({ family: 4, type: 'datagram', bind: foreign })).toEqual([
      'bind',
      'EADDRNOTAVAIL',
      '10.1.0.2 port 0',
    ])
    chain.host.kernel.closeFd(fd)
  }))

test('fields of a wrong form', async () => {
  const bind = { address: '10.2.0.2', port: 0 }
  for (const fields of [
    { type: 'stream' },
    { family: 4 },
    { family: 4, type: 'raw' },
    { family: 6, type: 'stream', bind },
    { family: 4, type: 'stream', bind: { address: '10.2.0.2' } },
    { family: 4, type: 'stream', bind: { ...bind, port: 65_536 } },
    { family: 4, type: 'stream', bind, listen: 0 },
    { family: 4, type: 'datagram', bind, listen: 5 },
  ]) {
    const rejection = chain.host.kernel.run([{ op: 'socket.open', ...fields } as never])
    await expect(rejection).rejects.toMatchObject({ code: 'EGRESSD_INVALID_OPERATION' })
  }
})

test('a UDP socket hears of a closed port only when connected, and goes on', () =>
  leakless(async () => {
    const socket = adoptDatagram((await open(chain.client, 'datagram', 'v4')).fd, 4)
    socket.connect(1, chain.server.v4)
    await once(socket, 'connect')
    socket.send('anyone?')
    expect((await once(socket, 'error'))[0].code).toBe('ECONNREFUSED')
    expect(socket).toBeInstanceOf(dgram.Socket)
    socket.close()
  }))
