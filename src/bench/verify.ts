import { uplink } from '../demo/topology.js'
import { EgressError } from '../errors.js'
import type { Op, Verdict } from '../kernel/ops.js'
import type { Link } from '../kernel/ops-link.js'
import type { Address, Route } from '../kernel/ops-route.js'
import type { Segment, Side } from './side.js'
import type { World } from './world.js'

type Inside = readonly [Verdict, Verdict<Link[]>, Verdict<Address[]>, Verdict<Route[]>]

/**
 * Looks into each namespace, by the kernel's own answers and not by what the side says: lo up, an interface up with the
 * address, the default route by the gateway. And one of them reaches the internet, which answers only who is masqueraded.
 * What a side does not make is not asked of it. Returns how many were looked at.
 */
export async function verify(
  world: World,
  side: Side,
  segment: Segment,
  first: number,
  count: number,
): Promise<number> {
  for (let n = first; n < first + count; n++) {
    const { ref, address } = side.expected(n)
    const verdicts = (await world.kernel.run([
      { op: 'netns.open', as: 1, from: ref },
      { op: 'link.list', in: 1 },
      { op: 'address.list', in: 1, family: 4 },
      { op: 'route.list', in: 1, family: 4 },
    ] satisfies Op[])) as unknown as Inside
    const fault = side.makes === 'link' ? linkFault(verdicts[1], false) : faultOf(verdicts, segment, address)
    if (fault) throw new EgressError('EGRESSD_BENCHMARK', `${side.name}: namespace ${n}: ${fault}`)
  }
  if (count > 0 && side.makes === 'all') await reach(world, side, first + count - 1)
  return count
}

function faultOf([, links, addresses, routes]: Inside, { prefix }: Segment, address: string | null): string | null {
  const fault = linkFault(links, true)
  if (fault) return fault
  if (
    !addresses.ok ||
    !addresses.value.some(a => (address ? a.address === address : a.address.startsWith(`${prefix}.`)))
  )
    return `has not the address ${address ?? `of ${prefix}.0.0/16`}`
  if (
    !routes.ok ||
    !routes.value.some(({ destination, gateway }) => destination === null && gateway === `${prefix}.0.1`)
  )
    return `has no default route by ${prefix}.0.1`
  return null
}

function linkFault(links: Verdict<Link[]>, all: boolean): string | null {
  if (!links.ok) return 'is not there'
  if (all && !links.value.some(({ name, up }) => name === 'lo' && up)) return 'has no lo that is up'
  return links.value.some(({ kind, up }) => kind === 'veth' && (up || !all)) ? null : 'has no veth that is up'
}

async function reach({ kernel, signal }: World, side: Side, n: number): Promise<void> {
  const options = { target: uplink[4].public, count: 3, intervalMs: 50, timeoutMs: 1000 }
  const echoes = await kernel.ping(options, side.expected(n).ref, signal)
  if (echoes.some(({ result }) => result === 'reply')) return
  const results = echoes.map(({ result, errno }) => errno ?? result).join(', ')
  throw new EgressError('EGRESSD_BENCHMARK', `${side.name}: namespace ${n} does not reach the internet: ${results}`)
}
