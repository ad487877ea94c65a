import { type ChildProcess, spawnSync } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { helperPath } from '../../src/exec/helper.js'
import { spawnInside } from '../../src/exec/spawn.js'
import type { HelperReport } from '../../src/exec/status.js'
import { nativeKernel } from '../../src/kernel/native.js'
import { value } from '../helpers/host.js'
import { bothThreads } from '../helpers/threads.js'

const name = 'spawn-test'
const path = `/run/netns/${name}`
let fd: number
let inode: number
let directory: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'egressd-spawn-'))
  const kernel = nativeKernel.open()
  const [made] = await kernel.run([{ op: 'netns.create', as: 1, pin: path, hold: true }])
  fd = value(made).fd as number
  inode = value(made).inode
  await kernel.close()
  await bothThreads()
})
afterAll(async () => {
  const kernel = nativeKernel.open()
  await kernel.run([{ op: 'netns.unpin', path }])
  await kernel.close()
  closeSync(fd)
  rmSync(directory, { recursive: true })
})
afterEach(() => vi.unstubAllEnvs())

async function finish(child: ChildProcess) {
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout as Readable),
    text(child.stderr as Readable),
    once(child, 'close'),
  ])
  return { stdout, stderr, code, signal }
}
const sh = async (script: string, options = {}) => finish(await spawnInside({ fd }, 'sh', ['-c', script], options))
const descriptors = () => readdirSync('/proc/self/fd').length

/** An executable script that stands for egressd-exec: `prepare` runs first, in a mount namespace of its own. */
function wrapHelper(prepare: string): string {
  const file = join(directory, 'wrapper')
  writeFileSync(
    file,
    `#!/bin/sh\nexec unshare --mount sh -c '${prepare} && exec "$@"' wrapper ${helperPath()} "$@"\n`,
    {
      mode: 0o755,
    },
  )
  return file
}

test.each([
  ['descriptor', () => ({ fd })],
  ['path', () => ({ path })],
])('a command runs in the namespace given by %s', async (_kind, ref) => {
  const { stdout } = await finish(await spawnInside(ref(), 'readlink', ['/proc/self/ns/net']))
  expect(stdout).toBe(`net:[${inode}]\n`)
})

test('a command runs in the namespace of another process', async () => {
  const other = await spawnInside({ fd }, 'sleep', ['60'])
  const { stdout } = await finish(await spawnInside({ pid: other.pid as number }, 'readlink', ['/proc/self/ns/net']))
  other.kill()
  expect(stdout).toBe(`net:[${inode}]\n`)
  expect(statSync('/proc/self/ns/net').ino).not.toBe(inode)
})

test('it sees what `ip netns exec` gives: /sys, /etc, mounts of its own', async () => {
  const etc = join(directory, 'etc')
  mkdirSync(join(etc, 'netns', name), { recursive: true })
  writeFileSync(join(etc, 'resolv.conf'), 'nameserver 192.0.2.1\n')
  writeFileSync(join(etc, 'hosts'), '127.0.0.1 localhost\n')
  writeFileSync(join(etc, 'netns', name, 'resolv.conf'), 'nameserver 192.0.2.2\n')
  const look = 'cat /etc/resolv.conf /etc/hosts; ls /sys/class/net /sys; readlink /proc/self/ns/net'
  const prepare = `mount --bind ${etc} /etc`
  // Other tests share this mount namespace, and pin what they like.
  const ofSysAndEtc = () => readFileSync('/proc/self/mountinfo', 'utf8').match(/^.* \/(sys|etc)\b.*$/gm)
  const mounts = ofSysAndEtc()
  vi.stubEnv('EGRESSD_EXEC', wrapHelper(prepare))
  const ours = await sh(look, { etc: name })
  const without = await sh('cat /etc/resolv.conf')
  const theirs = spawnSync('unshare', ['--mount', 'sh', '-c', `${prepare} && ip netns exec ${name} sh -c "${look}"`])
  expect(ours).toEqual({ stdout: theirs.stdout.toString(), stderr: '', code: 0, signal: null })
  expect(ours.stdout).toMatch(/^nameserver 192\.0\.2\.2\n127\.0\.0\.1 localhost\n/)
  expect(without.stdout).toBe('nameserver 192.0.2.1\n')
  expect(ofSysAndEtc()).toEqual(mounts)
})

