import type { SideKind } from '../side.js'
import { needs } from './probe.js'
import { type Names, type ShellScripts, ShellSide } from './shell-side.js'

const outside = ({ ns, outer, inner, bridge }: Names) =>
  `netns add ${ns}\nlink add ${outer} type veth peer name ${inner} netns ${ns}\nlink set ${outer} master ${bridge} up`
const inside = ({ ns, inner, address, gateway }: Names) => `ip -n ${ns} -batch - <<X
link set lo up
link set ${inner} up
addr add ${address}/16 dev ${inner}
route add default via ${gateway}
X`
const elements = (verb: 'add' | 'delete', all: readonly Names[]) =>
  `nft -f - <<X\n${verb} element ip benchbatch members { ${all.map(({ address }) => address).join(', ')} }\nX`
const makeAll = (all: readonly Names[]) =>
  `ip -batch - <<X\n${all.map(outside).join('\n')}\nX\n${all.map(inside).join('\n')}\n${elements('add', all)}`
const dropAll = (all: readonly Names[]) =>
  `${elements('delete', all)}\nip -batch - <<X\n${all.map(({ ns }) => `netns del ${ns}`).join('\n')}\nX`

/** As few processes as the tools allow: two of ip and one of nft for a namespace, and an element of a set for a rule. */
const scripts: ShellScripts = {
  open: ({ bridge, gateway }) => `
ip -batch - <<X
link add ${bridge} type bridge
addr add ${gateway}/16 dev ${bridge}
link set ${bridge} up
X
nft -f - <<X
table ip benchbatch {
  set members { type ipv4_addr; }
  chain post { type nat hook postrouting priority 100; ip saddr @members masquerade; }
}
X`,
  close: ({ bridge }) => `ip link del ${bridge}\nnft delete table ip benchbatch`,
  create: names => makeAll([names]),
  destroy: names => dropAll([names]),
  createMany: makeAll,
  destroyMany: dropAll,
}

export const ipBatch: SideKind = {
  name: 'ip-batch',
  title: 'ip -batch + nft -f',
  cannot: [],
  modes: ['bridge'],
  slow: true,
  probe: () =>
    needs(
      [
        ['ip', '-V'],
        ['nft', '--version'],
        ['sh', '-c', 'true'],
      ],
      1,
    ),
  make: world => new ShellSide(world, 'ip-batch', 'ipb', scripts),
}
