// The state directory becomes read-only in mid-work, as that of a file system with an error does, and writable again.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Egress } from '../../src/egress.js'
import type { Namespace } from '../../src/namespace.js'
import { createWorld } from '../helpers/daemon.js'
import { backends, createLibrary, dual, named, refusal } from '../helpers/library.js'

/** Until it is disposed of. */
function readOnly(path: string): Disposable {
  const run = (file: string, ...args: string[]) => {
    const { status, stderr } = spawnSync(file, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${stderr}`)
  }
  run('mount', '--bind', path, path)
  run('mount', '-o', 'remount,ro,bind', path)
  return { [Symbol.dispose]: () => run('umount', path) }
}

const code = 'EGRESSD_STATE_WRITE_FAILED'
const other = { name: 'br1', subnets: ['10.1.0.0/16'] }

test.each(backends)(
  '%s: nothing is half made of what cannot be written down, and all goes on afterwards',
  async firewall => {
    await using library = await createLibrary()
    const { egress } = library
    const network = await egress.network({ ...dual, firewall })
    const namespace = await network.create(named)
    const empty = await egress.network({ name: 'br2', subnets: ['10.2.0.0/16'], firewall })
    const before = library.census()
    {
      using _ = readOnly(library.stateDir)
      const spec = (more: object) => ({ networks: [{ ...dual, firewall, ...more }], namespaces: [] })
      for (const work of [
        () => network.create({ name: 'b' }),
        () => network.create(),
        () => egress.network(other),
        () => egress.apply(spec({ isolated: true })),
        () => namespace.destroy(),
        () => egress.apply({ networks: [{ ...dual, firewall }] }, { prune: true }),
        () => empty.destroy(),
        () => egress.down(),
      ]) {
        const error = await refusal(work())
        expect([error.code, error.message]).toEqual([code, expect.stringMatching(/read-only|Read-only/)])
        expect(library.census()).toEqual(before)
      }
      expect((await namespace.ping('8.8.8.8'))[0]?.result).toBe('reply')
      const [one] = await network.destroyMany([namespace])
      expect(one).toMatchObject({ ok: false, error: { code } })
      expect(library.census()).toEqual(before)
      expect((await namespace.ping('8.8.8.8'))[0]?.result).toBe('reply')
      expect(egress.namespaces.map(({ name }) => name)).toEqual(['ns0'])
    }
    await namespace.destroy()
    expect(egress.namespaces).toEqual([])
    await empty.destroy()
    const again = await network.create({ name: 'b' })
    expect((await again.ping('8.8.8.8'))[0]?.result).toBe('reply')
    await egress.network(other)
    await library.restart()
    expect(library.egress.namespaces.map(({ name }) => name)).toEqual(['b'])
    await library.egress.down()
    expect(library.census()).toMatchObject({ pins: [] })
  },
)

test('one that is read-only from the start, or cannot be made: refused by its code, and nothing is changed', async () => {
  await using library = await createLibrary()
  await (await library.egress.network(dual)).create(named)
  await library.egress.close()
  const before = library.census()
  const given = { host: { fd: library.host.kernel.hostFd }, netnsDir: library.netnsDir }
  {
    using _ = readOnly(library.stateDir)
    expect((await refusal(Egress.open({ ...given, stateDir: library.stateDir }))).code).toBe(code)
  }
  const empty = mkdtempSync(join(library.root, 'ro-'))
  {
    using _ = readOnly(empty)
    for (const stateDir of [empty, join(empty, 'new', 'deep')])
      expect((await refusal(Egress.open({ ...given, stateDir }))).code).toBe(code)
  }
  rmdirSync(empty)
  expect(library.census()).toEqual(before)
  await library.restart()
  expect(library.egress.namespaces.map(({ name }) => name)).toEqual(['ns0'])
})

test('the daemon: 507 for what must be written down, and it serves on', async () => {
  await using world = await createWorld({ networks: [dual], namespaces: [{ name: 'ns0', network: 'br0' }] })
  await using daemon = await world.start()
  const links = () => world.host.json<{ ifname: string }[]>('ip', ['-j', 'link']).map(({ ifname }) => ifname)
  const before = links()
  const make = (name: string) => daemon.ask('PUT', `/v1/namespaces/${name}`, { body: { network: 'br0' } })
  {
    using _ = readOnly(world.stateDir)
    for (const answer of [await make('b'), await daemon.ask('POST', '/v1/namespaces', { body: { network: 'br0' } })])
      expect({ status: answer.status, code: answer.body.code }).toEqual({ status: 507, code })
    expect(links()).toEqual(before)
    const ping = await daemon.ask('POST', '/v1/namespaces/ns0/ping', { body: { target: '8.8.8.8' } })
    expect(ping.body.echoes[0].result).toBe('reply')
    expect((await daemon.ask('GET', '/readyz')).status).toBe(200)
    expect(await daemon.ask('DELETE', '/v1/namespaces/ns0')).toMatchObject({ status: 507, body: { code } })
    expect(links()).toEqual(before)
  }
  expect((await make('b')).status).toBe(201)
  expect((await daemon.ask('DELETE', '/v1/namespaces/ns0')).status).toBe(204)
  const { body } = await daemon.ask('GET', '/v1/namespaces')
  expect(body.items.map(({ name }: { name: string }) => name)).toEqual(['b'])
  expect(daemon.log.filter(({ msg }) => msg === 'a fault of egressd')).toEqual([])
})

test('where it cannot be written down that addresses rest, none goes, and each of many says so', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network(dual)
  const all = await Promise.all(['a', 'b'].map(name => network.create({ name })))
  const before = library.census()
  // No lease was written yet: the file is opened for the first one.
  const leases = join(library.stateDir, 'leases', 'br0')
  symlinkSync('/dev/null', leases)
  expect((await refusal((all[0] as Namespace).destroy())).code).toBe(code)
  for (const result of await network.destroyMany(all)) expect(result).toMatchObject({ ok: false, error: { code } })
  expect(library.census()).toEqual(before)
  for (const namespace of all) expect((await namespace.ping('8.8.8.8'))[0]?.result).toBe('reply')
  rmSync(leases)
  expect(await network.destroyMany(all)).toEqual([{ ok: true }, { ok: true }])
  await library.restart()
  expect(library.egress.namespaces).toEqual([])
})