test('its mounts stay its own', async () => {
  const { code } = await sh('mount -t tmpfs tmpfs /mnt && touch /mnt/egressd-spawn')
  expect(code).toBe(0)
  expect(readdirSync('/mnt')).not.toContain('egressd-spawn')
})

test('a file of /etc/netns that has no place in /etc is published, and the command runs all the same', async () => {
  const etc = join(directory, 'bare')
  mkdirSync(join(etc, 'netns', name), { recursive: true })
  writeFileSync(join(etc, 'netns', name, 'nowhere'), '')
  vi.stubEnv('EGRESSD_EXEC', wrapHelper(`mount --bind ${etc} /etc`))
  const published: unknown[] = []
  const listen = (message: unknown) => published.push(message)
  subscribe('egressd:spawn', listen)
  const { code } = await sh('true', { etc: name })
  unsubscribe('egressd:spawn', listen)
  expect(code).toBe(0)
  const message = `/etc/netns/${name}/nowhere on /etc/nowhere`
  const note: HelperReport = { kind: 'note', stage: 'mount --bind', errno: 'ENOENT', number: 2, message }
  expect(published).toEqual([{ command: 'sh', pid: expect.any(Number), notes: [note] }])
})

test('options of spawn work: cwd, env, argv0, shell, stdio, detached', async () => {
  const env = { PATH: process.env.PATH, GREETING: 'hello' }
  expect((await sh('pwd; echo $GREETING', { cwd: '/usr', env })).stdout).toBe('/usr\nhello\n')
  expect((await finish(await spawnInside({ fd }, 'sh', ['-c', 'echo $0'], { argv0: 'odd' }))).stdout).toBe('odd\n')
  expect((await finish(await spawnInside({ fd }, 'echo a |', ['tr a b'], { shell: true }))).stdout).toBe('b\n')
  const quiet = await spawnInside({ fd }, 'sh', ['-c', 'echo lost; exit 3'], { stdio: 'ignore' })
  expect(quiet.stdio).toEqual([null, null, null])
  expect(await once(quiet, 'exit')).toEqual([3, null])
  const session = await sh('ps -o sid= -p $$; echo $$', { detached: true })
  expect(new Set(session.stdout.trim().split(/\s+/)).size).toBe(1)
})

test('it has just the descriptors that the caller gave it', async () => {
  const look = 'ls /proc/self/fd'
  expect((await sh(look)).stdout).toBe('0\n1\n2\n3\n') // 3: ls itself, reading
  const child = await spawnInside({ fd }, 'sh', ['-c', `${look}; echo extra >&3`], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  })
  expect(child.stdio).toHaveLength(4)
  const [stdout, extra] = await Promise.all([child.stdout, child.stdio[3]].map(stream => text(stream as Readable)))
  expect([stdout, extra]).toEqual(['0\n1\n2\n3\n4\n', 'extra\n'])
})

