// NB: these run the compiled src/exec in Node processes of their own: `npm run build:ts` first.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { helperPath } from '../../src/exec/helper.js'
import { packageRoot } from '../../src/kernel/load.js'

const module = join(packageRoot, 'dist', 'exec', 'sandbox.js')
/** A program that runs `script` in a sandbox and prints as JSON how it ended. */
const program = (script: string) => `import { runInSandbox } from '${module}'
try {
  console.log(JSON.stringify(await runInSandbox(['-e', ${JSON.stringify(script)}])))
} catch ({ name, code, message }) {
  console.log(JSON.stringify({ name, code, message }))
}`
const evaluate = (script: string) => [process.execPath, '--input-type=module', '-e', program(script)]
/** As an ordinary user of a user namespace, after `prepare` has run with its capabilities. */
const powerless = (prepare: string, command: string[]) => [
  ...['unshare', '--user', '--map-user=1000', '--map-group=1000', '--keep-caps', 'sh', '-c', `${prepare}; exec "$@"`],
  ...['sh', 'setpriv', '--ambient-caps=-all', '--inh-caps=-all', ...command],
]
function run([command = '', ...args]: string[]): string[] {
  return spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
    .stdout.trim()
    .split('\n')
}
function alive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false // it may go while it is looked at
  }
}

const look = `const { readdirSync: list, readlinkSync: link, mkdirSync } = require('fs')
mkdirSync('/run/egressd-sandbox')
console.log(JSON.stringify({ uid: process.getuid(), run: list('/run'), net: list('/sys/class/net'),
  ns: ['net', 'mnt'].map(name => link('/proc/self/ns/' + name)) }))
process.exitCode = 7`

test.each([
  ['with privileges', (command: string[]) => command],
  ['without', (command: string[]) => powerless('true', command)],
])('a sandbox has its own network, mounts and /run, and is root in it: %s', (_how, as) => {
  const [inside = '', exit = ''] = run(as(evaluate(look)))
  const { uid, run: files, net, ns } = JSON.parse(inside)
  expect([uid, files, net]).toEqual([0, ['egressd-sandbox'], ['lo']])
  for (const [i, name] of ['net', 'mnt'].entries()) expect(ns[i]).not.toBe(readlinkSync(`/proc/self/ns/${name}`))
  expect(existsSync('/run/egressd-sandbox')).toBe(false)
  expect(JSON.parse(exit)).toEqual({ code: 7, signal: null })
})

test('root that lacks a capability is told which', () => {
  const strip = ['setpriv', '--inh-caps=-all', '--bounding-set=-all']
  expect(JSON.parse(run([...strip, ...evaluate('')]).join())).toMatchObject({
    code: 'EGRESSD_SANDBOX_UNAVAILABLE',
    message: expect.stringContaining('CAP_SETFCAP'),
  })
})

test('what forbids user namespaces is named, with the remedy', () => {
  const forbid = 'echo 0 > /proc/sys/user/max_user_namespaces'
  const [line = ''] = run(powerless(forbid, evaluate('')))
  expect(JSON.parse(line)).toEqual({
    name: 'EgressError',
    code: 'EGRESSD_SANDBOX_UNAVAILABLE',
    message: expect.stringMatching(/unshare\(CLONE_NEWUSER\): ENOSPC.*user\.max_user_namespaces=0.*sysctl -w/),
  })
})

/** Starts a sandbox whose script prints its pid and then the signals it gets; the third ends it with status 3. */
async function startListener(): Promise<{ child: ChildProcess; inner: number; lines: AsyncIterator<string> }> {
  const script = `let seen = 0
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'])
      process.on(name, () => { console.log(name); if (++seen === 3) process.exit(3) })
    setInterval(() => {}, 1000)
    console.log(process.pid)`
  const [command = '', ...args] = evaluate(script)
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface(child.stdout as Readable)[Symbol.asyncIterator]()
  return { child, inner: Number((await lines.next()).value), lines }
}

