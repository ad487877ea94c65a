// The library on the fake kernel: every write of a job fails in turn, and nothing half-made stays.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Egress } from '../../src/egress.js'
import type { NamespaceOptions, NetworkOptions } from '../../src/engine/options.js'
import { type EgressError, isEgressError } from '../../src/errors.js'
import { FakeMachine } from '../../src/kernel/fake/fake.js'

/** More than any of it writes. */
const most = 60

let stateDir = ''
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'egressd-undo-'))
})
afterEach(() => rmSync(stateDir, { recursive: true, force: true }))

const records = () => ['networks', 'namespaces'].flatMap(folder => readdirSync(join(stateDir, folder)))

/** The error that it is refused with; null where it is not. */
async function refusal(work: Promise<unknown>): Promise<EgressError | null> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (error !== null && !isEgressError(error)) throw error as Error
  return error
}

const networks: NetworkOptions[] = [
  { name: 'br0', subnets: ['192.168.0.0/16', 'fd00::/64'], firewall: 'nftables' },
  { name: 'br0', subnets: ['192.168.0.0/16', 'fd00::/64'], firewall: 'xtables' },
  { name: 'br0', subnets: ['192.168.0.0/16'], masquerade: false },
]
const namespaces: NamespaceOptions[] = [
  { name: 'ns0', interface: 'ceth0', hostInterface: 'veth0', addresses: ['192.168.0.2'] },
  {},
]

describe.each(networks)('network %j', options => {
  test('twice is one change', async () => {
    const machine = new FakeMachine()
    await using egress = await Egress.open({ kernel: machine, stateDir })
    const network = await egress.network(options)
    for (const wanted of namespaces) await network.create(wanted)
    const census = machine.census()
    const before = machine.writes
    await egress.network(options)
    await network.create(namespaces[0])
    expect(machine.writes).toBe(before)
    expect(machine.census()).toEqual(census)
  })

  test('whose n-th write fails leaves nothing, and says so', async () => {
    for (let nth = 1; nth < most; nth++) {
      const machine = new FakeMachine()
      const egress = await Egress.open({ kernel: machine, stateDir })
      const before = machine.census()
      machine.fail({ nth, errno: 'ENOMEM', only: 'writes' })
      const error = await refusal(egress.network(options))
      if (!error) {
        expect(nth).toBeGreaterThan(4)
        await egress.down()
        return
      }
      expect(['EGRESSD_KERNEL', 'EGRESSD_MISSING_FEATURE']).toContain(error.code)
      expect(error.fault?.errno).toBe('ENOMEM')
      expect({ nth, left: error.left ?? [], census: machine.census() }).toEqual({ nth, left: [], census: before })
      expect(records()).toEqual([])
      await egress.close()
    }
    throw new Error('it never came to an end')
  })

  test.each(namespaces)('a namespace %j of it, whose n-th write fails, leaves nothing', async wanted => {
    const machine = new FakeMachine()
    await using egress = await Egress.open({ kernel: machine, stateDir })
    const network = await egress.network(options)
    const before = machine.census()
    const kept = records()
    for (let nth = 1; nth < most; nth++) {
      machine.fail({ nth, errno: 'ENOMEM', only: 'writes' })
      const error = await refusal(network.create(wanted))
      if (!error) {
        expect(nth).toBeGreaterThan(4)
        expect(egress.namespaces).toHaveLength(1)
        return
      }
      const code = error.fault?.op.startsWith('file.') ? 'EGRESSD_STATE_WRITE_FAILED' : 'EGRESSD_KERNEL'
      expect(error).toMatchObject({ code, fault: { errno: 'ENOMEM' } })
      expect({ nth, left: error.left ?? [], census: machine.census() }).toEqual({ nth, left: [], census: before })
      expect(records()).toEqual(kept)
    }
    throw new Error('it never came to an end')
  })
})
