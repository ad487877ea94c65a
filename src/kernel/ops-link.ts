/** Fields of a link that can be set when it is made and later (rtnetlink(7), <linux/if_link.h>). */
export interface LinkSettings {
  /** IFLA_MTU, bytes. */
  mtu?: number
  /** IFLA_ADDRESS. */
  mac?: string
  /** IFLA_GROUP. */
  group?: number
  /** IFLA_MASTER: ifindex of the bridge; 0 takes it off. */
  master?: number
  /** IFLA_TXQLEN, packets. */
  txQueueLength?: number
}

/** NB: no alias. The kernel takes IFLA_IFALIAS in changes only and ignores it in a new link: set it with `link.set`. */
export interface NewLink extends LinkSettings {
  name: string
  /** Header's ifi_index: asks for this number. */
  index?: number
  /** IFLA_NUM_TX_QUEUES and IFLA_NUM_RX_QUEUES. */
  queues?: number
  /** Slot of the namespace to make it in (IFLA_NET_NS_FD). Default: the one the operation acts in. */
  netns?: number
}

/** The other end of a veth. The kernel ignores IFLA_MASTER in it: `master` is for `link.set`. */
export interface NewPeer extends Omit<NewLink, 'master'> {
  master?: undefined
}

export interface BridgeSettings {
  /** IFLA_BR_MCAST_SNOOPING */
  multicastSnooping?: boolean
  /** IFLA_BR_STP_STATE */
  stp?: boolean
  /** IFLA_BR_FORWARD_DELAY, in 1/100 s */
  forwardDelay?: number
  /** IFLA_BR_VLAN_FILTERING. EOPNOTSUPP, for false too, where the kernel is built without it. */
  vlanFiltering?: boolean
  /**
   * BR_BOOLOPT_NO_LL_LEARN, inverted: whether MACs are learnt from frames to 01:80:c2:00:00:0x, which pass no hook of
   * netfilter.
   */
  linkLocalLearning?: boolean
}

/** IFLA_INFO_SLAVE_DATA of a bridge port (<linux/if_link.h>, IFLA_BRPORT_*). */
export interface BridgePortSettings {
  isolated?: boolean
  learning?: boolean
  unicastFlood?: boolean
  multicastFlood?: boolean
  broadcastFlood?: boolean
  hairpin?: boolean
  guard?: boolean
}

/** IFLA_INET6_ADDR_GEN_MODE (<linux/if_link.h>). */
export type AddrGenMode = 'eui64' | 'none' | 'stable-privacy' | 'random'

/** What a link has counted since it was made (rtnl_link_stats64, <linux/if_link.h>). Exact up to 2^53. */
export interface LinkStatistics {
  rxPackets: number
  txPackets: number
  rxBytes: number
  txBytes: number
  rxErrors: number
  txErrors: number
  rxDropped: number
  txDropped: number
}

export interface Link {
  index: number
  name: string
  kind: string | null
  up: boolean
  /** IFF_LOWER_UP: carrier. */
  running: boolean
  flags: number
  mtu: number
  mac: string | null
  alias: string | null
  group: number
  master: number | null
  /** IFLA_LINK of a veth: its peer's number, in the namespace that `peerNetns` names; null for other kinds. */
  peer: number | null
  /** IFLA_LINK_NETNSID: the local name of the peer's namespace; null where it is the same one. */
  peerNetns: number | null
  txQueues: number
  rxQueues: number
  addrGenMode: AddrGenMode | null
  bridge: BridgeSettings | null
  port: BridgePortSettings | null
  /** IFLA_STATS64; null where they were not asked for. */
  statistics: LinkStatistics | null
}

export interface LinkOps {
  /**
   * RTM_NEWLINK with NLM_F_CREATE|NLM_F_EXCL. Both ends of a veth are made where they stay, in one message, and stay down:
   * IFF_UP in a new veth is refused (ENOTCONN). EEXIST where the name or index is taken.
   */
  'link.add': {
    fields:
      | ({ kind: 'bridge'; bridge?: BridgeSettings } & NewLink)
      | ({ kind: 'veth'; peer: NewPeer } & NewLink)
      | ({ kind: 'dummy' | 'ifb' } & NewLink)
    value: undefined
  }
  /**
   * By `index`, by `link`, or by `name` where both are absent. `rename` gives a new name; it and `port` do not go with `name`.
   * RTM_SETLINK is not atomic: where the kernel refuses one setting, those that it handled before it stay.
   */
  'link.set': {
    fields: {
      index?: number
      /** The number that an earlier `link.get` of this job, by that name, was told. ENODEV where there was none. */
      link?: string
      name?: string
      up?: boolean
      rename?: string
      /** IFLA_NET_NS_FD: moves it to the namespace in that slot. Costs an RCU grace period. */
      netns?: number
      /** IFLA_AF_SPEC{AF_INET6{IFLA_INET6_ADDR_GEN_MODE}}. NB: send it before the request that sets `up`. */
      addrGenMode?: AddrGenMode
      /** IFLA_AF_SPEC{AF_INET{IFLA_INET_CONF}}: IPV4_DEVCONF_* number (<linux/ip.h>) to value. */
      ipv4Conf?: Record<number, number>
      /** The link must be a port of a bridge already: not in the request that sets `master`. */
      port?: BridgePortSettings
      /** IFLA_IFALIAS, up to 255 bytes: where ownership is marked. An empty one takes it away. */
      alias?: string
    } & LinkSettings
    value: undefined
  }
  /** By `index`, by `name`, or all of a `group`: exactly one of them. EPERM for group 0, the default one. */
  'link.delete': { fields: { index?: number; name?: string; group?: number }; value: undefined }
  /** ENODEV where there is none. `statistics` asks for what it has counted. */
  'link.get': { fields: { index?: number; name?: string; statistics?: boolean }; value: Link }
  /**
   * The number of a link, ENODEV where there is none: of what the kernel answers to `link.get` the rest is left aside. As after that
   * one, later operations of the job may name the link.
   */
  'link.index': { fields: { index?: number; name?: string }; value: number }
  /** Filtered in the kernel by `master` and `kind`. Where links come and go during every try, what stood all the while is listed. */
  'link.list': { fields: { master?: number; kind?: string; statistics?: boolean }; value: Link[] }
}
