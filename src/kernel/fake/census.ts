import type { Files } from './files.js'
import type { FakeNetns } from './world.js'

/**
 * Everything there is, a line each, in order: two of them differ where something was left behind, or is missing.
 * What every new namespace has (its loopback, its sysctls) is not in it.
 */
export function census({ netns, pins, fds }: Files): string[] {
  const numbers = new Map([...netns].map((one, i) => [one, `netns ${i}`]))
  return [
    ...[...netns].slice(1).map(one => `${numbers.get(one)}`),
    ...[...pins].map(([path, one]) => `pin ${path}: ${numbers.get(one)}`),
    ...[...fds].map(([fd, one]) => `fd ${fd}: ${numbers.get(one)}`),
    ...[...netns].flatMap(one => linesOf(one).map(line => `${numbers.get(one)}: ${line}`)),
  ].sort()
}

function linesOf(netns: FakeNetns): string[] {
  const name = (index: number | null) => (index === null ? 'nothing' : (netns.links.get(index)?.name ?? `#${index}`))
  const links = [...netns.links.values()].filter(({ kind }) => kind !== null)
  const addresses = netns.addresses.filter(({ scope }) => scope !== 254)
  return [
    ...links.map(link => `link ${link.name} ${link.kind} ${link.up ? 'up' : 'down'} master ${name(link.master)}`),
    ...addresses.map(one => `address ${one.address}/${one.prefix} on ${name(one.index)}`),
    ...netns.routes.map(one => `route ${one.destination ?? 'default'}/${one.prefix} by ${name(one.index)}`),
    ...netns.neighbours.map(one => `neighbour ${one.address ?? 'forwarding'} ${one.mac} on ${name(one.index)}`),
    ...netns.nft.tables.flatMap(({ table, chains, rules, sets }) => {
      const words = `nft ${table.family} ${table.name}`
      const elements = sets.reduce((sum, set) => sum + set.elements.length, 0)
      return [`${words}: ${chains.length} chains, ${rules.length} rules, ${sets.length} sets, ${elements} elements`]
    }),
    ...[...netns.xt].flatMap(([table, chains]) =>
      chains.flatMap(chain => chain.rules.map(({ rule }) => `xtables ${table} ${chain.name}: ${JSON.stringify(rule)}`)),
    ),
  ]
}
