// `egressd top`, `ns ping` and `ns connect`: against real traffic, in a real terminal.
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { widthsFor } from '../../src/cli/output/table.js'
import { ratesOf, sorted } from '../../src/cli/watch/rates.js'
import { bytes, topLines } from '../../src/cli/watch/top-text.js'
import { freshWorld, layUplink, main } from '../helpers/cli.js'

// Many processes, one after another.
vi.setConfig({ testTimeout: 120_000 })

const terminal = join(import.meta.dirname, '../helpers/terminal.py')
const node = process.execPath

/** Of `ip -s`. */
type Stats = Record<'rx' | 'tx', { bytes: number; packets: number }>

async function world(prepare = '') {
  const made = await freshWorld()
  if (prepare) made.sh(prepare)
  await made.egressd(['network', 'add', 'br0', '--subnet', '10.64.0.0/16'])
  await made.egressd(['ns', 'add', 'ns0', 'ns1', '--network', 'br0'])
  return made
}

test('top counts what ip counts, busy ones first', async () => {
  await using host = await world()
  host.sh('ip netns exec ns1 ping -q -c 20 -i 0.01 10.64.0.2 >/dev/null')
  const statistics = () => JSON.parse(host.sh('ip -j -s link show type veth')) as { ifname: string; stats64: Stats }[]
  const before = statistics()
  const { stdout, code } = await host.egressd(['top', '--once', '--json', '--sort', 'total', '--interval', '0.05'])
  expect(code).toBe(0)
  const told = JSON.parse(stdout)
  expect(Date.parse(told.time)).toBeGreaterThan(0)
  expect(told.seconds).toBeGreaterThanOrEqual(0.05)
  const after = statistics()
  expect(told.namespaces).toHaveLength(2)
  for (const each of told.namespaces) {
    const view = JSON.parse((await host.egressd(['ns', 'show', each.name, '--json'])).stdout)
    // Neighbours ask for each other by themselves, at any time.
    const [least, most] = [before, after].map(
      links => links.find(({ ifname }) => ifname === view.hostInterface)?.stats64,
    ) as [Stats, Stats]
    expect(each.network).toBe('br0')
    expect(each.egressBytes).toBeGreaterThanOrEqual(least.rx.bytes)
    expect(each.egressBytes).toBeLessThanOrEqual(most.rx.bytes)
    expect(each.egressBytes).toBeGreaterThan(20 * 98 - 1) // an echo is 98 bytes with its Ethernet header
    expect(each.ingressPackets).toBeGreaterThanOrEqual(Math.max(20, least.tx.packets))
    expect(each.ingressPackets).toBeLessThanOrEqual(most.tx.packets)
  }
  const table = await host.egressd(['top', '--interval', '0.05'])
  expect(table.stdout).toMatch(/^2 namespaces in 1 network, out .*\n\nNAMESPACE +NETWORK +OUT\/s/)
  expect((await host.egressd(['top', '--once', '--interval', '0.05', '--network', 'none'])).stdout).toMatch(
    /^0 namespaces/,
  )
})

test('top in a terminal: in place, and the terminal is as before whatever ends it', async () => {
  await using host = await world()
  const told = JSON.parse(host.sh(`python3 ${terminal} top ${node} ${main}`))
  for (const name of ['q', 'ctrl-c', 'SIGTERM'])
    expect(told[name], name).toMatchObject({ raw: true, restored: true, status: name === 'SIGTERM' ? 143 : 0 })
  const { screen } = told.q
  expect(screen[0]).toMatch(/^2 namespaces in 1 network.*$/)
  expect(screen[2]).toMatch(/^NAMESPACE/)
  for (const line of screen) expect(line.length).toBeLessThanOrEqual(60) // it was made smaller meanwhile
})

test('tables in a terminal fit it, with colours only where they are wanted', async () => {
  await using host = await world()
  const { plain, NO_COLOR, dumb } = JSON.parse(host.sh(`python3 ${terminal} colours ${node} ${main}`))
  expect(plain).toContain('\u001b[1m')
  expect(NO_COLOR + dumb).not.toContain('\u001b')
  const lines: string[] = NO_COLOR.split('\r\n')
  expect(lines.some(line => line.startsWith('ns0'))).toBe(true)
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(40)
  expect(NO_COLOR).toContain('…')
})

