// What destroyed namespaces leave in the firewall is no drift while it is on its way out. On the fake kernel.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Host } from '../../src/engine/host.js'
import { makeNamespace } from '../../src/engine/make.js'
import { destroyNamespace } from '../../src/engine/namespace-end.js'
import { ensureNetwork } from '../../src/engine/networks.js'
import { openHost } from '../../src/engine/open.js'
import { firewallRepairs } from '../../src/engine/preview.js'
import { FakeMachine } from '../../src/kernel/fake/fake.js'
import { parseNamespace } from '../../src/spec/namespace.js'
import { parseNetwork } from '../../src/spec/network.js'

let stateDir = ''
let host: Host
beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'egressd-leftovers-'))
  host = await openHost({ kernel: new FakeMachine(), stateDir })
  const network = await ensureNetwork(host, parseNetwork({ name: 'br0', subnets: ['192.168.0.0/16'] }))
  const spec = parseNamespace({ name: 'ns0' }, network.spec)
  await destroyNamespace(host, await makeNamespace(host, network, spec, 'ns0'))
  host.aftermath.stop()
})
afterEach(async () => {
  host.aftermath.stop()
  await host.kernel.close()
  host.state.close()
  rmSync(stateDir, { recursive: true, force: true })
})

/** Somebody is changing elements until that is called. */
function somebodyAtIt(): () => void {
  let end = () => {}
  void host.firewallGate.shared(() => new Promise<void>(resolve => (end = resolve)))
  return end
}

test('what is sent on its way out while one waits to look is no drift', async () => {
  const end = somebodyAtIt()
  const looked = firewallRepairs(host, 'refuse')
  await setImmediate()
  // The kernel has let go of the link meanwhile.
  await host.reaper.look()
  expect(host.leftovers.pending).toBe(1)
  const flushed = host.flush()
  await setImmediate()
  end()
  expect(await looked).toEqual([])
  await flushed
  expect(host.leftovers.pending).toBe(0)
})

test('a firewall that was found broken is looked at when it was put right', async () => {
  const end = somebodyAtIt()
  const looked = firewallRepairs(host, 'refuse')
  await setImmediate()
  await host.kernel.run([
    { op: 'nft.commit', changes: [{ change: 'table.delete', family: 'bridge', name: 'egressd' }] },
  ])
  host.firewallBroken = true
  end()
  expect(await looked).toEqual([])
})
