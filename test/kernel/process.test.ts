import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { notifySystemd, peerCredentials } from '../../src/kernel/process.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'egressd-process-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

interface Received {
  state: string
  pid: number
  contents: string[]
  truncated: boolean
}

/** What a manager that listens at `name` is sent by `send`. */
async function received(name: string, send: () => void): Promise<Received> {
  const manager = spawn('python3', [resolve('test/helpers/notify-socket.py'), name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: manager.stdout })[Symbol.asyncIterator]()
  expect((await lines.next()).value).toBe('listening')
  send()
  return JSON.parse((await lines.next()).value as string)
}

test.each([
  ['a path', () => join(folder, 'notify')],
  ['the abstract namespace', () => `@egressd-test-${process.pid}`],
  // sun_path is 108 bytes: all of them for an abstract name, one less for a path, which has its NUL.
  ['an abstract name of all bytes', () => `@${String(process.pid).padStart(107, 'x')}`],
])('tells the manager at %s', async (_what, name) => {
  const path = name()
  const state = 'READY=1\nSTATUS=zwölf namespaces\n'
  expect(await received(path, () => notifySystemd(path, state))).toEqual({
    state,
    pid: process.pid,
    contents: [],
    truncated: false,
  })
})

test('hands over descriptors, in order, and keeps its own', async () => {
  const files = ['one', 'two'].map(text => {
    writeFileSync(join(folder, text), text)
    return openSync(join(folder, text), 'r')
  })
  const path = join(folder, 'store')
  const got = await received(path, () => notifySystemd(path, 'FDSTORE=1\nFDNAME=netns', files))
  expect(got).toMatchObject({ state: 'FDSTORE=1\nFDNAME=netns', contents: ['one', 'two'], truncated: false })
  for (const fd of files) closeSync(fd)
})

test.each([
  ['nobody made', '/nonexistent/notify', 'ENOENT'],
  ['nobody listens at', '@egressd-nobody', 'ECONNREFUSED'],
  ['is of another kind', 'vsock:2:1234', 'EAFNOSUPPORT'],
  ['is empty', '', 'EAFNOSUPPORT'],
  ['is too long', `/${'x'.repeat(107)}`, 'ENAMETOOLONG'],
  ['is too long, in the abstract namespace,', `@${'x'.repeat(108)}`, 'ENAMETOOLONG'],
])('a socket that %s is an error', (_what, path, errno) => {
  expect(() => notifySystemd(path, 'READY=1')).toThrow(
    expect.objectContaining({
      code: 'EGRESSD_KERNEL',
      fault: expect.objectContaining({ op: 'process.notify', errno }),
    }),
  )
})

test('a manager that reads nothing is given up on', () => {
  const path = join(folder, 'deaf')
  // A socket in the file system that nobody reads: bound by a process that only waits.
  const deaf = spawn('python3', [
    '-c',
    `import socket,sys; s=socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind("${path}"); print("bound", flush=True); sys.stdin.read()`,
  ])
  return new Promise<void>((done, fail) => {
    deaf.stdout.once('data', () => {
      try {
        // net.unix.max_dgram_qlen is 10 where nobody has set it.
        expect(() => {
          for (let i = 0; i < 100_000; i++) notifySystemd(path, `WATCHDOG=1\n${i}`)
        }).toThrow(expect.objectContaining({ fault: expect.objectContaining({ errno: 'EAGAIN' }) }))
        done()
      } catch (error) {
        fail(error as Error)
      } finally {
        deaf.stdin.end()
      }
    })
  })
})

test('descriptors that are none are refused before anything is sent', () => {
  for (const fd of [-1, 1.5, Number.NaN, 2 ** 32 + 1])
    expect(() => notifySystemd('@egressd-nobody', 'FDSTORE=1', [0, fd])).toThrow(/fds: .* is no descriptor/)
  const many = Array.from({ length: 254 }, () => 0)
  expect(() => notifySystemd('@egressd-nobody', 'FDSTORE=1', many)).toThrow(/more than 253/)
})

