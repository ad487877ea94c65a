// npm's netlink: requests of ours over its sockets. It has no socket in another namespace, so all it can do is the veth pair.
import { closeSync, openSync } from 'node:fs'
import { endianness } from 'node:os'
import netlink from 'netlink'
import { serve } from './lines.mjs'

const rt = netlink.createRtNetlink({ ref: true })
const { FlagsNew } = netlink
const make = { flags: FlagsNew.CREATE | FlagsNew.EXCL }
const network = {}
if (endianness() !== 'LE') throw new Error('written for little-endian machines')

// struct rtattr: length and type, 16 bits each; padded to 4 bytes.
function attribute(type, data) {
  const bytes = Buffer.alloc((4 + data.length + 3) & ~3)
  bytes.writeUInt16LE(4 + data.length, 0)
  bytes.writeUInt16LE(type, 2)
  data.copy(bytes, 4)
  return bytes
}
const text = value => Buffer.from(`${value}\0`)
function number(value) {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
const [IFLA_IFNAME, IFLA_NET_NS_FD, IFLA_INFO_KIND, IFLA_INFO_DATA, VETH_INFO_PEER] = [3, 28, 1, 2, 1]

await serve({
  async network(name) {
    await rt.newLink({}, { ifname: name, linkinfo: attribute(IFLA_INFO_KIND, text('bridge')) }, make)
    const links = await rt.getLinks()
    network.index = links.find(({ attrs }) => attrs.ifname === name).data.index
    await rt.setLink({ index: network.index, change: { up: true }, flags: { up: true } })
  },
  async create(n) {
    const fd = openSync(`/run/netns/npn-${n}`, 'r')
    try {
      // struct ifinfomsg, 16 bytes, and the peer's own attributes.
      const peer = Buffer.concat([
        Buffer.alloc(16),
        attribute(IFLA_IFNAME, text('eth0')),
        attribute(IFLA_NET_NS_FD, number(fd)),
      ])
      const linkinfo = Buffer.concat([
        attribute(IFLA_INFO_KIND, text('veth')),
        attribute(IFLA_INFO_DATA, attribute(VETH_INFO_PEER, peer)),
      ])
      const index = 1_000_000 + n
      await rt.newLink({ index }, { ifname: `npno${n}`, master: network.index, linkinfo }, make)
      await rt.setLink({ index, change: { up: true }, flags: { up: true } })
    } finally {
      closeSync(fd)
    }
  },
  drop: n => rt.delLink({ index: 1_000_000 + n }),
})
rt.socket.close?.()
