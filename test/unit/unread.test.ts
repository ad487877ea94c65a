// A list that could not be read is not an empty one, on the fake kernel.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Egress } from '../../src/egress.js'
import { FakeMachine } from '../../src/kernel/fake/fake.js'

let stateDir = ''
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'egressd-unread-'))
})
afterEach(() => rmSync(stateDir, { recursive: true, force: true }))

test('links that cannot be read end a start, and nothing is made anew', async () => {
  const machine = new FakeMachine()
  const first = await Egress.open({ kernel: machine, stateDir })
  await (await first.network({ name: 'br0', subnets: ['192.168.0.0/16'] })).create({ name: 'ns0' })
  await first.close()
  const before = machine.census()
  machine.fail({ nth: 1, errno: 'EINTR', only: 'link.list' })
  const fault = { op: 'link.list', errno: 'EINTR' }
  await expect(Egress.open({ kernel: machine, stateDir, collect: false })).rejects.toMatchObject({ fault })
  expect(machine.census()).toEqual(before)
  await using again = await Egress.open({ kernel: machine, stateDir })
  const [network] = again.networks
  const { writes } = machine
  await network?.create({ name: 'ns0' })
  expect(machine.writes).toBe(writes)
})

test('links that cannot be read are not "nothing to collect"', async () => {
  const machine = new FakeMachine()
  await using egress = await Egress.open({ kernel: machine, stateDir })
  machine.fail({ nth: 1, errno: 'ENOMEM', only: 'link.list' })
  await expect(egress.gc()).rejects.toMatchObject({ code: 'EGRESSD_KERNEL', fault: { errno: 'ENOMEM' } })
  expect(await egress.gc()).toMatchObject({ remove: [], left: [] })
})
