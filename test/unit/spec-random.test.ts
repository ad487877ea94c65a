// Documents that are nearly right, and values that are none: a value comes of them, or an EgressError that names the field.
// EGRESSD_FUZZ_RUNS asks for more of them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/daemon/config.js'
import { Egress } from '../../src/egress.js'
import { errorCodes, isEgressError } from '../../src/errors.js'
import { FakeMachine } from '../../src/kernel/fake/fake.js'
import { parseSpec } from '../../src/spec/document.js'
import { parseNamespace } from '../../src/spec/namespace.js'
import { parseNetwork } from '../../src/spec/network.js'
import type { SpecInput } from '../../src/spec/schema.js'
import { anything, json, nearlyOf } from '../helpers/near-valid.js'
import { fc, runs } from '../helpers/random.js'

const numRuns = runs(200)

const network = {
  name: 'br0',
  mode: 'bridge',
  bridge: 'br0',
  subnets: ['192.168.0.0/16', 'fd00::/64'],
  gateway: ['192.168.0.1'],
  masquerade: { to: ['203.0.113.7'], fullyRandom: true },
  hostAccess: 'gateway',
  isolated: true,
  mtu: 1_400,
}
const routed = { name: 'rt0', mode: 'routed', subnets: ['10.0.0.0/16'], masquerade: false, firewall: 'nftables' }
const namespace = {
  name: 'ns0',
  interface: 'eth0',
  addresses: ['192.168.0.7', 'fd00::7/64'],
  routes: [{ to: '10.9.0.0/16', via: '192.168.0.9' }],
  sysctls: { 'net.ipv4.ip_forward': '1' },
  dns: { servers: ['192.168.0.1'], search: ['example.org'] },
}
const document = {
  networks: [network, routed],
  namespaces: [
    { ...namespace, network: 'br0' },
    { name: 'ns1', network: 'rt0', addresses: ['10.0.0.7'], routes: false },
    { name: 'ns2', network: 'br0' },
  ],
}
const config = {
  ...document,
  socket: '/run/egressd/egressd.sock',
  group: 'egress',
  read: 'all',
  log: { level: 'debug' },
  limits: { connections: 64, slowMs: 1_000 },
  pools: [{ name: 'p', network: 'br0', size: 4 }],
}

function holds(error: unknown): void {
  if (!isEgressError(error)) throw error
  expect(errorCodes).toHaveProperty(error.code)
  expect(error.message.length).toBeLessThan(100_000)
  expect(JSON.parse(JSON.stringify(error))).toMatchObject({ code: error.code })
  const problems = error.problems ?? []
  expect(problems.length).toBeGreaterThan(0)
  for (const { field, code, message } of problems) {
    expect(errorCodes).toHaveProperty(code)
    expect(typeof field).toBe('string')
    expect(message.startsWith(`${field || 'input'}: `), message).toBe(true)
    expect(error.message).toContain(message)
  }
}

/** Whether a value came of it. */
function outcome(parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch (error) {
    holds(error)
    return false
  }
}

describe.each<[name: string, good: object, parse: (input: unknown) => unknown]>([
  ['a document', document, parseSpec],
  ['a network', network, parseNetwork],
  ['a namespace', namespace, input => parseNamespace(input, parseNetwork(network))],
  ['a configuration', config, parseConfig],
])('%s', (_name, good, parse) => {
  test('as it should be is taken', () => expect(outcome(() => parse(good))).toBe(true))

  test('nearly so is taken, or refused by its field', () => {
    let taken = 0
    const check = (input: unknown) => {
      const before = JSON.stringify(input)
      if (outcome(() => parse(input))) taken++
      expect(JSON.stringify(input)).toBe(before)
    }
    fc.assert(fc.property(nearlyOf([good]), check), { numRuns })
    // Else nothing but refusals is tried.
    expect(taken).toBeGreaterThan(numRuns / 50)
    expect(taken).toBeLessThan(numRuns)
  })

  test('made of anything is taken, or refused by its field', () => {
    const check = (input: unknown) => void outcome(() => parse(input))
    fc.assert(fc.property(fc.oneof(json, anything, nearlyOf([good], anything)), check), { numRuns })
  })
})

describe('on a machine', () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'egressd-random-'))
  const machine = new FakeMachine()
  const opened = Egress.open({ kernel: machine, stateDir, netnsDir: '/run/netns', etcNetnsDir: join(stateDir, 'etc') })
  afterAll(async () => {
    await (await opened).close()
    rmSync(stateDir, { recursive: true, force: true })
  })

  test('a document is planned, or refused by what stands in the way', async () => {
    const egress = await opened
    const check = async (spec: unknown, prune: boolean) => {
      try {
        const { changes } = await egress.plan(spec as SpecInput, { prune })
        expect(Array.isArray(changes)).toBe(true)
      } catch (error) {
        if (!isEgressError(error)) throw error
        expect(errorCodes).toHaveProperty(error.code)
        expect(error.code).not.toBe('EGRESSD_INTERNAL')
      }
    }
    await fc.assert(fc.asyncProperty(nearlyOf([document]), fc.boolean(), check), { numRuns: numRuns / 4 })
    await egress.apply(document as SpecInput)
    await fc.assert(fc.asyncProperty(nearlyOf([document]), fc.boolean(), check), { numRuns: numRuns / 4 })
    // Nothing of it was done.
    expect((await egress.plan(document as SpecInput)).inSync).toBe(true)
  })
})
