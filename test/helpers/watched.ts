// What a watch of an Egress has told, gathered so that a test can wait for it.
import type { EgressWatch, WatchEvent, WatchSettings } from '../../src/watch/types.js'
import { createLibrary, type Library } from './library.js'

/** No look but by the kernel's news. */
export const never = 86_400_000

export class Told {
  readonly events: WatchEvent[] = []
  #waiting: (() => void)[] = []

  readonly onEvent = (event: WatchEvent) => {
    this.events.push(event)
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** The first such; a test that waits in vain runs into its deadline. */
  async until<T extends WatchEvent['type']>(
    type: T,
    is: (event: WatchEvent & { type: T }) => boolean = () => true,
  ): Promise<WatchEvent & { type: T }> {
    for (;;) {
      const found = this.events.find(event => event.type === type && is(event as WatchEvent & { type: T }))
      if (found) return found as WatchEvent & { type: T }
      await new Promise<void>(wake => {
        this.#waiting.push(wake)
      })
    }
  }
}

export interface Watched extends Library {
  told: Told
  /** Watches, once that is asked for: what it found at its start has been looked at when this resolves. */
  begin(settings?: WatchSettings): Promise<EgressWatch>
}

export async function watchedLibrary(): Promise<Watched> {
  const library = await createLibrary()
  const told = new Told()
  return Object.assign(library, {
    told,
    async begin(settings: WatchSettings = {}) {
      const watch = library.egress.watch({ pollMs: never, onEvent: told.onEvent, ...settings })
      await watch.settled()
      return watch
    },
  })
}
