// Flows that begin while somebody has the firewall flushed.
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { uplink } from '../../src/demo/topology.js'
import { adoptDatagram } from '../../src/net-adopt.js'
import { readEntry } from '../helpers/conntrack.js'
import { faults } from '../helpers/faults.js'
import { value } from '../helpers/host.js'
import { backends, createLibrary, dual, families, type Library, named } from '../helpers/library.js'

const commands = { 4: 'iptables-legacy', 6: 'ip6tables-legacy' }

/** Somebody besides us has the kernel track connections: else it tracks none once our rules are gone. */
function trackAnyhow({ host }: Library): void {
  for (const family of families)
    host.tool(commands[family], ['-A', 'INPUT', '-m', 'conntrack', '--ctstate', 'ESTABLISHED'])
}

function flush({ host }: Library): void {
  host.tool('nft', ['flush', 'ruleset'])
  for (const family of families) host.tool(commands[family], ['-t', 'nat', '-F'])
}

const tracked = ({ host }: Library) =>
  ['ipv4', 'ipv6']
    .flatMap(family => host.tool('conntrack', ['-L', '-f', family, '-o', 'extended,id']).split('\n'))
    .filter(line => line.includes('udp'))
    .map(readEntry)

async function openFarSide({ host, internet }: Library, family: 4 | 6) {
  const [, opened] = await host.kernel.run([
    { op: 'netns.open', as: 1, from: { fd: internet } },
    {
      op: 'socket.open',
      in: 1,
      family,
      type: 'datagram',
      bind: { address: uplink[family].public, port: 7000 },
    },
  ])
  return adoptDatagram(value(opened).fd, family)
}

test.each(backends)('%s: they are masqueraded once it is put right, and no other flow is touched', async firewall => {
  await using library = await createLibrary()
  trackAnyhow(library)
  const network = await library.egress.network({ ...dual, firewall })
  const namespace = await network.create(named)
  const open = await library.egress.network({ name: 'op0', subnets: ['10.5.0.0/24'], masquerade: false, firewall })
  const other = await open.create({ name: 'ns1' })
  flush(library)
  const seen: unknown[] = []
  const ways = await Promise.all(
    families.map(async family => {
      const near = await namespace.datagram({ address: named.addresses[family === 4 ? 0 : 1], port: 6000 })
      const far = await openFarSide(library, family)
      return { family, near, far }
    }),
  )
  const its = await other.datagram({ address: other.addresses[0], port: 6000 })
  const send = async () => {
    for (const { family, near, far } of ways) {
      const arrived = once(far, 'message')
      near.send('x', 7000, uplink[family].public)
      const [, from] = await arrived
      seen.push(from.address)
    }
  }
  try {
    await send()
    expect(seen.splice(0)).toEqual(named.addresses)
    // To the host, to a network beside it, and from one that is not masqueraded.
    const [{ near }] = ways as [(typeof ways)[number]]
    near.send('x', 53, '192.168.0.1')
    near.send('x', 7000, other.addresses[0])
    its.send('x', 7000, uplink[4].public)
    await expect.poll(() => tracked(library)).toHaveLength(5)
    const before = tracked(library)

    await library.egress.network({ ...dual, firewall })
    await send()
    expect(seen).toEqual([uplink[4].host, uplink[6].host])
    // NB: the number of an entry is made of its place and of who sends what to whom: a flow that begins anew may have its former one.
    const identity = ({ id, reply }: (typeof before)[number]) => `${id} ${reply.source} ${reply.destination}`
    const stood = tracked(library).map(identity)
    const gone = before.filter(entry => !stood.includes(identity(entry))).map(({ original }) => original.destination)
    expect(gone.sort()).toEqual([uplink[6].public, uplink[4].public].sort())
  } finally {
    for (const { near, far } of ways) for (const socket of [near, far]) socket.close()
    its.close()
  }
})

test('what connection tracking refuses then is done a moment later', async () => {
  await using library = await createLibrary()
  trackAnyhow(library)
  const network = await library.egress.network(dual)
  const namespace = await network.create(named)
  flush(library)
  const near = await namespace.datagram({ address: '192.168.0.2', port: 6000 })
  try {
    near.send('x', 7000, uplink[4].public)
    await expect.poll(() => tracked(library)).toHaveLength(1)
    const { watch } = library
    watch.always = { 'conntrack.deleteUntranslated': faults.ENOMEM }
    // NB: looked at with the refusal. When the network is there, the moment may be over.
    let left = 0
    watch.answered = ops => {
      if (!ops.some(({ op }) => op === 'conntrack.deleteUntranslated')) return
      watch.answered = null
      watch.always = {}
      left = tracked(library).length
    }
    await library.egress.network(dual)
    expect(left).toBe(1)
    await expect.poll(() => tracked(library)).toEqual([])
  } finally {
    near.close()
  }
})
