// Layouts of the rtnetlink messages in the fixtures (<linux/rtnetlink.h>, <linux/if_link.h>, <linux/veth.h>).
import type { Layout } from './netlink.js'

// The kernel answers IFLA_INET_CONF as an array, though it takes a nest.
const afSpec: Layout = {
  attributes: {
    2: ['AF_INET', { attributes: { 1: 'IFLA_INET_CONF' } }],
    10: ['AF_INET6', { attributes: { 8: 'IFLA_INET6_ADDR_GEN_MODE' } }],
  },
}
const port: Layout = {
  attributes: {
    4: 'IFLA_BRPORT_MODE',
    5: 'IFLA_BRPORT_GUARD',
    8: 'IFLA_BRPORT_LEARNING',
    9: 'IFLA_BRPORT_UNICAST_FLOOD',
    27: 'IFLA_BRPORT_MCAST_FLOOD',
    30: 'IFLA_BRPORT_BCAST_FLOOD',
    33: 'IFLA_BRPORT_ISOLATED',
  },
}

const linkFields: Layout = {
  header: [
    ['ifi_family', 2],
    ['ifi_type', 2],
    ['ifi_index', 4],
    ['ifi_flags', 4],
    ['ifi_change', 4],
  ],
  attributes: {
    1: 'IFLA_ADDRESS',
    3: 'IFLA_IFNAME',
    4: 'IFLA_MTU',
    10: 'IFLA_MASTER',
    13: 'IFLA_TXQLEN',
    20: 'IFLA_IFALIAS',
    26: ['IFLA_AF_SPEC', afSpec],
    27: 'IFLA_GROUP',
    28: 'IFLA_NET_NS_FD',
    29: 'IFLA_EXT_MASK',
    31: 'IFLA_NUM_TX_QUEUES',
    32: 'IFLA_NUM_RX_QUEUES',
  },
}
// What IFLA_INFO_DATA holds depends on the kind.
const linkWith = (data: Layout): Layout => ({
  ...linkFields,
  attributes: {
    ...linkFields.attributes,
    18: [
      'IFLA_LINKINFO',
      {
        attributes: {
          1: 'IFLA_INFO_KIND',
          2: ['IFLA_INFO_DATA', data],
          4: 'IFLA_INFO_SLAVE_KIND',
          5: ['IFLA_INFO_SLAVE_DATA', port],
        },
      },
    ],
  },
})
/** A veth's peer is a link itself. */
export const link = linkWith({ attributes: { 1: ['VETH_INFO_PEER', linkFields] } })
export const bridge = linkWith({
  attributes: {
    1: 'IFLA_BR_FORWARD_DELAY',
    5: 'IFLA_BR_STP_STATE',
    7: 'IFLA_BR_VLAN_FILTERING',
    23: 'IFLA_BR_MCAST_SNOOPING',
    46: 'IFLA_BR_MULTI_BOOLOPT',
  },
})

export const address: Layout = {
  header: [
    ['ifa_family', 1],
    ['ifa_prefixlen', 1],
    ['ifa_flags', 1],
    ['ifa_scope', 1],
    ['ifa_index', 4],
  ],
  attributes: { 1: 'IFA_ADDRESS', 2: 'IFA_LOCAL', 3: 'IFA_LABEL', 4: 'IFA_BROADCAST', 8: 'IFA_FLAGS' },
}

export const route: Layout = {
  header: [
    ['rtm_family', 1],
    ['rtm_dst_len', 1],
    ['rtm_src_len', 1],
    ['rtm_tos', 1],
    ['rtm_table', 1],
    ['rtm_protocol', 1],
    ['rtm_scope', 1],
    ['rtm_type', 1],
    ['rtm_flags', 4],
  ],
  attributes: {
    1: 'RTA_DST',
    2: 'RTA_SRC',
    4: 'RTA_OIF',
    5: 'RTA_GATEWAY',
    6: 'RTA_PRIORITY',
    7: 'RTA_PREFSRC',
    8: ['RTA_METRICS', { attributes: { 2: 'RTAX_MTU' } }],
    15: 'RTA_TABLE',
    18: 'RTA_VIA',
  },
}

export const neighbour: Layout = {
  header: [
    ['ndm_family', 4],
    ['ndm_ifindex', 4],
    ['ndm_state', 2],
    ['ndm_flags', 1],
    ['ndm_type', 1],
  ],
  attributes: { 1: 'NDA_DST', 2: 'NDA_LLADDR', 8: 'NDA_IFINDEX' },
}
