// A document changes a network that has namespaces which are not in it: those follow.
import { expect, test } from 'vitest'
import { isEgressError } from '../../src/errors.js'
import type { Namespace } from '../../src/namespace.js'
import { createLibrary, dual, type Library } from '../helpers/library.js'

/** Of its end on the host, and of the one inside where it has a path. */
function mtusOf({ host }: Library, { path, hostInterface }: Namespace): number[] {
  const mtuOf = (link: string, inside = {}) =>
    host.json<{ mtu: number }[]>('ip', ['-j', 'link', 'show', link], inside).map(({ mtu }) => mtu)
  return [...mtuOf(hostInterface), ...(path === null ? [] : mtuOf('eth0', { netns: { path } }))]
}

test('the MTU of the way out is another: anonymous ones and those of others have it too', async () => {
  await using library = await createLibrary()
  const { egress, host } = library
  const network = await egress.network(dual)
  const others = [await network.create({ name: 'other' }), await network.create()]
  const own = await network.create({ mtu: 1300 })
  host.tool('ip', ['link', 'set', 'uplink0', 'mtu', '1400'])
  const spec = { networks: [dual] }
  expect((await egress.apply(spec)).changes.map(({ kind, name, action }) => [kind, name, action])).toEqual([
    ['network', 'br0', 'update'],
  ])
  for (const each of others) expect(new Set(mtusOf(library, each))).toEqual(new Set([1400]))
  expect(mtusOf(library, own)).toEqual([1300])
  library.watch.writes = []
  expect(await egress.apply(spec)).toEqual({ changed: false, changes: [] })
  expect(library.watch.writes).toEqual([])
})

test('one that is being made meanwhile is as the network becomes, or the change is refused', async () => {
  await using library = await createLibrary()
  const { egress } = library
  const subnets = (second: number) => ({
    networks: [{ ...dual, subnets: [`10.${second}.0.0/16`], mtu: 1300 + second }],
  })
  await egress.apply(subnets(1))
  let made = 0
  for (let i = 0; i < 8; i++) {
    const before = egress.networks[0]?.subnets
    const after = subnets(2 + i)
    const change = egress.apply(after).then(
      () => true,
      error => {
        if (isEgressError(error) && error.code === 'EGRESSD_MISMATCH') return false
        throw error
      },
    )
    // Begun at one answer of the kernel after the other, and at last behind it.
    let answers = 0
    const begun = new Promise<void>(resolve => {
      library.watch.answered = () => answers++ === 3 * i && i < 7 && resolve()
    })
    await Promise.race([begun, change])
    library.watch.answered = null
    const late = await egress.networks[0]?.create({ name: 'late' })
    const changed = await change
    const [network] = egress.networks
    expect(network?.subnets).toEqual(changed ? after.networks[0]?.subnets : before)
    const prefix = network?.subnets[0]?.replace(/0\.0\/16$/, '') as string
    expect(late?.addresses[0]?.startsWith(prefix)).toBe(true)
    expect(new Set(mtusOf(library, late as Namespace)).size).toBe(1)
    expect(mtusOf(library, late as Namespace)[0]).toBe(network?.mtu)
    expect((await late?.ping('8.8.8.8'))?.[0]?.result).toBe('reply')
    if (changed) made++
    await late?.destroy({ wait: 'gone' })
  }
  expect(made).toBeGreaterThan(0)
})
