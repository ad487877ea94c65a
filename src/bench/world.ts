import { closeSync, readdirSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { layInternet, uplink } from '../demo/topology.js'
import { EgressError, kernelError } from '../errors.js'
import type { Kernel } from '../kernel/kernel.js'
import { nativeKernel } from '../kernel/native.js'
import type { Op, ValueOf, Verdict } from '../kernel/ops.js'

/** The sandbox that a run is in: a host namespace with an uplink to an internet of its own. */
export interface World extends AsyncDisposable {
  kernel: Kernel
  /** Descriptor of the internet's namespace. */
  internet: number
  signal: AbortSignal
}

export async function openWorld(signal: AbortSignal): Promise<World> {
  const kernel = nativeKernel.open()
  try {
    const [listed] = await kernel.run([{ op: 'link.list' }])
    if (!listed.ok || listed.value.some(({ kind }) => kind !== null))
      throw new EgressError('EGRESSD_INVALID_SPEC', '--inside is for a fresh network namespace, and this is none')
    const { fd: internet } = await layInternet(kernel)
    await runAll(kernel, [{ op: 'sysctl.set', key: 'net/ipv4/ip_forward', value: '1' }])
    return {
      kernel,
      internet,
      signal,
      async [Symbol.asyncDispose]() {
        closeSync(internet)
        await kernel.close()
      },
    }
  } catch (error) {
    await kernel.close()
    throw error
  }
}

/** The values of a job; throws what the kernel refused. */
export async function runAll<const J extends readonly Op[]>(kernel: Kernel, ops: J, subject?: string) {
  const verdicts: readonly Verdict[] = await kernel.run(ops)
  const refused = verdicts.find(verdict => !verdict.ok && !verdict.skipped)
  if (refused && !refused.ok && !refused.skipped) throw kernelError(refused.fault, subject)
  return verdicts.map(verdict => (verdict.ok ? verdict.value : undefined)) as { [I in keyof J]: ValueOf<J[I]> }
}

/** Waits until the kernel has taken away all veth pairs but the uplink: else one side pays for what another left. */
export async function settle({ kernel }: World, seconds = 120): Promise<void> {
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    const [links] = await kernel.run([{ op: 'link.list', kind: 'veth' }])
    if (links.ok && links.value.every(({ name }) => name === uplink.name)) return
    await setTimeout(1)
  }
  throw new EgressError('EGRESSD_TIMEOUT', `the kernel has not taken away what was destroyed ${seconds} seconds ago`)
}

/** Lines that name all that a run could leave behind in the sandbox, but what is counted only. */
export async function census({ kernel }: World): Promise<string[]> {
  const [links, addresses, routes, ruleset] = await runAll(kernel, [
    { op: 'link.list' },
    { op: 'address.list' },
    { op: 'route.list' },
    { op: 'nft.list' },
  ])
  const rules = ruleset.chains.map(({ family, table, name }) => `${family} ${table} ${name}`)
  const count = (family: string, table: string, chain: string) =>
    ruleset.rules.filter(rule => rule.family === family && rule.table === table && rule.chain === chain).length
  return [
    ...links.map(({ name }) => `link ${name}`),
    ...addresses.map(({ address, prefix }) => `address ${address}/${prefix}`),
    ...routes
      .filter(({ type }) => type === 1)
      .map(({ destination, prefix, gateway }) => `route ${destination ?? 'default'}/${prefix} ${gateway ?? ''}`),
    // iptables-nft leaves its tables and built-in chains, empty.
    ...ruleset.tables.filter(({ name }) => name === 'egressd').map(({ family }) => `nft table ${family} egressd`),
    ...ruleset.chains
      .filter(({ family, table, name }) => count(family, table, name) > 0)
      .map((_, i) => `nft rules in ${rules[i]}`),
    ...files('/run/netns').map(name => `pin ${name}`),
    ...files('/run/egressd/namespaces').map(name => `record of namespace ${name}`),
    ...files('/run/egressd/networks').map(name => `record of network ${name}`),
  ]
}

/** What of this process is only counted: warm-up may add to it, a leak adds as many as there were namespaces. */
export function counted(): { descriptors: number; threads: number } {
  return { descriptors: files('/proc/self/fd').length, threads: files('/proc/self/task').length }
}

function files(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
