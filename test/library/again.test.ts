import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { drifts, firewallDrifts } from '../helpers/drifts.js'
import { backends, createLibrary, dual, named } from '../helpers/library.js'

test.each(backends)(
  '%s: asked twice, nothing is written; a restart takes all of it up and writes nothing',
  async firewall => {
    await using library = await createLibrary()
    const network = await library.egress.network({ ...dual, firewall })
    const namespace = await network.create(named)
    const before = library.census()
    library.watch.reset()
    expect(await library.egress.network({ ...dual, firewall })).toBe(network)
    expect(await network.create(named)).toBe(namespace)
    // What was chosen for it need not be asked for.
    expect(await network.create({ name: 'ns0', interface: 'ceth0' })).toBe(namespace)
    expect(library.watch.writes).toEqual([])

    const egress = await library.restart()
    expect(egress.namespaces.map(({ name, addresses }) => [name, addresses])).toEqual([['ns0', named.addresses]])
    const again = await egress.network({ ...dual, firewall })
    expect((await again.create(named)).addresses).toEqual(named.addresses)
    expect((await again.create(named)).name).toBe('ns0')
    expect(library.watch.writes).toEqual([])
    expect(library.census()).toEqual(before)
    // It knows what is in use.
    expect((await again.create()).addresses).toEqual(['192.168.0.3', 'fd00::3'])
  },
)

const cases = backends.flatMap(firewall =>
  [...(firewall === 'nftables' ? drifts : []), ...firewallDrifts[firewall]].map(
    ([what, how]) => [firewall, what, how] as const,
  ),
)

test.each(cases)('%s: where %s, asking again puts it back', async (firewall, _what, how) => {
  await using library = await createLibrary()
  const { host, netnsDir } = library
  const network = await library.egress.network({ ...dual, firewall })
  const namespace = await network.create(named)
  const pin = `${netnsDir}/ns0`
  const within = () =>
    ['addr', 'link', 'route', '-6 route'].map(what =>
      host.tool('ip', ['-br', ...what.split(' ')], { netns: { path: pin } }).replace(/@if\d+/g, ''),
    )
  // Handles and numbers of what is made anew differ; all else is as it was.
  const seen = () => {
    const text = JSON.stringify([library.census(), within()])
    return text
      .replace(/ # handle \d+/g, '')
      .replace(/\\"index\\":\d+/g, '')
      .replace(/\["?\d+,"(br0|veth0)",(null|"[^"]*")/g, '["$1"')
  }
  const before = seen()
  const [command, ...args] = how.map(word => word.replace('PIN', pin)) as [string, ...string[]]
  if (command === 'nsenter' || command === 'umount') expect(spawnSync(command, args).status).toBe(0)
  else host.tool(command, args)
  const drifted = command === 'umount' ? '' : seen()
  expect(drifted).not.toBe(before)

  expect(await library.egress.network({ ...dual, firewall })).toBe(network)
  expect(await network.create(named)).toBe(namespace)
  // Links of what was made anew go a moment later.
  await expect.poll(seen).toBe(before)
  expect((await namespace.ping('8.8.8.8', { timeoutMs: 5000 }))[0]?.result).toBe('reply')
  library.watch.reset()
  await library.egress.network({ ...dual, firewall })
  await network.create(named)
  // What takes away links of destroyed namespaces, all at once, comes by itself some time later.
  expect(library.watch.writes.filter(op => op !== 'link.delete')).toEqual([])
})