test('messages go both ways', async () => {
  const script = 'process.on("message", m => { process.send(m + 1); process.disconnect() })'
  const child = await spawnInside({ fd }, process.execPath, ['-e', script], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  child.send(41)
  expect((await once(child, 'message'))[0]).toBe(42)
  expect(await once(child, 'exit')).toEqual([0, null])
})

test('no event is lost, however short the command and however late the listener', async () => {
  for (let round = 0; round < 20; round++) {
    const child = await (async () => await spawnInside({ fd }, 'true'))()
    child.stdout?.resume()
    child.stderr?.resume()
    await Promise.resolve()
    const seen: string[] = []
    for (const event of ['spawn', 'exit']) child.once(event, () => seen.push(event))
    await once(child, 'close')
    expect(seen).toEqual(['spawn', 'exit'])
  }
})

test('a signal aborts it, before and after its start', async () => {
  const aborted = spawnInside({ fd }, 'sleep', ['60'], { signal: AbortSignal.abort() })
  await expect(aborted).rejects.toMatchObject({ code: 'EGRESSD_ABORTED' })
  const control = new AbortController()
  const child = await spawnInside({ fd }, 'sleep', ['60'], { signal: control.signal })
  const ended = Promise.all([once(child, 'error'), new Promise(resolve => child.once('exit', (_c, s) => resolve(s)))])
  control.abort()
  const [[error], signal] = await ended
  expect(error.name).toBe('AbortError')
  expect(signal).toBe('SIGTERM')
})

test('another user, where one is mapped', async () => {
  const mapped = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/)[2] !== '1'
  const started = sh('id -u; id -g; id -G', { uid: 65534, gid: 65534 })
  if (mapped) expect((await started).stdout).toBe('65534\n65534\n65534\n')
  else await expect(started).rejects.toMatchObject({ details: { stage: 'setgid', errno: 'EINVAL' } })
})

test('groups that may not be taken away are not left to another user', () => {
  if (readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/)[2] === '1') return
  const become = (groups: string) => {
    const without = ['--bounding-set=-setgid', '--inh-caps=-setgid', groups, helperPath()]
    return spawnSync('setpriv', [...without, 'enter', '--netns', path, '--uid', '65534', '--', 'id', '-u'], {
      encoding: 'utf8',
    })
  }
  const refused = become('--groups=4,27')
  expect([refused.status, refused.stdout]).toEqual([126, ''])
  expect(refused.stderr).toContain('setgroups: Operation not permitted')
  // Where there are none, nothing is left.
  expect(become('--clear-groups').stdout).toBe('65534\n')
})

test.each([
  ['a command that does not exist', {}, 'no-such-command', 'exec', 'ENOENT'],
  ['a command that is not executable', {}, '/proc/self/status', 'exec', 'EACCES'],
  ['a path that is no namespace', { path: '/etc/hosts' }, 'true', 'identify namespace', 'EINVAL'],
  ['a path that does not exist', { path: '/run/netns/none' }, 'true', 'open namespace', 'ENOENT'],
  ['a process that does not exist', { pid: 2 ** 22 + 1 }, 'true', 'open namespace', 'ENOENT'],
  ['a descriptor that is no namespace', { fd: 0 }, 'true', 'identify namespace', 'EINVAL'],
])('%s is an error that says so', async (_what, netns, command, stage, errno) => {
  const ref = { fd, ...netns } as { fd: number }
  if ('path' in netns || 'pid' in netns) delete (ref as { fd?: number }).fd
  await expect(spawnInside(ref, command, [], { env: { PATH: '/usr/bin:/bin' } })).rejects.toMatchObject({
    code: 'EGRESSD_SPAWN_FAILED',
    details: { stage, errno, command },
    message: expect.stringContaining(errno),
  })
})

test('a name for /etc/netns is one path component', async () => {
  await expect(sh('true', { etc: '../x' })).rejects.toMatchObject({ details: { stage: 'options', errno: 'EINVAL' } })
})

test('without egressd-exec the error names it', async () => {
  vi.stubEnv('EGRESSD_EXEC', '/nowhere/egressd-exec')
  await expect(sh('true')).rejects.toMatchObject({
    code: 'EGRESSD_SPAWN_FAILED',
    details: { stage: 'start egressd-exec', errno: 'ENOENT' },
  })
})

test('neither success nor failure leaks a descriptor', async () => {
  await sh('true')
  const before = descriptors()
  for (let round = 0; round < 20; round++) {
    await sh('true')
    await expect(spawnInside({ fd }, 'no-such-command')).rejects.toThrow()
    await expect(spawnInside({ path: '/etc/hosts' }, 'true')).rejects.toThrow()
  }
  await vi.waitFor(() => expect(descriptors()).toBe(before), { timeout: 20_000 })
})
