// npm's iproute: it runs `ip`, a shell and a process for each command.
import iproute from 'iproute'
import { addressOf, serve } from './lines.mjs'

const { address, batch, link, route } = iproute
const network = {}

await serve({
  async network(name, gateway, prefix) {
    Object.assign(network, { name, gateway, prefix })
    await link.add({ name, type: { bridge: {} } })
    await address.add({ local: `${gateway}/${prefix}`, dev: name })
    await link.set({ dev: name, up: true })
  },
  async create(n) {
    const [ns, outer, inner] = [`npm-${n}`, `npmo${n}`, `npmi${n}`]
    // It has no command for namespaces but what is passed on to `ip -batch`.
    await batch.fromStdin({ stdin: `netns add ${ns}` })
    await link.add({ name: outer, type: { veth: { 'peer name': inner } } })
    await link.set({ dev: inner, netns: ns })
    await link.set({ dev: outer, master: network.name })
    await link.set({ dev: outer, up: true })
    const inside = { '-netns': ns }
    await link.set({ dev: 'lo', up: true }, inside)
    await link.set({ dev: inner, up: true }, inside)
    await address.add({ local: `${addressOf(network.gateway, n)}/${network.prefix}`, dev: inner }, inside)
    await route.add({ to: 'default', via: { address: network.gateway } }, inside)
  },
  drop: n => batch.fromStdin({ stdin: `netns del npm-${n}` }),
})
