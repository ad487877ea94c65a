import { judgeBackends, readBackends } from './backend.js'
import { judgeBridgeNetfilter, readBridgeNetfilter } from './bridge-netfilter.js'
import * as capacity from './capacity.js'
import type { Group, Judgement } from './check.js'
import { judgeFeatures, readFeatures } from './features.js'
import { judgeForeign, readForeign } from './foreign.js'
import { judgeForwarding, readForwarding } from './forwarding.js'
import { judgeMtus, readMtus } from './mtu.js'
import { judgeNetworkManager, readNetworkManager } from './network-manager.js'
import { judgeNetworkd, judgeUdev, readNetworkd, readUdev } from './networkd.js'
import { judgeOurTables, readOurTables } from './our-tables.js'
import { judgeOverlaps, readOverlaps } from './overlap.js'
import * as paths from './paths.js'
import { judgePins, readPins } from './pins.js'
import { judgeRules, readRules } from './rules.js'
import { judgeState, readState } from './state.js'
import * as tables from './tables.js'
import type { View } from './view.js'

export interface Topic {
  id: string
  group: Group
  title: string
  /** It reads files alone, and so works without privileges. */
  files?: true
  examine(view: View): Promise<Judgement> | Judgement
}

/** Reading and judging, one after the other; judging is pure. */
function topic<F>(
  group: Group,
  id: string,
  title: string,
  read: (view: View) => Promise<F> | F,
  judge: (facts: F) => Judgement,
): Topic {
  return { id, group, title, examine: async view => judge(await read(view)) }
}

const onFiles = (one: Topic): Topic => ({ ...one, files: true })

/** Everything that is looked at, but for privileges, in the order in which it is told. */
export const topics: readonly Topic[] = [
  topic('kernel', 'kernel-features', 'kernel features', readFeatures, judgeFeatures),
  topic('firewall', 'firewall-backend', 'firewall backend', readBackends, judgeBackends),
  topic('firewall', 'our-tables', 'tables called egressd', readOurTables, judgeOurTables),
  topic('firewall', 'foreign-drops', 'firewalls of others', readForeign, judgeForeign),
  topic('firewall', 'bridge-netfilter', 'br_netfilter', readBridgeNetfilter, judgeBridgeNetfilter),
  topic('host', 'way-out', 'way out', paths.readWays, paths.judgeWays),
  topic('host', 'policy-rules', 'ip rule', readRules, judgeRules),
  topic('host', 'forwarding-ipv4', 'IPv4 forwarding', view => readForwarding(view, 4), judgeForwarding),
  topic('host', 'forwarding-ipv6', 'IPv6 forwarding', view => readForwarding(view, 6), judgeForwarding),
  topic('host', 'reverse-path', 'rp_filter', paths.readReversePath, paths.judgeReversePath),
  topic('host', 'router-advertisements', 'accept_ra', paths.readAdvertised, paths.judgeAdvertised),
  topic('host', 'overlapping-routes', 'overlapping routes', readOverlaps, judgeOverlaps),
  topic('host', 'mtu', 'MTU', readMtus, judgeMtus),
  topic('capacity', 'neighbour-tables', 'neighbour tables', tables.readNeighbours, tables.judgeNeighbours),
  topic('capacity', 'conntrack', 'conntrack table', tables.readConntrack, tables.judgeConntrack),
  topic('capacity', 'bridge-ports', 'bridge ports', capacity.readPorts, capacity.judgePorts),
  topic('capacity', 'backlog', 'receive backlog', capacity.readBacklog, capacity.judgeBacklog),
  onFiles(topic('capacity', 'descriptors', 'file descriptors', capacity.readDescriptors, capacity.judgeDescriptors)),
  onFiles(topic('capacity', 'memory', 'memory', capacity.readMemory, capacity.judgeMemory)),
  onFiles(topic('capacity', 'kernel-limits', 'namespaces and mounts', capacity.readLimits, capacity.judgeLimits)),
  onFiles(topic('others', 'networkd', 'systemd-networkd', readNetworkd, judgeNetworkd)),
  onFiles(topic('others', 'network-manager', 'NetworkManager', readNetworkManager, judgeNetworkManager)),
  onFiles(topic('others', 'udev', 'udev', readUdev, judgeUdev)),
  onFiles(topic('state', 'pins', 'where namespaces are pinned', readPins, judgePins)),
  topic('state', 'state', 'records and remains', readState, judgeState),
]
