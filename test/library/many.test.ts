import { type StdioOptions, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Namespace } from '../../src/namespace.js'
import { faults } from '../helpers/faults.js'
import { createLibrary, dual, type Library } from '../helpers/library.js'

const names = (count: number, prefix = 'many') => Array.from({ length: count }, (_, i) => ({ name: `${prefix}${i}` }))

/** What tools see of it, without what is its own. */
function seen({ host }: Library, { ref, addresses, hostInterface, name }: Namespace): string {
  const own = [...addresses, hostInterface, name]
  const text = [
    host.tool('ip', ['-d', 'address'], { netns: ref }),
    host.tool('ip', ['route'], { netns: ref }),
    host.tool('ip', ['-6', 'route'], { netns: ref }),
    host.tool('ip', ['-d', 'link', 'show', hostInterface]),
  ].join('')
  const common = own.reduce((all, each) => all.replaceAll(each, 'OWN'), text)
  const number = /^\d+: |@if\d+|link-netnsid \d+|..(:..){5}|port_no \S+|designated_port \d+|port_id \S+|netns \S+/gm
  return common.replace(number, '').replace(/(hold|message_age|forward_delay|hello)_timer +\S+/g, '')
}

test.each(['bridge', 'routed'] as const)('%s: many are made in order, each as one by itself is', async mode => {
  await using library = await createLibrary()
  const network = await library.egress.network({ ...dual, mode })
  const alone = await network.create({ name: 'alone' })
  const progress: number[] = []
  const results = await network.createMany(names(40), { onProgress: ({ done }) => progress.push(done) })
  const made = results.map(result => (result.ok ? result.namespace : null))
  expect(made.map(namespace => namespace?.name)).toEqual(names(40).map(({ name }) => name))
  expect(progress.at(-1)).toBe(40)
  expect(new Set(made.flatMap(namespace => namespace?.addresses)).size).toBe(80)
  expect(seen(library, made[7] as Namespace)).toEqual(seen(library, alone))
  const [echo] = (await made[39]?.ping('8.8.8.8')) ?? []
  expect(echo?.result).toBe('reply')
  expect((await made[0]?.ping('2001:4860:4860::8888'))?.[0]?.result).toBe('reply')
  const checked = await library.egress.check({
    networks: [{ ...dual, mode }],
    namespaces: [{ name: 'alone' }, ...names(40)].map(({ name }) => ({ name, network: 'br0' })),
  })
  expect(checked.changes).toEqual([])

  const ended = await network.destroyMany(
    made.flatMap(one => (one ? [one] : [])),
    { wait: 'gone' },
  )
  expect(ended.every(({ ok }) => ok)).toBe(true)
  expect(library.host.json<object[]>('ip', ['-j', 'link', 'show', 'type', 'veth'])).toHaveLength(2)
  expect(library.host.tool('nft', ['list', 'ruleset'])).not.toContain('192.168.0.40')
  expect(library.egress.namespaces.map(({ name }) => name)).toEqual(['alone'])
})

test('one that fails fails alone, and what is there already is left as it is', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const there = await network.create({ name: 'there' })
  const results = await network.createMany([
    { name: 'a' },
    { name: 'bad name' },
    { name: 'there' },
    { name: 'b', addresses: there.addresses },
    { name: 'c', hostInterface: 'br0x', mtu: 99_999 } as never,
    { name: 'a' },
    { name: 'd' },
  ])
  expect(results.map(result => (result.ok ? result.namespace.name : result.error.code))).toEqual([
    'a',
    'EGRESSD_INVALID_NAME',
    'there',
    'EGRESSD_ADDRESS_IN_USE',
    'EGRESSD_INVALID_SPEC',
    'a',
    'd',
  ])
  expect(library.egress.namespaces.map(({ name }) => name).sort()).toEqual(['a', 'd', 'there'])
})

test('where the kernel refuses one in the middle, the others stand and nothing of it is left', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  library.host.tool('ip', ['link', 'add', 'taken0', 'type', 'bridge'])
  const before = library.census()
  const results = await network.createMany([{ name: 'a' }, { name: 'b', hostInterface: 'taken0' }, { name: 'c' }])
  expect(results.map(({ ok }) => ok)).toEqual([true, false, true])
  expect(existsSync(join(library.netnsDir, 'b'))).toBe(false)
  await network.destroyMany(
    results.flatMap(result => (result.ok ? [result.namespace] : [])),
    { wait: 'gone' },
  )
  expect(library.census()).toEqual(before)
})