test('ping is that of ping(8), in its words and its status', async () => {
  await using host = await world(layUplink)
  // Where it was held up, it says how many were under way at once.
  const theirs = host.sh('ip netns exec ns0 ping -c 2 -i 0.2 8.8.8.8').replace(/, pipe \d+$/m, '')
  const ours = await host.egressd(['ns', 'ping', 'ns0', '8.8.8.8', '-c', '2', '-i', '0.2'])
  const steady = (text: string) => text.replace(/[\d.]+ ?ms/g, 'T ms').replace(/= [\d./]+ T? ?ms|= [\d./]+/g, '= T')
  expect(ours).toMatchObject({ code: 0, stderr: '' })
  expect(steady(ours.stdout)).toBe(steady(theirs))
  const named = await host.egressd(['ns', 'ping', 'ns0', 'ns1', '-c', '1', '--json'])
  expect(JSON.parse(named.stdout)).toMatchObject({
    namespace: 'ns0',
    target: '10.64.0.3',
    transmitted: 1,
    received: 1,
    lossPercent: 0,
    echoes: [{ sequence: 1, from: '10.64.0.3', result: 'reply', ttl: 64 }],
  })
  const none = await host.egressd(['ns', 'ping', 'ns0', '10.64.9.9', '-c', '1', '-W', '0.1'])
  expect(none).toMatchObject({ code: 1, stdout: expect.stringContaining('no answer for icmp_seq=1') })
  expect(none.stdout).toContain('1 packets transmitted, 0 received, 100% packet loss')
  const stopped = await host.egressd(['ns', 'ping', 'ns0', '10.64.0.1'], { interruptAt: /icmp_seq=1/ })
  expect(stopped).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/1 packets transmitted, 1 received, 0% packet loss/),
  })
  expect(await host.egressd(['ns', 'ping', 'ns0', 'example.org'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('egressd ns exec ns0 -- getent hosts example.org'),
  })
})

test('connect carries bytes both ways, and tells who refuses', async () => {
  await using host = await world()
  // Answers what it was sent, backwards, once it has all of it.
  const server = `import socket,sys
s=socket.create_server(("10.64.0.3",80)); print("up",flush=True)
while True:
  c,_=s.accept(); d=b""
  while True:
    p=c.recv(65536)
    if not p: break
    d+=p
  c.sendall(d[::-1]); c.close()`
  host.sh(`cat >/run/server.py <<'end'\n${server}\nend
    ip netns exec ns1 python3 /run/server.py >/run/up 2>&1 & echo $! >/run/pid; until grep -q up /run/up; do sleep 0.02; done`)
  const text = Array.from({ length: 200_000 }, (_, i) => i % 10).join('')
  const answered = await host.egressd(['ns', 'connect', 'ns0', 'ns1', '80'], { input: text })
  expect(answered.code).toBe(0)
  expect(answered.stdout === [...text].reverse().join('')).toBe(true)
  expect(await host.egressd(['ns', 'connect', 'ns0', '10.64.0.3', '80', '--check'])).toMatchObject({
    code: 0,
    stdout: '',
  })
  expect(await host.egressd(['ns', 'connect', 'ns0', '10.64.0.3', '81'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('10.64.0.3 port 81: connection refused (ECONNREFUSED)'),
  })
  const late = await host.egressd(['ns', 'connect', 'ns0', '10.64.0.1', '80', '-w', '0.2'])
  expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining('no answer (ETIMEDOUT)') })
  expect(await host.egressd(['ns', 'connect', 'ns0', 'ns1', 'http'])).toMatchObject({ code: 2 })
  host.sh('kill $(cat /run/pid)')
})

const counted = (name: string, bytesOut: number, packets = 0) => ({
  name,
  network: 'br0',
  egressBytes: bytesOut,
  egressPackets: packets,
  ingressBytes: 0,
  ingressPackets: 0,
  droppedPackets: 0,
})

test('rates are of the time between two readings; what is made anew counts from nothing', () => {
  const before = [counted('a', 1000), counted('b', 5000), counted('gone', 1)]
  const rates = ratesOf(before, [counted('a', 3000, 4), counted('b', 100), counted('new', 50)], 2)
  expect(rates.map(({ name, egressBytesPerSecond }) => [name, egressBytesPerSecond])).toEqual([
    ['a', 1000],
    ['b', 50],
    ['new', 25],
  ])
  expect(rates[0]?.egressPacketsPerSecond).toBe(2)
  const names = (order: 'rate' | 'total' | 'name') => sorted([...rates].reverse(), order).map(({ name }) => name)
  expect([names('rate'), names('total'), names('name')]).toEqual([
    ['a', 'b', 'new'],
    ['a', 'b', 'new'],
    ['a', 'b', 'new'],
  ])
})

test('figures are short, and what has no room is counted', async () => {
  expect([0, 999, 1000, 1234, 9949, 9951, 99_500, 999_499, 999_500, 1e9, 2.5e15].map(bytes)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '1.2 kB',
    '9.9 kB',
    '10 kB',
    '100 kB',
    '999 kB',
    '1.0 MB',
    '1.0 GB',
    '2.5 PB',
  ])
  const many = ratesOf(
    [],
    Array.from({ length: 30 }, (_, i) => counted(`ns${i}`, i)),
    1,
  )
  const lines = await topLines(many, { width: 80, colours: false }, 12)
  expect(lines).toHaveLength(12)
  expect(lines.at(-1)).toBe('… and 22 more')
})

test('the widest columns are cut until a table fits', () => {
  const columns = [{ head: 'A' }, { head: 'B' }, { head: 'C' }]
  const rows = [['x'.repeat(30), 'y'.repeat(20), 'z']]
  expect(widthsFor(columns, rows, null)).toEqual([30, 20, 1])
  expect(widthsFor(columns, rows, 45)).toEqual([20, 20, 1])
  expect(widthsFor(columns, rows, 10)).toEqual([4, 4, 1])
})
