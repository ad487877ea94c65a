// A watch that the kernel cannot be listened to by any more. On the fake kernel.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { Egress } from '../../src/egress.js'
import { FakeMachine } from '../../src/kernel/fake/fake.js'
import { Told } from '../helpers/watched.js'

const fault = { op: 'watch', call: 'netlink receive', errno: 'ENOMEM', number: 12, message: '' }

test('one that could not go on says that it is deaf, and listens again at the next look', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'egressd-deaf-'))
  try {
    const machine = new FakeMachine()
    await using egress = await Egress.open({ kernel: machine, stateDir })
    await egress.network({ name: 'br0', subnets: ['192.168.0.0/16'] })
    const told = new Told()
    await using watch = egress.watch({ pollMs: 100, onEvent: told.onEvent })
    await watch.settled()
    machine.watches.fail(fault)
    expect((await told.until('deaf')).error).toMatchObject({ code: 'EGRESSD_KERNEL', fault })
    expect(watch.stats().hears).toBeNull()
    await vi.waitFor(() => expect(watch.stats().hears).toEqual({ inside: true, nftables: true }), 30_000)
    const { wakeups } = watch.stats()
    machine.tell({ overrun: true, events: [] })
    await vi.waitFor(() => expect(watch.stats().wakeups).toBe(wakeups + 1), 30_000)
    expect(told.events.filter(({ type }) => type === 'deaf')).toHaveLength(1)
  } finally {
    rmSync(stateDir, { recursive: true })
  }
})