test.each([0, 1, 3, 8, 14, 25])('write %i of many is refused: the rest is made, or all of it is undone', async at => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const before = library.census()
  library.watch.reset()
  library.watch.mishap = { at, what: faults.ENOMEM }
  const results = await network.createMany(names(3))
  library.watch.reset()
  const failed = results.filter(({ ok }) => !ok)
  expect(failed).toHaveLength(at === 0 ? 3 : 1)
  await network.destroyMany(
    results.flatMap(result => (result.ok ? [result.namespace] : [])),
    { wait: 'gone' },
  )
  expect(library.census()).toEqual(before)
})

test('aborted, what was begun is ended and the rest is told', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const abort = new AbortController()
  const results = await network.createMany(names(100), {
    signal: abort.signal,
    onProgress: () => abort.abort(new Error('enough')),
  })
  const made = results.filter(({ ok }) => ok).length
  expect(made).toBeGreaterThanOrEqual(16)
  expect(made).toBeLessThan(100)
  expect(library.egress.namespaces).toHaveLength(made)
  const [last] = results.slice(-1)
  expect(last).toMatchObject({ ok: false, error: { code: 'EGRESSD_ABORTED', cause: { message: 'enough' } } })
})

test('where the way to the kernel is shut in the middle, each says so, and the next start keeps what was whole', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const { watch } = library
  watch.reset()
  // Behind the transaction for all, in one of the two hops; which of them, is a matter of turns.
  watch.mishap = { at: 40, what: 'rejected' }
  const results = await network.createMany(names(8))
  const words = results.map(result => (result.ok ? 'made' : `${result.error.code} ${result.error.message}`))
  const refused = 'EGRESSD_KERNEL the door is closed'
  const hops = [words.slice(0, 4), words.slice(4)].map(each => [...new Set(each)])
  expect(hops.toSorted()).toEqual([[refused], ['made']])
  watch.reset()
  const egress = await library.restart()
  const standing = egress.namespaces.map(({ name }) => name)
  // Those too that were whole when nobody could be told any more.
  const made = results.flatMap(result => (result.ok ? [result.namespace.name] : []))
  expect(standing).toEqual(expect.arrayContaining(made))
  expect(standing.length).toBeLessThan(8)
  expect(library.host.json<object[]>('ip', ['-j', 'link', 'show', 'type', 'veth'])).toHaveLength(1 + standing.length)
  for (const { name } of names(8)) expect(existsSync(join(library.netnsDir, name))).toBe(standing.includes(name))
})

test('a name is free at once, whoever has it: also while the kernel still has the link', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  for (let i = 0; i < 30; i++) {
    const namespace = await network.create({ name: 'ns0', hostInterface: 'veth0', addresses: ['192.168.0.9'] })
    if (i % 3 === 0) expect((await namespace.ping('8.8.8.8'))[0]?.result).toBe('reply')
    await namespace.destroy()
  }
  const [again] = await network.createMany([{ name: 'ns0', hostInterface: 'veth0' }])
  expect(again?.ok).toBe(true)
  // What the destroyed ones had in the firewall is not taken from the one that has it now.
  const veths = () => library.host.json<object[]>('ip', ['-j', 'link', 'show', 'type', 'veth'])
  await expect.poll(veths).toHaveLength(2)
  await new Promise(resolve => setTimeout(resolve, 600))
  const [namespace] = library.egress.namespaces
  expect((await namespace?.ping('8.8.8.8'))?.[0]?.result).toBe('reply')
  expect(veths()).toHaveLength(2)
})

test('a process that still runs inside does not keep the link', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const namespace = await network.create({ name: 'ns0', hostInterface: 'veth0' })
  const child = await namespace.spawn('sleep', ['60'], { stdio: 'ignore' })
  try {
    await network.destroyMany([namespace], { wait: 'gone' })
    expect(library.host.json<object[]>('ip', ['-j', 'link', 'show', 'type', 'veth'])).toHaveLength(1)
  } finally {
    child.kill('SIGKILL')
  }
})

