import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { helperPath } from '../../exec/helper.js'
import type { SideKind } from '../side.js'
import { LineSide, type LineSideOptions } from './line-side.js'

const program = () => join(dirname(helperPath()), 'floor')

const cannot = ['rules: of the firewall it has the set elements only, as many as egressd puts there']

function kind(name: string, title: string, verb: Pick<LineSideOptions, 'verb'>): SideKind {
  const options = { name, makes: 'inside', command: program(), pin: 'floor', bridge: 'floorbr', whole: true } as const
  return {
    name,
    title,
    cannot,
    modes: ['bridge', 'routed'],
    probe: async () =>
      existsSync(program()) ? {} : { reason: 'build/Release/floor is not built: npm run build:addon' },
    make: world => new LineSide(world, { ...options, ...verb }),
  }
}

/** native/floor: the same kernel work by the least a C program can do. The yardstick for what is possible. */
export const floor: SideKind = kind('floor', 'C floor', {})
/** The same, each made by a thread that it is handed to: as whoever must not wait for the kernel has it. */
export const floorHanded: SideKind = kind('floor-handed', 'C floor, by another thread', { verb: 'handed' })
