import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createWorld, until, type World } from '../helpers/daemon.js'

const config = {
  networks: [{ name: 'br0', subnets: ['192.168.0.0/16'] }],
  namespaces: [{ name: 'ns0', network: 'br0' }],
}

// Numbers, one after the other, that come back as they went: a pause is no loss, a connection that ends is.
const echo = `
import socket, sys
server = socket.create_server(("8.8.8.8", 7))
print("listening", flush=True)
peer, _ = server.accept()
while data := peer.recv(65536): peer.sendall(data)
`
const stream = `
import socket, sys, time, select
peer = socket.create_connection(("8.8.8.8", 7), 30)
sent = 0
print("connected", flush=True)
while not select.select([sys.stdin], [], [], 0.002)[0]:
    sent += 1
    line = b"%d\\n" % sent
    peer.sendall(line)
    got = b""
    while len(got) < len(line): got += peer.recv(len(line) - len(got)) or sys.exit("it was closed")
    if got != line: sys.exit("something else came back")
print(sent, flush=True)
`

interface Traffic {
  /** Packets of ping that others behind them overtook, lines that came back, and segments of TCP that had to be sent twice. */
  stop(): Promise<{ lost: number; answered: number; lines: number; again: number }>
}

async function keepTalking(world: World, name: string): Promise<Traffic> {
  const pin = join(world.netnsDir, name)
  const inside = (file: string, ...args: string[]) => spawn('nsenter', [`--net=${pin}`, file, ...args])
  const far = `/proc/${process.pid}/fd/${world.internet}`
  const server = spawn('nsenter', [`--net=${far}`, 'python3', '-c', echo])
  await once(server.stdout, 'data')
  const tcp = inside('python3', '-c', stream)
  await once(tcp.stdout, 'data')
  const ping = inside('ping', '-i', '0.01', '-W', '1', '8.8.8.8')
  const said = textOf(ping)
  await once(ping.stdout, 'data')
  return {
    async stop() {
      ping.kill('SIGINT')
      const lines = textOf(tcp)
      tcp.stdin.end('stop\n')
      const [[code], text] = await Promise.all([once(tcp, 'close'), lines, said])
      if (code !== 0) throw new Error(`the stream: exit ${code}`)
      server.kill('SIGKILL')
      // NB: not by its summary. What is under way as it is told to end is none that was lost.
      const came = new Set([...(await said).matchAll(/icmp_seq=(\d+)/g)].map(([, number]) => Number(number)))
      // NB: nor what had come, and was sent again all the same because the other side was late to say so (RFC 2883).
      const counters = ['TcpRetransSegs', 'TcpExtTCPDSACKRecv']
      const nstat = world.host.tool('nstat', ['-az', ...counters], { netns: { path: pin } })
      const [again, needless] = counters.map(name => Number(new RegExp(`^${name}\\s+(\\d+)`, 'm').exec(nstat)?.[1]))
      return {
        lost: Math.max(...came) - came.size,
        answered: came.size,
        lines: Number(text),
        again: (again as number) - (needless as number),
      }
    },
  }
}

async function textOf(child: ChildProcess): Promise<string> {
  let text = ''
  child.stdout?.on('data', chunk => (text += chunk))
  await once(child, 'close')
  return text
}

test.each(['SIGKILL', 'SIGTERM'] as const)('a restart after %s drops no packet', async signal => {
  await using world = await createWorld(config)
  const first = await world.start()
  await first.ask('PUT', '/v1/namespaces/ns1', { body: { network: 'br0' } })
  const traffic = await keepTalking(world, 'ns1')
  await first.end(signal)
  await using second = await world.start()
  expect((await second.ask('GET', '/v1/namespaces/ns1')).status).toBe(200)
  const { body } = await second.ask('POST', '/v1/namespaces/ns0/ping', { body: { target: '8.8.8.8' } })
  expect(body.echoes).toMatchObject([{ result: 'reply' }])
  const { lost, answered, lines, again } = await traffic.stop()
  expect({ lost, again }).toEqual({ lost: 0, again: 0 })
  expect(answered).toBeGreaterThan(10)
  expect(lines).toBeGreaterThan(10)
})

test('records that were removed between two runs: what is nobody’s any more is made anew at once', async () => {
  await using world = await createWorld(config)
  const first = await world.start()
  expect(await first.end()).toBe(0)
  rmSync(world.stateDir, { recursive: true })
  await using second = await world.start()
  expect((await second.ask('POST', '/v1/check', { body: { spec: config } })).body).toEqual({
    inSync: true,
    changes: [],
  })
  const reply = await second.ask('POST', '/v1/namespaces/ns0/ping', { body: { target: '8.8.8.8' } })
  expect(reply.body.echoes[0].result).toBe('reply')
})

test('killed in the middle of many creates, the next one has all of them whole or not at all', async () => {
  await using world = await createWorld(config)
  const first = await world.start()
  const all = Array.from({ length: 60 }, (_, i) => `ns-${i}`)
  const asked = all.map(name => first.ask('PUT', `/v1/namespaces/${name}`, { body: { network: 'br0' } }))
  const answers = Promise.allSettled(asked)
  await until(() => first.log.some(({ status }) => status === 201), 'the first answer')
  await first.end('SIGKILL')
  const told = (await answers).flatMap((each, i) =>
    each.status === 'fulfilled' && each.value.status === 201 ? [all[i] as string] : [],
  )
  await using second = await world.start()
  const { items } = (await second.ask('GET', '/v1/namespaces?limit=1000')).body
  const there = items.map(({ name }: { name: string }) => name)
  expect(there).toEqual(expect.arrayContaining(['ns0', ...told]))
  for (const { name, hostInterface } of items) {
    const [link] = world.host.json<{ ifalias: string }[]>('ip', ['-j', 'link', 'show', hostInterface])
    expect(link?.ifalias).toBe(`egressd:br0/${name}`)
    const { body } = await second.ask('POST', `/v1/namespaces/${name}/ping`, { body: { target: '192.168.0.1' } })
    expect(body.echoes).toMatchObject([{ result: 'reply' }])
  }
  // What was half made goes in a moment.
  const marked = () =>
    world.host
      .json<{ ifalias?: string }[]>('ip', ['-j', 'link', 'show', 'type', 'veth'])
      .filter(({ ifalias }) => ifalias?.startsWith('egressd:'))
  await until(() => marked().length === there.length, 'links of what is there, and no others')
})
