import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import net from 'node:net'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { createWorld, openRequest, type Reply, run, type StartOptions, type World } from '../helpers/daemon.js'

const br0 = { name: 'br0', subnets: ['192.168.0.0/16'] }

// A client that is somebody else.
const client = `
import os, socket, sys
uid, groups = int(sys.argv[5]), [int(each) for each in sys.argv[6:]]
os.setgroups(groups); os.setgid(uid); os.setuid(uid)
s = socket.socket(socket.AF_UNIX)
try: s.connect(sys.argv[1])
except OSError as e: sys.exit(e.strerror)
body = sys.argv[4].encode()
s.sendall(b"%s %s HTTP/1.1\\r\\ncontent-type: application/json\\r\\nconnection: close\\r\\ncontent-length: %d\\r\\n\\r\\n" % (sys.argv[2].encode(), sys.argv[3].encode(), len(body)) + body)
while data := s.recv(65536): sys.stdout.write(data.decode())
`

type Who = [uid: number, ...groups: number[]]

function askAs(world: World, who: Who, method: string, path: string, body = ''): Pick<Reply, 'status' | 'text'> {
  const line = ['-c', client, world.socket, method, path, body, ...who.map(String)]
  const { stdout, stderr } = spawnSync('python3', line, { encoding: 'utf8' })
  return { status: Number(/^HTTP\/1.1 (\d+)/.exec(stdout)?.[1] ?? 0), text: stderr.trim() || stdout }
}
const stranger: Who = [1234]
const member: Who = [1235, 4321]

/** Hands a listening socket over, as sd_listen_fds(3) says. */
const activation = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o666); s.listen(16)
os.dup2(s.fileno(), 3); os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="egressd.socket")
os.execvp(sys.argv[2], sys.argv[2:])
`

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

test('the group may do all, and nobody else may anything', async () => {
  await using world = await createWorld({ networks: [br0], group: 4321 })
  chmodSync(world.root, 0o755)
  await using daemon = await world.start()
  expect(modeOf(world.socket)).toBe('660')
  expect(statSync(world.socket)).toMatchObject({ uid: 0, gid: 4321 })
  expect(readdirSync(world.root).filter(name => name.startsWith('.'))).toEqual([])
  expect(askAs(world, stranger, 'GET', '/v1/networks')).toEqual({ status: 0, text: 'Permission denied' })
  expect(askAs(world, member, 'PUT', '/v1/namespaces/a', '{"network":"br0"}').status).toBe(201)
  expect(await daemon.logged(({ status }) => status === 201)).toMatchObject({ uid: 1235, method: 'PUT' })
})

test('where all may read, others read and change nothing', async () => {
  await using world = await createWorld({ networks: [br0], group: 4321, read: 'all' })
  chmodSync(world.root, 0o755)
  await using daemon = await world.start()
  expect(modeOf(world.socket)).toBe('666')
  expect(askAs(world, stranger, 'GET', '/v1/networks').status).toBe(200)
  for (const [method, path, body] of [
    ['PUT', '/v1/namespaces/a', '{"network":"br0"}'],
    ['POST', '/v1/namespaces', '{"network":"br0"}'],
    ['POST', '/v1/namespaces:batch', '{"op":"create","network":"br0"}\n'],
    ['DELETE', '/v1/networks/br0', ''],
    ['POST', '/v1/apply', '{"spec":{}}'],
    ['POST', '/v1/down', '{}'],
    ['POST', '/v1/gc', '{}'],
    ['PUT', '/v1/log', '{"level":"trace"}'],
  ] as const) {
    const { status, text } = askAs(world, stranger, method, path, body)
    expect({ path, status, forbidden: /EGRESSD_FORBIDDEN/.test(text) }).toEqual({ path, status: 403, forbidden: true })
  }
  expect(askAs(world, member, 'PUT', '/v1/namespaces/a', '{"network":"br0"}').status).toBe(201)
  expect((await daemon.ask('GET', '/v1/namespaces')).body.items).toHaveLength(1)
})

// Follows events as often as it is let, and keeps them.
const greedy = `
import os, socket, sys, time
os.setgroups([]); os.setgid(1234); os.setuid(1234)
held = []
for _ in range(6):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    s.sendall(b"GET /v1/events HTTP/1.1\\r\\n\\r\\n")
    held.append(s)
    print(s.recv(12).decode()[-3:], flush=True)