async function peerOf(user: number, group: number, groups: number[]) {
  // Other users do not get into the folder of temporary files.
  const home = mkdtempSync('/run/egressd-peer-')
  chmodSync(home, 0o755)
  const path = join(home, 'socket')
  const server = createServer()
  const connected = once(server, 'connection')
  server.listen({ path, writableAll: true })
  await once(server, 'listening')
  const script = resolve('test/helpers/connect-as.py')
  const peer = spawn('python3', [script, path, String(user), String(group), groups.join()], {
    stdio: ['pipe', 'inherit', 'inherit'],
  })
  const ended = once(peer, 'exit')
  const [socket] = (await Promise.race([connected, ended])) as [Socket | number]
  if (!(socket instanceof Socket)) throw new Error(`the peer ended: exit ${socket}`)
  const found = peerCredentials(descriptorOf(socket))
  socket.destroy()
  peer.stdin.end()
  await ended
  server.close()
  rmSync(home, { recursive: true })
  return { found, pid: peer.pid }
}

const descriptorOf = (handle: object) => (handle as { _handle: { fd: number } })._handle.fd

// In a sandbox of an ordinary user there is no other user than its root.
const maps = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/)
const hasUsers = Number(maps[2]) > 10_000

test.skipIf(!hasUsers)('knows who is at the other end, with any number of groups', async () => {
  for (const groups of [[], [7, 100, 4242], Array.from({ length: 300 }, (_, i) => 5000 + i)]) {
    const { found, pid } = await peerOf(1234, 5678, groups)
    expect({ ...found, groups: found.groups.toSorted((a, b) => a - b) }).toEqual({ pid, uid: 1234, gid: 5678, groups })
  }
})

test('nobody is nobody: no peer, no Unix socket, no socket, no descriptor', async () => {
  const file = openSync('/dev/null', 'r')
  expect(() => peerCredentials(file)).toThrow(/ENOTSOCK/)
  closeSync(file)
  // NB: not of the file that was closed: its number may be another's by now.
  expect(() => peerCredentials(2 ** 30)).toThrow(/EBADF/)
  const server = createServer()
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  expect(() => peerCredentials(descriptorOf(server))).toThrow(/EAFNOSUPPORT/)
  await new Promise(done => server.close(done))
  expect(() => peerCredentials(-1)).toThrow(/fd: -1 is no descriptor/)
})

/** In a process of its own: it is another program afterwards, or has lost its signal handlers. */
function inChild(script: string): { status: number | null; stdout: string; stderr: string } {
  const door = pathToFileURL(resolve('dist/kernel/process.js')).href
  const loader = pathToFileURL(resolve('dist/kernel/load.js')).href
  const imports = `import { replaceProcess } from '${door}'; import { loadAddon } from '${loader}'; process.stdout; process.stderr;`
  const input = 'given on standard input\n'
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', imports + script], {
    encoding: 'utf8',
    input,
    env: { ...process.env, SECRET: 'x' },
  })
  return { status, stdout, stderr }
}

test('another program takes the place of this one, with its pid, its streams and the environment that is given', () => {
  const line = 'echo $0 $1 $$ [$SECRET] $GIVEN; cat; ls /proc/self/fd | tr "\\n" " "; grep SigIgn /proc/self/status'
  const { status, stdout, stderr } = inChild(
    `console.log(process.pid); replaceProcess('/bin/sh', ['-c', ${JSON.stringify(line)}, 'zero', 'one two'], { GIVEN: 'é', PATH: process.env.PATH })`,
  )
  const [pid, words, ...rest] = stdout.split('\n')
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(words).toBe(`zero one two ${pid} [] é`)
  // The last descriptor is the directory that ls reads.
  expect(rest).toEqual(['given on standard input', '0 1 2 3 SigIgn:\t0000000000000000', ''])
})

test('what cannot be executed is an error, and this process goes on', () => {
  const attempt = (file: string) =>
    `try { replaceProcess(${JSON.stringify(file)}, [], {}) } catch ({ code, message }) { console.log(code, message) }`
  const { status, stdout } = inChild(`${attempt('/no/such')}; ${attempt('/etc/passwd')}
    for (const bad of [[1, [], []], ['/bin/true', [], []], ['/bin/true', ['x', 1], []], ['/bin/true', ['x'], null]])
      try { loadAddon().replaceProcess(...bad) } catch (error) { console.log(error.message) }`)
  expect(status).toBe(0)
  expect(stdout.trim().split('\n')).toEqual([
    expect.stringMatching(/^EGRESSD_KERNEL \/no\/such: replace process: No such file or directory \(ENOENT\)/),
    expect.stringMatching(/^EGRESSD_KERNEL \/etc\/passwd: replace process: Permission denied \(EACCES\)/),
    ...Array(4).fill('replaceProcess: expected a file, arguments and an environment'),
  ])
})
