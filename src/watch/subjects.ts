import type { KernelAuthor, KernelBatch, LinkEvent } from '../kernel/watch.js'
import type { Subject } from './types.js'

/** Of what we know, what is needed to say whose a link is. */
export interface Standing {
  networks: Iterable<{ name: string; index: number; alias: string }>
  namespaces: Iterable<{ name: string; index: number; alias: string }>
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
    if (subject) found.set(`${subject.kind} ${subject.name}`, { subject, by: null })
  }
  return [...(firewall ? [{ subject: { kind: 'firewall' as const }, by: author }] : []), ...found.values()]
}

const ourTable = 'egressd'

function ownerIn({ networks, namespaces }: Standing) {
  const byIndex = new Map<number, Subject & { name: string }>()
  const byAlias = new Map<string, Subject & { name: string }>()
  const add = (kind: 'network' | 'namespace', all: Standing['networks']) => {
    for (const { name, index, alias } of all) {
      if (index !== 0) byIndex.set(index, { kind, name })
      byAlias.set(alias, { kind, name })
    }
  }
  add('network', networks)
  add('namespace', namespaces)
  // By number, which is used once; by mark, where a link was made anew by who knows whom.
  return ({ index, outside, nsid, mark }: LinkEvent) =>
    byIndex.get(nsid === null ? index : (outside ?? 0)) ?? (mark === null ? undefined : byAlias.get(mark))
}
