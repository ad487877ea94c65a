import { release } from 'node:os'
import type { Kernel } from '../kernel/kernel.js'
import type { Link } from '../kernel/ops-link.js'

// Linux 6.2 and later rename what is up; before, it is EBUSY.
const [major = 0, minor = 0] = release().split(/[.-]/).map(Number)
const renamesWhatIsUp = major > 6 || (major === 6 && minor >= 2)

/**
 * Sets a link down that has another name than it shall have, where this kernel wants that. True where it did: routes and
 * addresses went with it, and what was read of it before holds no more.
 */
export async function downToRename(kernel: Kernel, link: Link | undefined, name: string): Promise<boolean> {
  if (renamesWhatIsUp || !link?.up || link.name === name) return false
  const [down] = await kernel.run([{ op: 'link.set', index: link.index, up: false }])
  return down.ok
}
