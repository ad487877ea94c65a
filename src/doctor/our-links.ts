import { recordedAlias } from '../state/directory.js'
import type { View } from './view.js'

/** An interface of ours as others' settings tell it from others. */
export interface OurLink {
  name: string
  kind: 'bridge' | 'veth'
  /** It is not there; one of this kind and form would be. */
  example: boolean
}

/** Host's ends for which nobody asked a name, as linkName() makes them. */
export const generatedName = `ve${'[0-9a-f]'.repeat(12)}`

/** The bridges, one veth for each form of name, and examples where there is nothing yet. */
export function ourLinks({ records, links }: View): OurLink[] {
  const bridges = records.networks.map(({ spec }): OurLink => ({ name: spec.bridge, kind: 'bridge', example: false }))
  const aliases = new Set(records.namespaces.map(recordedAlias))
  const named = links
    .filter(({ alias, name }) => alias !== null && aliases.has(alias) && !/^ve[0-9a-f]{12}$/.test(name))
    .map(({ name }): OurLink => ({ name, kind: 'veth', example: false }))
  return [
    ...(bridges.length > 0 ? bridges : [{ name: 'br0', kind: 'bridge' as const, example: true }]),
    ...named,
    { name: 've5f0c3a91b2d4', kind: 'veth', example: true },
  ]
}

/** Patterns for all of them, for a setting that shall leave them alone. */
export function ourPatterns(links: readonly OurLink[]): string[] {
  return [...links.filter(({ kind, example }) => kind === 'bridge' || !example).map(({ name }) => name), generatedName]
}
