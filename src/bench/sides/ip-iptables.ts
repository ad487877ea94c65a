import type { SideKind } from '../side.js'
import { needs } from './probe.js'
import { type ShellScripts, ShellSide } from './shell-side.js'

const common: Pick<ShellScripts, 'open' | 'close'> = {
  open: ({ bridge, gateway }) => `
    ip link add ${bridge} type bridge
    ip addr add ${gateway}/16 dev ${bridge}
    ip link set ${bridge} up`,
  close: ({ bridge }) => `ip link del ${bridge}`,
}

/** The commands of the eight steps, as a person types them and as most scripts have them. */
const typed: ShellScripts = {
  ...common,
  create: ({ ns, outer, inner, bridge, address, gateway }) => `
    ip netns add ${ns}
    ip link add ${outer} type veth peer name ${inner}
    ip link set ${inner} netns ${ns}
    ip link set ${outer} master ${bridge}
    ip link set ${outer} up
    ip netns exec ${ns} ip link set lo up
    ip netns exec ${ns} ip addr add ${address}/16 dev ${inner}
    ip netns exec ${ns} ip link set ${inner} up
    ip netns exec ${ns} ip route add default via ${gateway}
    iptables -t nat -A POSTROUTING -s ${address} -j MASQUERADE`,
  destroy: ({ ns, outer, address }) => `
    iptables -t nat -D POSTROUTING -s ${address} -j MASQUERADE
    ip link del ${outer}
    ip netns del ${ns}`,
}

/** The same with what is dear left out: both ends are made where they stay, and the pair goes with its namespace. */
const tuned: ShellScripts = {
  ...common,
  create: ({ ns, outer, inner, bridge, address, gateway }) => `
    ip netns add ${ns}
    ip link add ${outer} type veth peer name ${inner} netns ${ns}
    ip link set ${outer} master ${bridge} up
    ip -n ${ns} link set lo up
    ip -n ${ns} link set ${inner} up
    ip -n ${ns} addr add ${address}/16 dev ${inner}
    ip -n ${ns} route add default via ${gateway}
    iptables -t nat -A POSTROUTING -s ${address} -j MASQUERADE`,
  destroy: ({ ns, address }) => `
    iptables -t nat -D POSTROUTING -s ${address} -j MASQUERADE
    ip netns del ${ns}`,
}

const probe = () =>
  needs(
    [
      ['ip', '-V'],
      ['iptables', '-V'],
      ['sh', '-c', 'true'],
    ],
    1,
  )

export const ipIptables: SideKind = {
  name: 'ip-iptables',
  title: 'ip + iptables, as typed',
  cannot: [],
  modes: ['bridge'],
  slow: true,
  probe,
  make: world => new ShellSide(world, 'ip-iptables', 'ipt', typed),
}

export const ipTuned: SideKind = {
  name: 'ip-tuned',
  title: 'ip + iptables, tuned',
  cannot: [],
  modes: ['bridge'],
  slow: true,
  probe,
  make: world => new ShellSide(world, 'ip-tuned', 'ipq', tuned),
}