test('signals are forwarded, each once', async () => {
  const { child, lines } = await startListener()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    child.kill(signal)
    expect((await lines.next()).value).toBe(signal)
  }
  expect(JSON.parse((await lines.next()).value)).toEqual({ code: 3, signal: null })
})

test('a signal that comes while the command is being started is its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'egressd-sandbox-'))
  try {
    const helper = join(folder, 'egressd-exec')
    const start = `kill -TERM $PPID\nsleep 0.2\nexec ${helperPath()} "$@"\n`
    writeFileSync(helper, `#!/bin/sh\n${start}`, { mode: 0o755 })
    const [line = ''] = run(['env', `EGRESSD_EXEC=${helper}`, ...evaluate('setTimeout(() => {}, 30_000)')])
    expect(JSON.parse(line)).toEqual({ code: null, signal: 'SIGTERM' })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the sandbox dies with its parent', async () => {
  const { child, inner } = await startListener()
  expect(alive(inner)).toBe(true)
  child.kill('SIGKILL')
  await once(child, 'exit')
  for (let tries = 0; tries < 1000 && alive(inner); tries++) await sleep(20)
  expect(alive(inner)).toBe(false)
})

test('nothing is begun for a parent that is gone already', () => {
  const run = (parent: number) =>
    spawnSync(helperPath(), ['sandbox', '--map-root', '--parent', `${parent}`, '--', 'echo', 'runs'], {
      encoding: 'utf8',
    })
  expect(run(process.pid)).toMatchObject({ status: 0, stdout: 'runs\n' })
  expect(run(process.ppid)).toMatchObject({
    status: 126,
    stdout: '',
    stderr: expect.stringContaining('the parent is gone'),
  })
})

test.each([
  ['another namespace', 'touch /ref && unshare --net=/ref true; ref=/ref'],
  ['its own', 'ref=/proc/self/ns/net'],
])(
  "in a rootless container, with one sysfs that must stay, /sys is still that of the command's network: %s",
  (_, ref) => {
    const script = `mount -t tmpfs tmpfs /mnt && cd /mnt && mkdir usr proc sys old && cp ${helperPath()} egressd-exec
    for name in bin sbin lib lib64; do ln -s usr/$name $name; done
    mount --rbind /usr usr && mount --rbind /proc proc && mount -t sysfs sysfs sys && mount -t tmpfs tmpfs sys/firmware
    pivot_root . old && cd / && umount -l old && ip link add egressd-seen type veth peer name egressd-peer
    ${ref}; /egressd-exec enter --netns $ref -- sh -c 'ls /sys/class/net && ip -o link | wc -l'`
    const args = ['sandbox', '--map-root', '--', 'sh', '-c', script]
    // What is preloaded into Node here would be missed in that root by the dynamic linker, in words.
    const env = { ...process.env, LD_PRELOAD: undefined }
    const { stdout, stderr } = spawnSync(helperPath(), args, { encoding: 'utf8', env })
    const links = ref.startsWith('touch') ? ['lo'] : ['egressd-peer', 'egressd-seen', 'lo']
    expect({ stdout, stderr }).toEqual({ stdout: `${links.join('\n')}\n${links.length}\n`, stderr: '' })
  },
)

test('where /sys cannot be replaced, it is noted, and the command runs all the same', () => {
  const hide = ['--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /sys/kernel && exec "$@"', 'sh']
  const args = [...hide, helperPath(), 'sandbox', '--map-root', '--', 'echo', 'runs']
  const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' })
  expect(stdout).toBe('runs\n')
  expect(stderr).toBe('egressd-exec: mount sysfs: /sys: Operation not permitted\n')
})

test('egressd-exec without a status descriptor speaks to standard error', () => {
  const { status, stderr } = spawnSync(helperPath(), ['sandbox', '--', '/no/such'], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({
    status: 127,
    stderr: 'egressd-exec: exec: /no/such: No such file or directory\n',
  })
  const usage = spawnSync(helperPath(), ['enter', '--netns-fd', '4', '--netns', '/x', '--', 'true'], {
    encoding: 'utf8',
  })
  expect(usage.status).toBe(126)
  expect(usage.stderr).toContain('usage: egressd-exec enter')
})
