import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../kernel/load.js'
import type { SideKind } from '../side.js'
import { LineSide, type LineSideOptions } from './line-side.js'
import { needs } from './probe.js'

const peers = join(packageRoot, 'bench', 'peers')

// The distribution's packages are for the distribution's own.
const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'

const common: Pick<SideKind, 'modes' | 'slow'> = { modes: ['bridge'], slow: true }

function kind(
  options: LineSideOptions,
  told: Pick<SideKind, 'title' | 'cannot' | 'cold'>,
  probe: SideKind['probe'],
): SideKind {
  const { name } = options
  return { name, ...told, ...common, probe, make: world => new LineSide(world, options) }
}

export const pyroute2: SideKind = kind(
  {
    name: 'pyroute2',
    makes: 'all',
    command: python,
    args: [join(peers, 'pyroute2_lines.py')],
    pin: 'py',
    bridge: 'pybr0',
    drop: true,
  },
  { title: 'pyroute2', cannot: ['a firewall entry for each: one rule for all, made before by nft'] },
  async () => {
    const script = 'import pyroute2, importlib.metadata as m; print(m.version("pyroute2"))'
    const found = await needs(
      [
        [python, '-c', script],
        ['nft', '--version'],
      ],
      1,
    )
    return found.reason?.startsWith(`${python} -c`) ? { reason: `${python} has no pyroute2 (python3-pyroute2)` } : found
  },
)

const installed = (name: string) => async () =>
  existsSync(join(peers, 'node_modules', name, 'package.json'))
    ? needs(
        [
          [
            process.execPath,
            '-p',
            `require(${JSON.stringify(join(peers, 'node_modules', name, 'package.json'))}).version`,
          ],
        ],
        1,
      )
    : { reason: `bench/peers/node_modules has no ${name}: npm ci --prefix bench/peers` }

export const npmIproute: SideKind = kind(
  {
    name: 'npm-iproute',
    makes: 'inside',
    command: process.execPath,
    args: [join(peers, 'iproute.mjs')],
    pin: 'npm',
    bridge: 'npmbr0',
    drop: true,
  },
  { title: 'iproute (npm)', cannot: ['the firewall entry'], cold: 10 },
  async () => {
    const { reason } = await needs([['ip', '-V']], 1)
    return reason === undefined ? installed('iproute')() : { reason }
  },
)

export const npmNetlink: SideKind = kind(
  {
    name: 'npm-netlink',
    makes: 'link',
    command: process.execPath,
    args: [join(peers, 'netlink.mjs')],
    pin: 'npn',
    bridge: 'npnbr0',
    drop: true,
    given: true,
  },
  {
    title: 'netlink (npm)',
    cannot: [
      'the namespace (made for it by egressd’s own door, and counted)',
      'lo up, address and route inside',
      'the firewall entry',
    ],
    cold: 200,
  },
  installed('netlink'),
)
