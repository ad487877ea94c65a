import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { helperPath } from '../../exec/helper.js'
import type { SideKind } from '../side.js'
import { LineSide } from './line-side.js'

const program = () => join(dirname(helperPath()), 'floor')

/** native/floor: the same kernel work by the least a C program can do. The yardstick for what is possible. */
export const floor: SideKind = {
  name: 'floor',
  title: 'C floor',
  cannot: ['rules: of the firewall it has the set elements only, as many as egressd puts there'],
  modes: ['bridge', 'routed'],
  probe: async () => (existsSync(program()) ? {} : { reason: 'build/Release/floor is not built: npm run build:addon' }),
  make: world =>
    new LineSide(world, {
      name: 'floor',
      makes: 'inside',
      command: program(),
      pin: 'floor',
      bridge: 'floorbr',
      whole: true,
    }),
}
