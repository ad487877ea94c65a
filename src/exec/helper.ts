import { dirname, join } from 'node:path'
import { packageRoot } from '../kernel/load.js'
import { locateAddon } from '../kernel/locate.js'

/**
 * Path of `egressd-exec`: beside the addon, in build/Release or prebuilds/<platform>. `EGRESSD_EXEC` names another one.
 * The file need not exist: whoever starts it gets ENOENT.
 */
export function helperPath(): string {
  if (process.env.EGRESSD_EXEC) return process.env.EGRESSD_EXEC
  const addon = process.env.EGRESSD_ADDON ?? findAddon()
  return addon ? join(dirname(addon), 'egressd-exec') : join(packageRoot, 'build', 'Release', 'egressd-exec')
}

function findAddon(): string | undefined {
  try {
    return locateAddon(packageRoot)
  } catch {
    return undefined
  }
}
