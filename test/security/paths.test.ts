// What somebody has laid in the way of files that are written as root.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { Egress } from '../../src/egress.js'
import { createWorld, run as runDaemon } from '../helpers/daemon.js'
import { createLibrary, dual, type Library, named, refusal } from '../helpers/library.js'

// Much of it is waiting for what does not come.
vi.setConfig({ testTimeout: 120_000 })

const fifo = (path: string) => expect(spawnSync('mkfifo', [path]).status).toBe(0)
const open = ({ host, stateDir, netnsDir, etcNetnsDir }: Library, more: { stateDir?: string } = {}) =>
  Egress.open({ host: { fd: host.kernel.hostFd }, stateDir, netnsDir, etcNetnsDir, ...more })
/** A file that must stay as it is, and what leads to it. */
function victim({ root }: Library) {
  const path = join(root, 'victim')
  writeFileSync(path, 'precious')
  return { path, isWhole: () => readFileSync(path, 'utf8') === 'precious' && (lstatSync(path).mode & 0o777) === 0o644 }
}

test('a state directory that others may write to, own, or exchange is refused, and nothing is put into it', async () => {
  await using library = await createLibrary()
  const stateDir = join(library.root, 'other')
  const refused = async (words: string, at = stateDir) => {
    const error = await refusal(open(library, { stateDir: at }))
    expect(error).toMatchObject({ code: 'EGRESSD_UNSAFE_PATH', field: 'stateDir', value: at })
    expect(error.message).toContain(words)
    expect(spawnSync('find', [stateDir, '-mindepth', '1'], { encoding: 'utf8' }).stdout).toBe('')
  }
  mkdirSync(stateDir)
  for (const mode of [0o777, 0o1777, 0o775, 0o702]) {
    chmodSync(stateDir, mode)
    await refused(mode.toString(8))
  }
  chmodSync(stateDir, 0o700)
  chownSync(stateDir, 1234, 0)
  await refused('belongs to user 1234')
  chownSync(stateDir, 0, 0)
  // Above it.
  const open1 = join(library.root, 'open')
  mkdirSync(join(open1, 'state'), { recursive: true, mode: 0o700 })
  chmodSync(open1, 0o777)
  await refused(`the mode of ${open1} is 0777`, join(open1, 'state'))
  // One of the sticky kind is like /tmp: what is ours in it stays ours.
  chmodSync(open1, 0o1777)
  await (await open(library, { stateDir: join(open1, 'state') })).close()
  // A link of somebody else's, and one of root's.
  const link = join(open1, 'link')
  symlinkSync(stateDir, link)
  spawnSync('chown', ['-h', '1234', link])
  await refused('is a link of user 1234', link)
  spawnSync('chown', ['-h', '0', link])
  await (await open(library, { stateDir: link })).close()
})

test('folders of it that are links, or of others, are refused', async () => {
  await using library = await createLibrary()
  const stateDir = join(library.root, 'other')
  const elsewhere = join(library.root, 'elsewhere')
  mkdirSync(elsewhere, { mode: 0o700 })
  mkdirSync(stateDir, { mode: 0o700 })
  for (const folder of ['networks', 'namespaces', 'making', 'leases']) {
    symlinkSync(elsewhere, join(stateDir, folder))
    expect(await refusal(open(library, { stateDir }))).toMatchObject({ code: 'EGRESSD_UNSAFE_PATH' })
    rmSync(join(stateDir, folder))
    mkdirSync(join(stateDir, folder))
    chmodSync(join(stateDir, folder), 0o777)
    expect(await refusal(open(library, { stateDir }))).toMatchObject({ code: 'EGRESSD_UNSAFE_PATH' })
    chmodSync(join(stateDir, folder), 0o700)
  }
  await (await open(library, { stateDir })).close()
  expect(spawnSync('ls', [elsewhere], { encoding: 'utf8' }).stdout).toBe('')
})

