// What befalls the daemon and its host.
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { until } from '../helpers/daemon.js'
import { type Action, free, pick, type Soak } from './actions.js'
import type { Standing } from './model.js'

/** The same thing is bent no more often: the daemon leaves alone for a while what is bent again and again (docs/watch.md). */
const restMs = 12_000
const bent = new WeakMap<Soak['world'], Map<string, number>>()

function rests({ world }: Soak, what: string): boolean {
  const times = bent.get(world) ?? new Map<string, number>()
  bent.set(world, times)
  const now = performance.now()
  if (now - (times.get(what) ?? Number.NEGATIVE_INFINITY) < restMs) return true
  times.set(what, now)
  return false
}

/**
 * From when to when there were no rules. What is sent then leaves as it is, or is lost: where no nat chain is left, the kernel
 * translates nothing any more, not even what flows already.
 */
export const gaps: [from: number, to: number][] = []

export const inGap = (at: number): boolean => gaps.some(([from, to]) => at >= from - 50 && at <= to)

export const flush: Action = soak => {
  if (rests(soak, 'the rules')) return null
  return async () => {
    const { host } = soak.world
    const from = performance.now()
    // NB: what this process has to send back is sent before; what is sent meanwhile counts as sent in the gap.
    for (let i = 0; i < 10; i++) await nextTurn()
    host.tool('nft', ['flush', 'ruleset'])
    const back = () => /masquerade/.test(host.tool('nft', ['list', 'ruleset']))
    await until(back, 'the rules')
    gaps.push([from, performance.now()])
  }
}

const hostEnd = (soak: Soak, name: string): string => {
  const { network, hostInterface } = soak.model.named.get(name) as Standing
  if (hostInterface !== undefined) return hostInterface
  const links = soak.world.host.json<{ ifname: string; ifalias?: string }[]>('ip', ['-j', 'link'])
  const link = links.find(({ ifalias }) => ifalias === `egressd:${network}/${name}`)
  if (!link) throw new Error(`${name} has no link`)
  return link.ifname
}

/** Things that somebody else does to a namespace of ours; it is put right. */
const harms = [
  (soak: Soak, name: string) => soak.world.host.tool('ip', ['link', 'del', hostEnd(soak, name)]),
  (soak: Soak, name: string) => soak.world.host.tool('ip', ['link', 'set', hostEnd(soak, name), 'down']),
  (soak: Soak, name: string) =>
    soak.world.host.tool('ip', ['address', 'flush', 'dev', 'eth0'], {
      netns: { path: join(soak.world.netnsDir, name) },
    }),
  (soak: Soak, name: string) =>
    soak.world.host.tool('ip', ['link', 'set', 'eth0', 'down'], { netns: { path: join(soak.world.netnsDir, name) } }),
]

export const harm: Action = soak => {
  const name = free(soak)
  const how = pick(soak, harms) as (typeof harms)[number]
  if (!name || rests(soak, name)) return null
  return async () => {
    how(soak, name)
  }
}

export const reload: Action = soak => {
  const { model, service, world, taken, below } = soak
  if (taken.has('the configuration')) return null
  taken.add('the configuration')
  if (below(5) === 0 && !taken.has('the daemon')) {
    // A daemon that is killed now would not start.
    taken.add('the daemon')
    return async () => {
      world.configure({ ...model.config(), limits: { writes: 0 }, loud: 1 })
      const line = await service.reload()
      world.configure(model.config())
      if (line?.level !== 'error') throw new Error('a wrong configuration was taken')
    }
  }
  const names = Array.from({ length: 6 }, (_, i) => `c${i}`)
  const namespaces = names.filter(() => below(2) === 0).map(name => [name, below(2) === 0 ? 'mt0' : 'br0'] as const)
  // One that stands stays where it is: another network of the same name is another namespace.
  const settled = namespaces.map(([name, on]) => [name, model.configured.namespaces.get(name) ?? on] as const)
  const configured = {
    mtu: [1500, 1400, 1300][below(3)] as number,
    namespaces: new Map(settled),
    pools: [below(4), below(4)] as [number, number],
  }
  return async () => {
    const before = model.configured
    model.configured = configured
    world.configure(model.config())
    const line = await service.reload()
    if (line?.level === 'error') throw new Error(`the configuration was not taken: ${JSON.stringify(line)}`)
    for (const name of before.namespaces.keys()) if (!configured.namespaces.has(name)) model.named.delete(name)
    for (const [name, on] of configured.namespaces) {
      const { body } = await service.must([200], 'GET', `/v1/namespaces/${name}`)
      model.named.set(name, { network: on, labels: {}, addresses: body.addresses })
    }
  }
}

export const kill: Action = soak => {
  if (soak.taken.has('the daemon')) return null
  soak.taken.add('the daemon')
  const wait = soak.below(60)
  return async () => {
    await new Promise(resolve => setTimeout(resolve, wait))
    await soak.service.kill()
  }
}
