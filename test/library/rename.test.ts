// What others renamed gets its name back on kernels before 6.2 too, which rename only what is down. scripts/kernels tries it on such ones.
import { expect, test, vi } from 'vitest'
import type { Kernel, KernelFactory } from '../../src/kernel/kernel.js'
import { nativeKernel } from '../../src/kernel/native.js'
import type { Op, Verdict } from '../../src/kernel/ops.js'
import { createLibrary, dual, named } from '../helpers/library.js'

vi.mock('node:os', async original => ({ ...(await original<object>()), release: () => '5.10.0-46-cloud-amd64' }))

const busy = { errno: 'EBUSY', number: 16, call: 'set link', message: 'Device or resource busy' }

/** Refuses as such a kernel does. */
const old: KernelFactory = {
  open(...args) {
    const kernel = nativeKernel.open(...args)
    const run = kernel.run.bind(kernel) as (ops: readonly Op[]) => Promise<Verdict[]>
    kernel.run = (async (ops: readonly Op[]) => {
      for (const op of ops) {
        if (op.op !== 'link.set' || op.rename === undefined || op.index === undefined) continue
        const [link] = await run([{ op: 'link.get', index: op.index }])
        const { up } = (link as { ok: boolean; value?: { up: boolean } }).value ?? { up: false }
        // In a job of its own here: what comes before it in the same one could set it down.
        if (up) return ops.map(({ op }) => ({ ok: false, skipped: false, fault: { op, ...busy } }))
      }
      return run(ops)
    }) as Kernel['run']
    return kernel
  },
}

test.each(['bridge', 'routed'] as const)('%s: the host’s end, and the bridge', async mode => {
  await using library = await createLibrary({ kernel: old })
  const document = { networks: [{ ...dual, mode }], namespaces: [{ ...named, network: 'br0' }] }
  await library.egress.apply(document)
  for (const name of ['veth0', 'br0']) {
    library.host.tool('ip', ['link', 'set', name, 'down'])
    library.host.tool('ip', ['link', 'set', name, 'name', 'other0'])
    library.host.tool('ip', ['link', 'set', 'other0', 'up'])
    await library.egress.apply(document)
    expect((await library.egress.check(document)).changes).toEqual([])
    expect(library.host.tool('ip', ['-br', 'link', 'show', name])).toMatch(/\bUP\b/)
    const namespace = await library.egress.findNamespace('ns0')
    for (const target of ['8.8.8.8', '2001:4860:4860::8888'])
      expect((await namespace?.ping(target, { timeoutMs: 5000 }))?.[0]?.result).toBe('reply')
  }
})
