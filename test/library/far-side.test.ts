import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { uplink } from '../../src/demo/topology.js'
import { netnsPath } from '../helpers/host.js'
import { backends, createLibrary, dual, families, named } from '../helpers/library.js'

const inside = { 4: '192.168.0.2', 6: 'fd00::2' }
const cases = backends.flatMap(firewall => families.map(family => [firewall, family] as const))

/** Sends one echo once the far side listens; who it says the echo is from, and what came of it. */
async function seen(fd: number, family: 4 | 6, send: () => Promise<{ result: string }[]>) {
  const script = resolve('test/helpers/far-side.py')
  const listener = spawn('nsenter', [`--net=${netnsPath({ fd })}`, 'python3', script, `${family}`, '10'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(listener, 'exit')
  const lines = createInterface({ input: listener.stdout })[Symbol.asyncIterator]()
  expect((await lines.next()).value).toBe('listening')
  const [echo] = await send()
  const source = (await lines.next()).value
  await exited
  return { source, result: echo?.result }
}

test.each(cases)('%s, IPv%i: the far side sees the host, never the namespace', async (firewall, family) => {
  await using library = await createLibrary()
  const network = await library.egress.network({ ...dual, firewall })
  expect(network.backend).toBe(firewall)
  const namespace = await network.create(named)
  const target = uplink[family].public
  const got = await seen(library.internet, family, () => namespace.ping(target, { timeoutMs: 5000 }))
  expect(got).toEqual({ source: uplink[family].host, result: 'reply' })
})

test.each(cases)(
  '%s, IPv%i: without masquerade it sees the namespace, and no answer comes',
  async (firewall, family) => {
    await using library = await createLibrary()
    const network = await library.egress.network({ ...dual, firewall, masquerade: false })
    const namespace = await network.create(named)
    const target = uplink[family].public
    const got = await seen(library.internet, family, () => namespace.ping(target, { timeoutMs: 500 }))
    // The internet has no route back, and says nothing of it to anyone.
    expect(got).toEqual({ source: inside[family], result: 'timeout' })
  },
)

test.each(backends)('%s: what goes from one namespace to another keeps its source', async firewall => {
  await using library = await createLibrary()
  const network = await library.egress.network({ ...dual, firewall })
  const near = await network.create(named)
  const far = await network.create()
  for (const [i, family] of families.entries()) {
    const { fd } = far.ref as { fd: number }
    const got = await seen(fd, family, () => near.ping(far.addresses[i] as string, { timeoutMs: 5000 }))
    expect(got).toEqual({ source: inside[family], result: 'reply' })
  }
})
