import { spawnSync } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { uplink } from '../../src/demo/topology.js'
import type { EgressEvent } from '../../src/engine/events.js'
import { drifts, firewallDrifts } from '../helpers/drifts.js'
import { seen } from '../helpers/far-side.js'
import { backends, dual, families, named, refusal } from '../helpers/library.js'
import { watchedLibrary } from '../helpers/watched.js'

/** What the kernel tells nobody of: it is found at the next look. */
const untold = ['forwarding is off', 'the pin is deleted']
const cases = backends.flatMap(firewall =>
  [...(firewall === 'nftables' ? drifts : []), ...firewallDrifts[firewall]].map(([what, how]) => {
    const told = firewall === 'nftables' ? !untold.includes(what) : how[0] === 'nft'
    return [firewall, what, told ? 'at once' : 'at the next look', how] as const
  }),
)

test.each(cases)('%s: where %s, it is put back %s', async (firewall, _what, when, how) => {
  await using library = await watchedLibrary()
  const { host, netnsDir, told } = library
  const network = await library.egress.network({ ...dual, firewall })
  const namespace = await network.create(named)
  const pin = `${netnsDir}/ns0`
  const within = () =>
    ['addr', 'link', 'route', '-6 route'].map(what =>
      host.tool('ip', ['-br', ...what.split(' ')], { netns: { path: pin } }).replace(/@if\d+/g, ''),
    )
  const standing = () =>
    JSON.stringify([library.census(), within()])
      .replace(/ # handle \d+/g, '')
      .replace(/\\"index\\":\d+/g, '')
      .replace(/\["?\d+,"(br0|veth0)",(null|"[^"]*")/g, '["$1"')
  const before = standing()
  await using watch = await library.begin(when === 'at once' ? {} : { pollMs: 100 })
  expect(told.events).toEqual([])
  const [command, ...args] = how.map(word => word.replace('PIN', pin)) as [string, ...string[]]
  if (command === 'nsenter' || command === 'umount') expect(spawnSync(command, args).status).toBe(0)
  else host.tool(command, args)

  await told.until('repaired')
  // The bridge takes its namespaces along, and what was made anew is one thing after the other.
  await expect
    .poll(
      async () => {
        await watch.settled()
        return standing()
      },
      { timeout: 20_000 },
    )
    .toBe(before)
  expect((await namespace.ping('8.8.8.8', { timeoutMs: 5000 }))[0]?.result).toBe('reply')
  expect(told.events.filter(({ type }) => !['drift', 'repaired'].includes(type))).toEqual([])
})

async function followedBy(events: AsyncIterable<EgressEvent>, count: number): Promise<EgressEvent[]> {
  const seen: EgressEvent[] = []
  for await (const event of events) if (seen.push(event) === count) break
  return seen
}

test.each(families)(
  'after a flush of all rules, IPv%i passes again as it did, and it is said who did it',
  async family => {
    await using library = await watchedLibrary()
    const { host, told, internet, egress } = library
    const network = await egress.network({ ...dual, firewall: 'nftables' })
    const namespace = await network.create(named)
    await using watch = await library.begin()
    const rules = () =>
      host.json<{ nftables: object[] }>('nft', ['-j', 'list', 'table', 'inet', 'egressd']).nftables.length
    const before = rules()
    const followed = followedBy(egress.events(), 2)
    host.tool('nft', ['flush', 'ruleset'])
    const repaired = await told.until('repaired')
    expect(repaired).toMatchObject({ subject: { kind: 'firewall' }, by: { name: 'nft', pid: expect.any(Number) } })
    expect(repaired.does).toContain('add table inet egressd')
    expect(rules()).toBe(before)
    expect(await followed).toMatchObject([
      { type: 'drift', by: { name: 'nft' } },
      { type: 'repaired', subject: { kind: 'firewall' } },
    ])
    const { public: target, host: outside } = uplink[family]
    const got = await seen(internet, family, () => namespace.ping(target, { timeoutMs: 5000 }))
    expect(got).toEqual({ source: outside, result: 'reply' })
    await watch.settled()
    expect(watch.stats()).toMatchObject({ repairs: 1, drifts: 1, failures: 0, conflicts: 0 })
  },
)

test('a chain of others that would drop is admitted through when it comes', async () => {
  await using library = await watchedLibrary()
  const network = await library.egress.network({ ...dual, firewall: 'nftables' })
  const namespace = await network.create(named)
  await using _watch = await library.begin()
  const input = 'table ip strict {\nchain forward {\ntype filter hook forward priority 10; policy drop;\n}\n}\n'
  library.host.tool('nft', ['-f', '-'], { input })
  expect(await library.told.until('repaired')).toMatchObject({ subject: { kind: 'firewall' } })
  expect((await namespace.ping('8.8.8.8', { timeoutMs: 5000 }))[0]?.result).toBe('reply')
})

test('to report is to change nothing, and to say it once', async () => {
  await using library = await watchedLibrary()
  const { host, told } = library
  const network = await library.egress.network({ ...dual, firewall: 'nftables' })
  await network.create(named)
  await using watch = await library.begin({ mode: 'report', pollMs: 100 })
  host.tool('nft', ['flush', 'ruleset'])
  host.tool('ip', ['link', 'set', 'veth0', 'down'])
  host.tool('ip', ['address', 'del', '192.168.0.1/16', 'dev', 'br0'])
  library.watch.reset()
  await told.until('drift', ({ subject }) => subject.kind === 'firewall')
  await told.until('drift', ({ subject }) => subject.kind === 'namespace' && subject.name === 'ns0')
  const bridge = await told.until('drift', ({ subject }) => subject.kind === 'network')
  expect(bridge.does).toEqual(['give br0 192.168.0.1/16'])
  const { looks } = watch.stats()
  await expect.poll(() => watch.stats().looks, { timeout: 10_000 }).toBeGreaterThan(looks + 6)
  expect(told.events.every(({ type }) => type === 'drift')).toBe(true)
  expect(new Set(told.events.map(event => JSON.stringify({ ...event, milliseconds: 0, by: null }))).size).toBe(
    told.events.length,
  )
  expect(library.watch.writes).toEqual([])
  expect(host.tool('nft', ['list', 'ruleset'])).toBe('')
})

test('what was said of one is said again of the next that has its name', async () => {
  await using library = await watchedLibrary()
  const { host, told } = library
  const network = await library.egress.network({ ...dual, firewall: 'nftables' })
  await using watch = await library.begin({ mode: 'report' })
  for (const times of [1, 2]) {
    const namespace = await network.create(named)
    await watch.settled()
    const before = told.events.length
    host.tool('ip', ['link', 'set', 'veth0', 'down'])
    await expect.poll(() => told.events.length).toBeGreaterThan(before)
    await watch.settled()
    expect(told.events.slice(before), `${times}`).toMatchObject([{ type: 'drift', subject: { name: 'ns0' } }])
    await namespace.destroy()
  }
})

test('off: it does not even listen', async () => {
  await using library = await watchedLibrary()
  await library.egress.network({ ...dual, firewall: 'nftables' })
  await using watch = await library.begin({ mode: 'off', pollMs: 100 })
  library.host.tool('nft', ['flush', 'ruleset'])
  expect(watch.stats()).toMatchObject({ hears: null, looks: 0 })
  expect(library.host.tool('nft', ['list', 'ruleset'])).toBe('')
})

test('refuses settings that are not of their form, and a second watch', async () => {
  await using library = await watchedLibrary()
  const { egress } = library
  for (const [settings, field] of [
    [{ mode: 'heal' }, 'mode'],
    [{ pollMs: 5 }, 'pollMs'],
    [{ onEvent: 7 }, 'onEvent'],
    [{ pollms: 500 }, 'pollms'],
    [null, 'input'],
  ] as const)
    expect(await refusal((async () => egress.watch(settings as object))())).toMatchObject({
      code: 'EGRESSD_INVALID_SPEC',
      field,
    })
  const abort = new AbortController()
  const watch = egress.watch({ signal: abort.signal })
  expect(await refusal((async () => egress.watch())())).toMatchObject({ code: 'EGRESSD_DUPLICATE' })
  abort.abort()
  await watch.close()
  // What lasts longer than the watch keeps nothing of it.
  const lasting = new AbortController()
  const second = egress.watch({ signal: lasting.signal })
  await second.close()
  expect(getEventListeners(lasting.signal, 'abort')).toEqual([])
})
