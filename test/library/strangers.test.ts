import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { NamespaceOptions } from '../../src/engine/options.js'
import { linkName } from '../../src/plan/desired.js'
import { backends, createLibrary, descriptors, dual, type Library, named, refusal } from '../helpers/library.js'

/** Others' things, with names like ours. */
function strangers({ host }: Library): void {
  host.tool('ip', ['link', 'add', 'br1', 'type', 'bridge'])
  host.tool('ip', [
    'link',
    'add',
    linkName('br0', 'ns9'),
    'type',
    'veth',
    'peer',
    'name',
    'ceth9',
    'address',
    '02:65:c0:a8:00:09',
  ])
  host.tool('nft', ['-f', '-'], {
    input: `table ip egressd {\nchain postrouting {\ntype nat hook postrouting priority 110\ncounter\n}\n}
      table inet egressd2 {\nset gates {\ntype ifname\nelements = { "br0" }\n}\n}\n`,
  })
  host.tool('iptables-legacy', ['-t', 'nat', '-A', 'POSTROUTING', '-s', '192.168.0.0/16', '-j', 'MASQUERADE'])
  host.tool('iptables-legacy', ['-A', 'FORWARD', '-m', 'comment', '--comment', 'egressd', '-i', 'br0', '-j', 'ACCEPT'])
}

test.each(backends)('%s: what others made stays as it is, and down() takes ours alone', async firewall => {
  await using library = await createLibrary()
  strangers(library)
  const before = library.census()
  const network = await library.egress.network({ ...dual, firewall })
  await network.create(named)
  await network.create()
  await (await network.create()).destroy()
  expect(await library.egress.down()).toEqual({
    namespaces: expect.any(Array),
    networks: ['br0'],
    forwardingLeftOn: [4, 6],
  })
  expect(library.census()).toEqual({ ...before, forwarding: ['1\n', '1\n'] })
  expect(readdirSync(library.netnsDir)).toEqual([])
})

test('a clash of names is named, and the stranger is left as it was', async () => {
  await using library = await createLibrary()
  const { host, netnsDir } = library
  host.tool('ip', ['link', 'add', 'br0', 'type', 'bridge'])
  const bridged = library.census()
  expect(await refusal(library.egress.network(dual))).toMatchObject({
    code: 'EGRESSD_NAME_TAKEN',
    field: 'name',
    value: 'br0',
  })
  expect(library.census()).toEqual(bridged)
  host.tool('ip', ['link', 'del', 'br0'])

  const network = await library.egress.network(dual)
  strangers(library)
  host.tool('ip', ['link', 'add', 'veth0', 'type', 'bridge'])
  writeFileSync(join(netnsDir, 'ns1'), '')
  const before = library.census()
  const clashes: [NamespaceOptions, string, string][] = [
    [named, 'hostInterface', 'veth0'],
    [{ name: 'ns9', addresses: ['192.168.0.9'] }, 'hostInterface', linkName('br0', 'ns9')],
    [{ name: 'ns1' }, 'name', 'ns1'],
  ]
  for (const [asked, field, value] of clashes) {
    expect(await refusal(network.create(asked))).toMatchObject({ code: 'EGRESSD_NAME_TAKEN', field, value })
    expect(library.census()).toEqual(before)
  }
})

test('200 creations and destructions at once leave exactly what stays', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const warm = await Promise.all(Array.from({ length: 50 }, () => network.create()))
  await Promise.all(warm.map(namespace => namespace.destroy({ wait: 'gone' })))
  const [before, open] = [library.census(), descriptors(library)]
  const made = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const namespace = await network.create(i % 2 ? {} : { name: `ns${i}` })
      if (i % 4 < 2) await namespace.destroy()
      return namespace
    }),
  )
  expect(new Set(made.flatMap(({ addresses }) => addresses)).size).toBe(400)
  expect(network.namespaces.length).toBe(100)
  expect(readdirSync(library.netnsDir).length).toBe(50)
  expect(readdirSync(join(library.stateDir, 'namespaces')).length).toBe(50)
  await Promise.all(made.map(namespace => namespace.destroy({ wait: 'gone' })))
  await expect.poll(() => library.host.json<unknown[]>('ip', ['-j', 'link']).length, { timeout: 10_000 }).toBe(3)
  expect(library.census()).toEqual(before)
  expect(descriptors(library)).toBe(open)
}, 300_000)

test('two networks cannot take one subnet at once', async () => {
  await using library = await createLibrary()
  const asked = ['br0', 'br1'].map(name => library.egress.network({ name, subnets: ['192.168.0.0/16'] }))
  const results = await Promise.allSettled(asked)
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
})

test.each(['pin', 'mount', 'veth'])('destroy works where it is half gone: the %s', async what => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const before = library.census()
  const namespace = await network.create(named)
  if (what !== 'veth') spawnSync('umount', ['-l', join(library.netnsDir, 'ns0')])
  if (what === 'pin') spawnSync('rm', [join(library.netnsDir, 'ns0')])
  if (what === 'veth') library.host.tool('ip', ['link', 'del', 'veth0'])
  await namespace.destroy({ wait: 'gone' })
  await namespace.destroy()
  await expect.poll(() => library.census()).toEqual(before)
  expect((await network.create(named)).name).toBe('ns0')
})

test('a process inside is cut off by destroy, and the links go', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const before = library.census()
  const namespace = await network.create(named)
  const sleeper = spawn('nsenter', [`--net=${namespace.path}`, 'sleep', '60'])
  await once(sleeper, 'spawn')
  const own = library.host.tool('readlink', ['/proc/self/ns/net'], { netns: namespace.ref })
  const at = () => spawnSync('readlink', [`/proc/${sleeper.pid}/ns/net`], { encoding: 'utf8' }).stdout
  await expect.poll(at).toBe(own)
  await namespace.destroy()
  const ping = spawnSync('nsenter', [`--net=/proc/${sleeper.pid}/ns/net`, 'ping', '-c1', '-W1', '8.8.8.8'])
  expect(ping.status).not.toBe(0)
  await expect.poll(() => library.census()).toEqual(before)
  expect(sleeper.exitCode).toBe(null)
  sleeper.kill()
  await once(sleeper, 'exit')
})