test('an anonymous one is handed over by descriptor: to a child, and to whoever has the path', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const namespace = await network.create()
  const descriptor = await namespace.descriptor()
  const address = ['ip', '-o', '-4', 'address', 'show', 'dev', 'eth0']
  const stdio: StdioOptions = ['ignore', 'pipe', 'inherit', descriptor.fd]
  const inherited = spawnSync('nsenter', ['--net=/proc/self/fd/3', ...address], { stdio, encoding: 'utf8' })
  expect(inherited.stdout).toContain(namespace.addresses[0])
  expect(spawnSync('nsenter', [`--net=${descriptor.path}`, ...address], { encoding: 'utf8' }).stdout).toBe(
    inherited.stdout,
  )
  await namespace.destroy({ wait: 'gone' })
  // The namespace is there as long as the descriptor is, without its link.
  const after = spawnSync('nsenter', [`--net=${descriptor.path}`, 'ip', '-o', 'link'], { encoding: 'utf8' })
  expect(after.stdout.split('\n').filter(Boolean)).toHaveLength(1)
  descriptor.close()
  descriptor.close()
  expect(spawnSync('nsenter', [`--net=${descriptor.path}`, 'true']).status).not.toBe(0)
})

test.each(['bridge', 'routed'] as const)(
  '%s: a process in one that was destroyed reaches nobody, nor as another',
  async mode => {
    await using library = await createLibrary()
    const network = await library.egress.network({ ...dual, mode })
    const other = await network.create({ name: 'other' })
    const namespace = await network.create({ name: 'ns0', hostInterface: 'veth0' })
    const child = await namespace.spawn('sleep', ['60'], { stdio: 'ignore' })
    try {
      const inside = { netns: { pid: child.pid as number } }
      const reaches = (target: string, seconds = '1', ...more: string[]) => {
        const args = ['-c', '1', '-W', seconds, ...more, target]
        return spawnSync('nsenter', [`--net=/proc/${child.pid}/ns/net`, 'ping', ...args]).status === 0
      }
      const targets = ['8.8.8.8', '2001:4860:4860::8888', '192.168.0.1', ...other.addresses]
      expect(targets.map(target => reaches(target, '10'))).toEqual(targets.map(() => true))
      // Its link stays until it has been looked at.
      library.watch.always = { 'link.delete': faults.ENOMEM }
      await namespace.destroy()
      // NB: before the link is taken away; and whoever plans the firewall anew does not let it go.
      await library.egress.network({ ...dual, mode })
      const known = library.host.tool('nft', ['list', 'ruleset'])
      expect(known).toContain('"veth0"')
      expect(known).not.toContain(`"veth0" . `)
      expect(targets.map(target => reaches(target))).toEqual(targets.map(() => false))
      library.host.tool('sh', ['-c', 'ip address add 192.168.0.99/16 dev eth0 2>/dev/null || true'], inside)
      expect(reaches('8.8.8.8', '1', '-I', '192.168.0.99')).toBe(false)
      // Then it goes, and what is known of it.
      library.watch.always = {}
      const gone = () => !library.host.tool('sh', ['-c', 'ip -o link; nft list ruleset']).includes('veth0')
      await expect.poll(gone).toBe(true)
    } finally {
      child.kill('SIGKILL')
    }
  },
)

test('an address that goes to another at once leaves nothing of the one before in the firewall', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network({ ...dual, mode: 'routed' })
  const before = await network.create({ name: 'before', hostInterface: 'before0', addresses: ['192.168.0.9'] })
  await before.destroy()
  const after = await network.create({ name: 'after', addresses: ['192.168.0.9'] })
  expect((await after.ping('8.8.8.8'))[0]?.result).toBe('reply')
  const spec = { networks: [{ ...dual, mode: 'routed' as const }], namespaces: [{ name: 'after', network: 'br0' }] }
  expect((await library.egress.check(spec)).changes).toEqual([])
  expect(library.host.tool('nft', ['list', 'ruleset'])).not.toContain('before0')
})
