// What a handle is opened with: checked before anything is done, and the handle's own from then on.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Egress } from '../../src/egress.js'
import type { EgressOptions } from '../../src/engine/options.js'
import { isEgressError } from '../../src/errors.js'
import { FakeMachine } from '../../src/kernel/fake/fake.js'
import { nativeKernel } from '../../src/kernel/native.js'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'egressd-options-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const bad: [field: string, value: unknown][] = [
  ['stateDir', ''],
  ['stateDir', 5],
  ['stateDir', 'a\0b'],
  ['netnsDir', ''],
  ['netnsDir', 5],
  ['etcNetnsDir', {}],
  ['etcNetnsDir', null],
  ['firewall', 'iptables'],
  ['collect', 'no'],
  ['quarantineMs', Number.NaN],
  ['quarantineMs', -1],
  ['quarantineMs', '5'],
  ['quarantineMs', 5n],
  ['quarantineMs', Number.POSITIVE_INFINITY],
  ['log', 5],
  ['log', { debug() {}, info() {} }],
  ['host', 5],
  ['host', ''],
  ['host', {}],
  ['host', { path: 5 }],
  ['host', { fd: 1.5 }],
  ['host', { pid: '1' }],
  ['statedir', '/run/other'],
]

test.each(bad)('%s: %s is refused, and nothing is made', async (field, value) => {
  const options = { stateDir: join(root, 'state'), [field]: value } as EgressOptions
  const kernel = field === 'host' ? nativeKernel : new FakeMachine()
  const error = await Egress.open({ ...options, kernel }).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(isEgressError(error) && error.toJSON()).toMatchObject({ code: 'EGRESSD_INVALID_SPEC', field })
  expect(existsSync(join(root, 'state'))).toBe(false)
})

test.each([null, 5, 'x', []])('%j is no options', async options => {
  await expect(Egress.open(options as EgressOptions)).rejects.toMatchObject({ code: 'EGRESSD_INVALID_SPEC' })
})

test('what becomes of them afterwards is nothing to the handle', async () => {
  const options = {
    kernel: new FakeMachine(),
    stateDir: join(root, 'state'),
    netnsDir: '/run/netns',
    etcNetnsDir: relative(process.cwd(), join(root, 'etc')),
    firewall: 'xtables' as EgressOptions['firewall'],
  }
  await using egress = await Egress.open(options)
  Object.assign(options, { netnsDir: '/run/other', firewall: 'nftables' })
  const network = await egress.network({ name: 'br0', subnets: ['192.168.0.0/16'] })
  expect(network.backend).toBe('xtables')
  expect((await network.create({ name: 'ns0', dns: { servers: ['192.168.0.1'] } })).path).toBe('/run/netns/ns0')
  expect(existsSync(join(root, 'etc', 'ns0', 'resolv.conf'))).toBe(true)
})

test('what a network does not say, or says to be undefined, is as the handle has it', async () => {
  const kernel = new FakeMachine()
  await using egress = await Egress.open({ kernel, stateDir: join(root, 'state'), firewall: 'xtables' })
  const network = await egress.network({ name: 'br0', subnets: ['192.168.0.0/16'], firewall: undefined as never })
  expect(network.backend).toBe('xtables')
})
