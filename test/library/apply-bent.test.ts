// What others bend while no process of egressd runs, which is how the command meets with it: each is found, told and put right by a
// process that knows of it by the records and by the marks alone.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { linkName } from '../../src/plan/desired.js'
import type { SpecInput } from '../../src/spec/schema.js'
import { createLibrary, refusal } from '../helpers/library.js'

const spec: SpecInput = {
  networks: [
    { name: 'br0', subnets: ['192.168.0.0/16', 'fd00::/64'] },
    { name: 'rt0', mode: 'routed', subnets: ['10.77.0.0/16', 'fd77::/64'] },
  ],
  namespaces: [
    { name: 'ns0', network: 'br0', interface: 'ceth0', hostInterface: 'veth0', addresses: ['192.168.0.2', 'fd00::2'] },
    { name: 'r0', network: 'rt0' },
  ],
}
const r0 = linkName('rt0', 'r0')
/** What is done, and all that is told of it. `NETNS` is the folder of pins. */
const bends: [string, Record<string, string[]>][] = [
  ['ip link set br0 name stolen', { 'network br0': ['rename stolen back to br0'] }],
  ['ip link set rt0 name stolen', { 'network rt0': ['rename stolen back to rt0'] }],
  ['ip link set veth0 name stolen', { 'namespace ns0': ['rename stolen back to veth0'] }],
  ['ip link set veth0 nomaster', { 'namespace ns0': ['set master br0 of veth0', 'tie 02:65:c0:a8:00:02 to veth0'] }],
  [
    'ip link del br0',
    {
      'network br0': [
        'make bridge br0',
        'keep link-local addresses off br0, fix its MTU and mark it as ours',
        'give br0 192.168.0.1/16',
        'give br0 fd00::1/64',
        'give br0 fe80::1/64',
        'set br0 up',
      ],
      'namespace ns0': ['set master br0 of veth0', 'tie 02:65:c0:a8:00:02 to veth0'],
    },
  ],
  [
    'ip addr del 10.77.0.1/32 dev rt0',
    { 'network rt0': ['give rt0 10.77.0.1/32'], 'namespace r0': [`route 10.77.0.2 to ${r0}`] },
  ],
  ['ip route change 10.77.0.2 dev PORT proto 198', { 'namespace r0': [`route 10.77.0.2 to ${r0} from 10.77.0.1`] }],
  [
    "nsenter --net=NETNS/ns0 sh -ec 'ip route replace default via 192.168.0.77; ip -6 route replace default via fd00::77'",
    {
      'namespace ns0': [
        'route by default via 192.168.0.1, not by 192.168.0.77, inside ns0',
        'route by default via fd00::1, not by fd00::77, inside ns0',
      ],
    },
  ],
  ['ip link del veth0', { 'namespace ns0': ['make namespace ns0 anew'] }],
  ['umount NETNS/r0; rm NETNS/r0', { 'namespace r0': ['make namespace r0 anew'] }],
]

test('a stranger that took the name: told, and what works is left as it is', async () => {
  await using library = await createLibrary()
  const { host } = library
  await library.egress.apply(spec)
  host.tool('sh', ['-ec', 'ip link set veth0 name away; ip link add veth0 type bridge'])
  let egress = await library.restart()
  const inode = () => statSync(join(library.netnsDir, 'ns0')).ino
  const before = inode()
  expect((await egress.check(spec)).changes).toMatchObject([{ name: 'ns0', does: ['rename away back to veth0'] }])
  expect(await refusal(egress.apply(spec))).toMatchObject({ code: 'EGRESSD_NAME_TAKEN', value: 'veth0' })
  const namespace = egress.namespaces.find(({ name }) => name === 'ns0')
  expect((await namespace?.ping('8.8.8.8', { timeoutMs: 5000 }))?.[0]?.result).toBe('reply')
  expect(inode()).toBe(before)

  // Nothing of it is left but the pin: it is to be made anew, once the name is free.
  host.tool('ip', ['link', 'del', 'away'])
  egress = await library.restart()
  expect((await egress.check(spec)).changes).toMatchObject([
    {
      name: 'ns0',
      does: ['make namespace ns0 anew', 'have veth0 free for it: something that is not ours is called so'],
    },
  ])
  expect(await refusal(egress.apply(spec))).toMatchObject({ code: 'EGRESSD_NAME_TAKEN', value: 'veth0' })
  expect(host.json('ip', ['-j', '-d', 'link', 'show', 'veth0'])).toMatchObject([{ linkinfo: { info_kind: 'bridge' } }])
  host.tool('ip', ['link', 'del', 'veth0'])
  await egress.apply(spec)
  expect(await egress.check(spec)).toEqual({ inSync: true, changes: [] })
})

test.each(bends)('%s', async (line, expected) => {
  await using library = await createLibrary({ collect: true })
  await library.egress.apply(spec)
  const command = line.replaceAll('NETNS', library.netnsDir).replace('PORT', r0)
  library.host.tool('sh', ['-ec', command])
  let egress = await library.restart()
  const told = Object.fromEntries(
    (await egress.check(spec)).changes.map(({ kind, name, action, does }) => {
      expect(action).toBe('repair')
      return [`${kind} ${name}`, does]
    }),
  )
  expect(told).toEqual(expected)
  await egress.apply(spec)
  egress = await library.restart()
  expect(await egress.check(spec)).toEqual({ inSync: true, changes: [] })
  for (const namespace of egress.namespaces)
    for (const target of ['8.8.8.8', '2001:4860:4860::8888'])
      expect((await namespace.ping(target, { timeoutMs: 5000 }))[0]?.result).toBe('reply')
})
