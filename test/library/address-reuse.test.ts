// An address that goes from one namespace to the next at once: nothing of the former's flows goes along.
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { uplink } from '../../src/demo/topology.js'
import { adoptDatagram } from '../../src/net-adopt.js'
import { value } from '../helpers/host.js'
import { backends, createLibrary, families, type Library } from '../helpers/library.js'

const cases = backends.flatMap(firewall => families.map(family => [firewall, family] as const))
const wildcard = { 4: '0.0.0.0', 6: '::' }
/** More than enough to find a mapping that is left. */
const packets = 50

async function far({ host, internet }: Library, family: 4 | 6) {
  const [, made] = await host.kernel.run([
    { op: 'netns.open', as: 1, from: { fd: internet } },
    { op: 'socket.open', in: 1, family, type: 'datagram', bind: { address: uplink[family].public, port: 7000 } },
  ])
  return adoptDatagram(value(made).fd, family)
}

test.each(cases)(
  '%s: a UDP flow over IPv%i neither reaches nor leaves as the next holder',
  async (firewall, family) => {
    await using library = await createLibrary({ firewall, quarantineMs: 0 })
    const { egress, host } = library
    const network = await egress.network({ name: 'br0', subnets: ['10.9.0.0/24', 'fd00:9::/64'] })
    const { public: target, host: masked } = uplink[family]
    const internet = await far(library, family)
    const heard: string[] = []
    internet.on('message', data => heard.push(`${data}`))

    const former = await network.create({ name: 'former' })
    const old = await former.datagram({ address: wildcard[family], port: 5000 })
    old.send('hello', 7000, target)
    const [, from] = await once(internet, 'message')
    expect(from.address).toBe(masked)
    internet.send('for the former', from.port, from.address)
    expect(`${(await once(old, 'message'))[0]}`).toBe('for the former')

    // The internet goes on sending, and the former on trying to, through it all.
    let sent = 0
    let gone = false
    const timer = setInterval(() => {
      sent++
      internet.send('for the former', from.port, from.address)
      old.send(gone ? 'ghost' : 'still here', 7000, target, () => {})
    }, 2)
    old.on('error', () => {}) // its network is gone
    await former.destroy()
    gone = true
    const next = await network.create({ name: 'next', addresses: former.addresses })
    expect(next.addresses).toEqual(former.addresses)
    const socket = await next.datagram({ address: wildcard[family], port: 5000 })
    const got: string[] = []
    socket.on('message', data => got.push(`${data}`))
    const start = sent
    await expect.poll(() => sent, { timeout: 10_000, interval: 10 }).toBeGreaterThan(start + packets)
    clearInterval(timer)

    // What it sends by itself arrives, from the same port too, and comes back: all that was sent before has been dealt with.
    socket.send('hello again', 7000, target)
    await expect.poll(() => heard).toContain('hello again')
    // What it sent while it stood may have been read late.
    expect(heard.filter(text => !['hello', 'still here'].includes(text))).toEqual(['hello again'])
    expect(got).toEqual([])

    // NB: but for the MAC of the dying port itself, which is nobody's way: to take a port off the bridge costs an RCU grace period.
    const fdb = host.json<{ mac: string; ifname: string; state?: string }[]>('bridge', [
      '-j',
      'fdb',
      'show',
      'br',
      'br0',
    ])
    const links = host
      .json<{ ifname: string }[]>('ip', ['-j', 'link', 'show', 'master', 'br0'])
      .map(link => link.ifname)
    expect(links).toContain(next.hostInterface)
    expect(fdb.filter(({ ifname, state }) => ifname.startsWith('egd') && state !== 'permanent')).toEqual([])
    const entries = host.json<{ dst: string; dev: string }[]>('ip', ['-j', 'neigh', 'show'])
    expect(entries.filter(({ dst, dev }) => former.addresses.includes(dst) && dev !== 'br0')).toEqual([])
    for (const one of [old, socket, internet]) one.close()
  },
)