test('links under the names of records lead nowhere, whether they are read or written', async () => {
  await using library = await createLibrary()
  const { egress, stateDir } = library
  const { path, isWhole } = victim(library)
  const beside = ['host.json.new', 'networks/br0.json.new', 'namespaces/ns0.json']
  for (const name of beside) symlinkSync(path, join(stateDir, name))
  const network = await egress.network(dual)
  await network.create(named)
  expect(isWhole()).toBe(true)
  for (const name of beside)
    expect(lstatSync(join(stateDir, name), { throwIfNoEntry: false })?.isFile() ?? true).toBe(true)
  // What is being made is written to its own name.
  const making = join(stateDir, 'making/ns1.json')
  for (const lay of [() => symlinkSync(path, making), () => linkSync(path, making), () => fifo(making)]) {
    lay()
    await (await network.create({ name: 'ns1' })).destroy()
    expect([isWhole(), lstatSync(path).nlink, existsSync(making)]).toEqual([true, 1, false])
  }
  await egress.close()
  // In the place of each file that is read.
  for (const name of ['host.json', 'networks/br0.json', 'namespaces/ns0.json', 'leases/br0', 'lock']) {
    const file = join(stateDir, name)
    if (existsSync(file)) renameSync(file, `${file}.aside`)
    for (const lay of [() => symlinkSync(path, file), () => linkSync(path, file), () => fifo(file)]) {
      lay()
      const error = await refusal(open(library))
      expect({ name, code: error.code }).toEqual({
        name,
        code: expect.stringMatching(/^EGRESSD_STATE_(INVALID|WRITE_FAILED)$/),
      })
      expect(isWhole()).toBe(true)
      rmSync(file)
    }
    if (existsSync(`${file}.aside`)) renameSync(`${file}.aside`, file)
  }
  // Nothing was lost by it.
  const again = await library.restart()
  expect(again.namespaces.map(({ name }) => name)).toEqual(['ns0'])
})

test('what lies in /run/netns under the name of a namespace is not followed, nor taken away', async () => {
  await using library = await createLibrary()
  const { egress, netnsDir, root } = library
  const { path, isWhole } = victim(library)
  const network = await egress.network(dual)
  const pin = join(netnsDir, 'ns1')
  const before = library.census()
  const ways: [what: string, lay: () => void][] = [
    ['a link to a file', () => symlinkSync(path, pin)],
    ['a link to nowhere', () => symlinkSync(join(root, 'nowhere'), pin)],
    ['a folder', () => mkdirSync(pin)],
    ['a pipe', () => fifo(pin)],
  ]
  for (const [what, lay] of ways) {
    lay()
    const { ino } = lstatSync(pin)
    const { code } = await refusal(network.create({ name: 'ns1' }))
    expect({ what, code }).toEqual({ what, code: 'EGRESSD_NAME_TAKEN' })
    expect(lstatSync(pin).ino).toBe(ino)
    expect(existsSync(join(root, 'nowhere'))).toBe(false)
    rmSync(pin, { recursive: true })
    expect({ what, census: library.census() }).toEqual({ what, census: before })
  }
  expect(isWhole()).toBe(true)
  await network.create({ name: 'ns1' })
})

test('what lies in /etc/netns is not followed either', async () => {
  await using library = await createLibrary()
  const { egress, etcNetnsDir, root } = library
  const { path, isWhole } = victim(library)
  const network = await egress.network(dual)
  const elsewhere = join(root, 'elsewhere')
  mkdirSync(elsewhere)
  mkdirSync(etcNetnsDir)
  const dns = { servers: ['192.168.0.1'] }
  symlinkSync(elsewhere, join(etcNetnsDir, 'ns1'))
  expect(await refusal(network.create({ name: 'ns1', dns }))).toMatchObject({
    code: 'EGRESSD_NAME_TAKEN',
    field: 'dns',
  })
  expect(spawnSync('ls', [elsewhere], { encoding: 'utf8' }).stdout).toBe('')
  rmSync(join(etcNetnsDir, 'ns1'))
  mkdirSync(join(etcNetnsDir, 'ns1'))
  for (const lay of [symlinkSync, linkSync, (_: string, to: string) => fifo(to)]) {
    const file = join(etcNetnsDir, 'ns1/resolv.conf')
    lay(path, file)
    expect(await refusal(network.create({ name: 'ns1', dns }))).toMatchObject({ code: 'EGRESSD_NAME_TAKEN' })
    rmSync(file)
  }
  symlinkSync(path, join(etcNetnsDir, 'ns1/resolv.conf.new'))
  const mask = process.umask(0)
  await network.create({ name: 'ns1', dns })
  process.umask(mask)
  const made = lstatSync(join(etcNetnsDir, 'ns1/resolv.conf'))
  expect([made.isFile(), (made.mode & 0o777).toString(8)]).toEqual([true, '644'])
  expect(isWhole()).toBe(true)
})

