import type { KernelAuthor, KernelBatch, LinkEvent } from '../kernel/watch.js'
import { keyOf, type Subject } from './types.js'

/** Of what we know, what is needed to say whose a link is. */
export interface Standing {
  networks: Iterable<{ name: string; index: number; alias: string }>
  namespaces: Iterable<{ name: string; index: number; alias: string; network: string }>
}

export interface Suspicion {
  subject: Subject
  /** Who was at it last, where that is known. */
  by: KernelAuthor | null
}

/** What the news are about, each once. What is of nobody that we know is left out. */
export function suspicions(batch: KernelBatch, standing: Standing): Suspicion[] {
  const found = new Map<string, Suspicion>()
  const owner = ownerIn(standing)
  const add = (subject: Subject) => found.set(keyOf(subject), { subject, by: null })
  let author: KernelAuthor | null = null
  let firewall = false
  for (const event of batch.events) {
    if (event.kind === 'nft') {
      firewall = true
      // Who was at our own table counts for more than who was at another's.
      if (event.by && (event.table === ourTable || !author)) author = event.by
      continue
    }
    const subject = owner(event)
    if (!subject) continue
    // NB: of a bridge that goes, its ports tell first. They cannot be put back before it is.
    if (subject.network !== undefined && event.nsid === null) add({ kind: 'network', name: subject.network })
    add({ kind: subject.kind, name: subject.name })
  }
  return [...(firewall ? [{ subject: { kind: 'firewall' as const }, by: author }] : []), ...found.values()]
}

const ourTable = 'egressd'

/** `network` is that of a namespace. */
interface Owner {
  kind: 'network' | 'namespace'
  name: string
  network?: string
}

function ownerIn({ networks, namespaces }: Standing) {
  const byIndex = new Map<number, Owner>()
  const byAlias = new Map<string, Owner>()
  const add = (owner: Owner, index: number, alias: string) => {
    if (index !== 0) byIndex.set(index, owner)
    byAlias.set(alias, owner)
  }
  for (const { name, index, alias } of networks) add({ kind: 'network', name }, index, alias)
  for (const { name, index, alias, network } of namespaces) add({ kind: 'namespace', name, network }, index, alias)
  // By number, which is used once; by mark, where a link was made anew by who knows whom.
  return ({ index, outside, nsid, mark }: LinkEvent) =>
    byIndex.get(nsid === null ? index : (outside ?? 0)) ?? (mark === null ? undefined : byAlias.get(mark))
}
