import { closeSync, existsSync, rmSync } from 'node:fs'
import { Egress } from '../egress.js'
import type { EgressOptions } from '../engine/options.js'
import { EgressError, kernelError } from '../errors.js'
import { type Capability, missingCapabilities } from '../exec/capabilities.js'
import type { Kernel } from '../kernel/kernel.js'
import { nativeKernel } from '../kernel/native.js'
import type { Namespace } from '../namespace.js'
import type { Network } from '../network.js'
import { StateDirectory } from '../state/directory.js'
import { names } from './steps.js'
import { layInternet } from './topology.js'

export const capabilities: Capability[] = ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN', 'CAP_NET_RAW']

/** What `--keep` makes beside the network and the namespace. */
export const kept = {
  stateDir: '/run/egressd-demo',
  host: '/run/netns/egressd-demo-host',
  internet: '/run/netns/egressd-demo-internet',
} as const

/** Where the demo happens. */
export interface World extends AsyncDisposable {
  /** A door to the host namespace, for reading and pinging. */
  kernel: Kernel
  sandbox: boolean
  options: Pick<EgressOptions, 'host' | 'stateDir'>
  /** Where the namespace gets pinned. */
  pin: string
  /** How to look at what is kept, and how to remove it. */
  hints: string[]
  /** Throws EGRESSD_NAME_TAKEN before anything is changed. */
  refuseTaken(egress: Egress): Promise<void>
  /** Takes away what the demo made. Returns the families whose forwarding stays on. */
  remove(egress: Egress | null, network: Network | null, namespace: Namespace | null): Promise<(4 | 6)[]>
}

const pin = `/run/netns/${names.namespace}`

/** The real network of the machine, beside whatever else egressd has there. */
export async function realHost(): Promise<World> {
  assertPrivileged()
  const kernel = nativeKernel.open()
  return {
    kernel,
    sandbox: false,
    options: {},
    pin,
    hints: [
      `ip netns exec ${names.namespace} ping 8.8.8.8`,
      `ip -d address show ${names.network}`,
      'egressd down       # removes all that egressd made, its other networks too',
    ],
    refuseTaken: egress => refuseTaken(kernel, egress),
    async remove(egress, network, namespace) {
      if (!egress) return []
      await namespace?.destroy({ wait: 'gone' })
      await network?.destroy()
      if (egress.networks.length === 0) return (await egress.down()).forwardingLeftOn
      await egress.close()
      return []
    },
    async [Symbol.asyncDispose]() {
      await kernel.close()
    },
  }
}

/**
 * The namespace this process is in, which must be a fresh one: it gets an uplink to a private internet. `user`: it is in
 * a user namespace of its own, too.
 */
export async function freshSandbox(user: boolean): Promise<World> {
  const kernel = nativeKernel.open()
  const [listed] = await kernel.run([{ op: 'link.list' }])
  if (!listed.ok || listed.value.some(({ kind }) => kind !== null)) {
    await kernel.close()
    throw new EgressError('EGRESSD_INVALID_SPEC', '--inside is for a fresh network namespace, and this is none')
  }
  const internet = await layInternet(kernel)
  const enter = `nsenter --target ${process.pid} ${user ? '--user --preserve-credentials ' : ''}--mount --net`
  return {
    kernel,
    sandbox: true,
    options: {},
    pin,
    hints: [
      `${enter} ip -d address`,
      `${enter} nsenter --net=${pin} ping 8.8.8.8`,
      'Ctrl-C             # ends this process, and all of it goes with it',
    ],
    refuseTaken: async () => {},
    remove: async egress => (await egress?.down())?.forwardingLeftOn ?? [],
    async [Symbol.asyncDispose]() {
      closeSync(internet.fd)
      await kernel.close()
    },
  }
}

/** A private host that outlives this process: pinned, and recorded so that `egressd down` finds it. */
export async function pinnedSandbox(): Promise<World> {
  assertPrivileged()
  const standing = [kept.host, kept.internet, kept.stateDir].find(path => existsSync(path))
  if (standing) {
    const message = `${standing} is there: a demo that was kept still stands; remove it with "egressd down"`
    throw new EgressError('EGRESSD_NAME_TAKEN', message, { value: standing })
  }
  const outer = nativeKernel.open()
  const [made] = await outer.run([{ op: 'netns.create', as: 1, pin: kept.host }])
  if (!made.ok) {
    await outer.close()
    throw kernelError((made as { fault: Parameters<typeof kernelError>[0] }).fault, kept.host)
  }
  const kernel = nativeKernel.open({ path: kept.host })
  const unpin = async () => {
    await outer.run([{ op: 'netns.unpin', path: kept.internet }])
    await outer.run([{ op: 'netns.unpin', path: kept.host }])
  }
  const world: World = {
    kernel,
    sandbox: true,
    options: { host: kept.host, stateDir: kept.stateDir },
    pin,
    hints: [
      `ip netns exec ${names.namespace} ping 8.8.8.8`,
      'ip -n egressd-demo-host -d address',
      'ip -n egressd-demo-internet address',
      'egressd down       # removes all of it',
    ],
    refuseTaken: egress => refuseTaken(kernel, egress),
    async remove(egress) {
      if (egress) await egress.down()
      else rmSync(kept.stateDir, { recursive: true, force: true })
      await unpin()
      return []
    },
    async [Symbol.asyncDispose]() {
      await kernel.close()
      await outer.close()
    },
  }
  try {
    const state = new StateDirectory(kept.stateDir, kernel.host)
    state.updateHost({ sandbox: [kept.host, kept.internet] })
    state.close()
    closeSync((await layInternet(kernel, kept.internet)).fd)
    return world
  } catch (error) {
    await world.remove(await Egress.open(world.options), null, null)
    await world[Symbol.asyncDispose]()
    throw error
  }
}

async function refuseTaken(kernel: Kernel, egress: Egress): Promise<void> {
  const taken = (what: string, value: string) =>
    new EgressError('EGRESSD_NAME_TAKEN', `${what}: the demo would make it, and it is there already`, { value })
  const { network, namespace, hostInterface } = names
  if (egress.networks.some(({ name }) => name === network)) throw taken(`network ${network} of egressd`, network)
  if (egress.namespaces.some(({ name }) => name === namespace) || existsSync(pin))
    throw taken(`namespace ${namespace} (${pin})`, namespace)
  for (const name of [network, hostInterface]) {
    const [found] = await kernel.run([{ op: 'link.get', name }])
    if (found.ok) throw taken(`interface ${name}`, name)
  }
}

function assertPrivileged(): void {
  const missing = missingCapabilities(capabilities)
  if (missing.length === 0) return
  const message = `the process lacks ${missing.join(', ')}: run it as root`
  throw new EgressError('EGRESSD_MISSING_CAPABILITY', message, { details: { missing } })
}