print("done", flush=True)
time.sleep(60)
`

test('who may only read cannot take what the others need', async () => {
  await using world = await createWorld({ networks: [br0], read: 'all', limits: { streams: 8 } })
  chmodSync(world.root, 0o755)
  await using daemon = await world.start()
  const stranger = spawn('python3', ['-c', greedy, world.socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    let said = ''
    for await (const chunk of stranger.stdout) {
      said += chunk
      if (said.endsWith('done\n')) break
    }
    expect(said.split('\n').slice(0, 6)).toEqual(['200', '200', '503', '503', '503', '503'])
    const own = []
    for (let i = 0; i < 7; i++) {
      const { sent, answer } = await openRequest(world.socket, 'GET', '/v1/events')
      sent.end()
      own.push({ sent, status: (await answer).statusCode })
    }
    expect(own.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 503])
    for (const { sent } of own) sent.destroy()
  } finally {
    stranger.kill('SIGKILL')
  }
  expect(await daemon.end()).toBe(0)
})

test('a socket that was handed over is served, and its own file is none of the daemon’s', async () => {
  await using world = await createWorld({ networks: [br0] })
  chmodSync(world.root, 0o755)
  const handed: StartOptions = { before: ['python3', '-c', activation, world.socket] }
  const daemon = await world.start(handed)
  expect((await daemon.ask('GET', '/v1/networks')).status).toBe(200)
  // Whoever may connect, the daemon looks who it is.
  const refused = askAs(world, stranger, 'GET', '/v1/networks')
  expect(refused.status).toBe(403)
  expect(refused.text).toMatch(/application\/problem\+json[\s\S]*EGRESSD_FORBIDDEN/)
  expect(askAs(world, stranger, 'GET', '/healthz').status).toBe(200)
  const { env } = process
  expect(env.LISTEN_FDS).toBeUndefined()
  expect(await daemon.end()).toBe(0)
  expect(existsSync(world.socket)).toBe(true)
})

test('the path of the socket is taken only where nobody has it', async () => {
  await using world = await createWorld({ networks: [br0] })
  const refusedFor = async (words: RegExp) => {
    await using daemon = run(world)
    expect(await daemon.end('SIGCONT')).toBe(1)
    expect(daemon.log.at(-1)).toMatchObject({
      error: { code: 'EGRESSD_SOCKET_IN_USE' },
      msg: expect.stringMatching(words),
    })
  }
  writeFileSync(world.socket, 'mine')
  await refusedFor(/is no socket/)
  expect(lstatSync(world.socket).isFile()).toBe(true)
  rmSync(world.socket)

  const other = net.createServer().listen(world.socket)
  await refusedFor(/is listened on by another process/)
  other.close()

  mkdirSync(join(world.root, 'aside'))
  symlinkSync(join(world.root, 'aside'), world.socket)
  await refusedFor(/is no socket/)
  rmSync(world.socket)

  // Of one that was killed.
  const killed = await world.start()
  await killed.end('SIGKILL')
  expect(lstatSync(world.socket).isSocket()).toBe(true)
  const next = await world.start()
  expect((await next.ask('GET', '/healthz')).status).toBe(200)
  expect(await next.end()).toBe(0)
  expect(existsSync(world.socket)).toBe(false)
  expect(readdirSync(dirname(world.socket)).filter(name => name.startsWith('.'))).toEqual([])
})
