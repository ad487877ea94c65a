// What a command in a namespace is given, and what it can do with it.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test, vi } from 'vitest'
import { helperPath } from '../../src/exec/helper.js'
import type { Namespace } from '../../src/namespace.js'
import { freshWorld } from '../helpers/cli.js'
import { createLibrary, dual, named } from '../helpers/library.js'

// Much of it is waiting for what does not come.
vi.setConfig({ testTimeout: 120_000 })

async function output(namespace: Namespace, command: string, args: string[] = [], options = {}): Promise<string> {
  const child = await namespace.spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options })
  const ended = once(child, 'exit')
  const said = await text(child.stdout as NonNullable<typeof child.stdout>)
  await ended
  return said
}

const kinds = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts']

test('it is in another network and mount namespace, and in no other one of any kind: a command is not locked up', async () => {
  await using library = await createLibrary()
  const namespace = await (await library.egress.network(dual)).create(named)
  const said = (
    await output(
      namespace,
      'readlink',
      kinds.map(kind => `/proc/self/ns/${kind}`),
    )
  )
    .trim()
    .split('\n')
  const differing = kinds.filter((kind, i) => said[i] !== readlinkSync(`/proc/self/ns/${kind}`))
  expect(differing).toEqual(['mnt', 'net'])
})

test('no descriptor of the host’s namespace, nor any of ours, is in it', async () => {
  await using library = await createLibrary()
  const namespace = await (await library.egress.network(dual)).create(named)
  // Ours are open: the namespace of the host is one.
  const own = readdirSync('/proc/self/fd').map(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
  expect(own.filter(target => target.startsWith('net:['))).not.toEqual([])
  const given = await output(namespace, 'sh', ['-c', 'for fd in /proc/$$/fd/*; do readlink $fd; done'])
  expect(given.trim().split('\n')).toHaveLength(3)
  expect(given).not.toContain('net:[')
})

test('words that begin with dashes are the command’s own', async () => {
  await using library = await createLibrary()
  const namespace = await (await library.egress.network(dual)).create(named)
  const args = ['--netns', '/proc/1/ns/net', '--', '--uid', '0', '-x', '', 'a b', '$(id)', '`id`', '\n']
  expect(await output(namespace, 'printf', ['[%s]', ...args])).toBe(args.map(word => `[${word}]`).join(''))
  for (const command of ['--help', '--netns', '-c', '--'])
    await expect(namespace.spawn(command, ['x'])).rejects.toMatchObject({
      code: 'EGRESSD_SPAWN_FAILED',
      details: { stage: 'exec', errno: 'ENOENT', command },
    })
  await expect(namespace.spawn('tr\0ue')).rejects.toThrow(/null bytes/)
})

test('the command line hands over words and variables as they are, and names the namespace itself', async () => {
  await using host = await freshWorld()
  await host.egressd(['network', 'add', 'br0', '--subnet', '10.64.0.0/16'])
  await host.egressd(['ns', 'add', 'ns0', '--network', 'br0'])
  const env = { EGRESSD_NAMESPACE: 'another', ODD: 'a\nb=$(id)' }
  const script = 'printf "[%s]" "$EGRESSD_NAMESPACE" "$ODD" "$@"'
  const said = await host.egressd(['ns', 'exec', 'ns0', '--', 'sh', '-c', script, '--', '--netns', '-x', '--'], { env })
  expect(said).toEqual({ code: 0, stdout: '[ns0][a\nb=$(id)][--netns][-x][--]', stderr: '' })
  for (const name of ['../../proc/1/ns/net', '--netns', '/proc/1/ns/net', ''])
    expect((await host.egressd(['ns', 'exec', name, '--', 'true'])).code).not.toBe(0)
})

test('no program is of another user or has rights of its own: variables that load code gain nobody anything', () => {
  const programs = [helperPath(), join(import.meta.dirname, '../../dist/cli/main.js')]
  for (const path of programs) {
    expect(statSync(path).mode & 0o6000).toBe(0)
    expect(
      spawnSync('python3', ['-c', `import os; print(os.listxattr(${JSON.stringify(path)}))`]).stdout.toString(),
    ).not.toContain('capability')
  }
})

test('links in /etc/netns reach no further than a mount of that command', async () => {
  const name = `sec-${process.pid}`
  const folder = mkdtempSync(join(tmpdir(), 'egressd-etc-'))
  try {
    await using library = await createLibrary()
    const namespace = await (await library.egress.network(dual)).create({ name })
    const own = join(folder, 'own')
    writeFileSync(own, 'planted')
    mkdirSync(join(folder, 'netns', name), { recursive: true })
    writeFileSync(join(folder, 'hostname'), 'before')
    symlinkSync(own, join(folder, 'netns', name, 'hostname'))
    symlinkSync('/proc/1/root', join(folder, 'netns', name, 'passwd'))
    const script = `mount --bind ${folder} /etc && ${helperPath()} enter --netns ${namespace.path} --etc ${name} -- cat /etc/hostname; cat /etc/hostname`
    const done = spawnSync('unshare', ['--mount', 'sh', '-c', script], { encoding: 'utf8' })
    expect(done.stdout).toBe('plantedbefore')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