test('anybody may hold a lock beside a pipe: whoever looks for other state directories is not held up, nor misled', async () => {
  await using library = await createLibrary()
  const { host, egress, root } = library
  await egress.network(dual)
  // Remains that make it look: a link with our mark, of nobody.
  host.tool('ip', ['link', 'add', 'lost0', 'type', 'veth', 'peer', 'name', 'lost1'])
  host.tool('ip', ['link', 'set', 'lost0', 'alias', 'egressd:gone/lost'])
  const trap = join(root, 'trap')
  mkdirSync(join(trap, 'networks'), { recursive: true })
  const { device, inode } = host.kernel.host
  writeFileSync(join(trap, 'networks/gone.json'), JSON.stringify({ spec: { name: 'gone' } }))
  writeFileSync(join(trap, 'host.json'), JSON.stringify({ schema: 1, host: { device, inode } }))
  for (const path of [trap, join(trap, 'networks'), join(trap, 'host.json')]) chownSync(path, 1234, 1234)
  chmodSync(root, 0o755)
  const hold = `import fcntl, os, sys
os.setgid(1234); os.setuid(1234)
f = open(sys.argv[1] + "/lock", "w"); fcntl.flock(f, fcntl.LOCK_EX); print("held", flush=True); sys.stdin.read()`
  const holder = spawn('python3', ['-c', hold, trap], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    await once(holder.stdout, 'data')
    const misled = await egress.gc({ all: true, dryRun: true })
    expect(misled.remove.map(({ alias }) => alias)).toEqual(['egressd:gone/lost'])
    rmSync(join(trap, 'host.json'))
    fifo(join(trap, 'host.json'))
    const held = await egress.gc({ all: true })
    expect(held.remove.map(({ alias }) => alias)).toEqual(['egressd:gone/lost'])
  } finally {
    holder.kill('SIGKILL')
    await once(holder, 'exit')
  }
})

test('the socket is not made where others could exchange it', async () => {
  await using world = await createWorld({})
  chmodSync(world.root, 0o777)
  await using daemon = runDaemon(world)
  expect(await daemon.end('SIGCONT')).toBe(1)
  expect(daemon.log.at(-1)).toMatchObject({ error: { code: 'EGRESSD_UNSAFE_PATH' } })
  expect(existsSync(world.socket)).toBe(false)
})

test('names that are none: of networks, namespaces, interfaces, whatever is asked of them', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const before = library.census()
  const bad = [
    '../x',
    'a/b',
    '/etc/passwd',
    '.',
    '..',
    '.hidden',
    'a\0b',
    'a\nb',
    '-rf',
    '',
    'a b',
    'é',
    'n'.repeat(200),
  ]
  for (const name of bad) {
    const invalid = { name, code: expect.stringMatching(/^EGRESSD_INVALID_(NAME|INTERFACE_NAME)$/) }
    expect({ name, code: (await refusal(network.create({ name }))).code }).toEqual(invalid)
    expect({ name, code: (await refusal(library.egress.network({ name, subnets: ['10.9.0.0/24'] }))).code }).toEqual(
      invalid,
    )
    if (name !== '.hidden' && name !== 'é' && name.length < 200)
      expect({ name, code: (await refusal(network.create({ name: 'ok', hostInterface: name }))).code }).toEqual(invalid)
  }
  expect(library.census()).toEqual(before)
})
