// What every EgressApi must do, wherever it is: the parts of one suite, each given a way to open one.
import { expect } from 'vitest'
import type { EgressApi, NamespaceApi, NetworkApi } from '../../../src/api.js'
import type { NetworkOptions } from '../../../src/engine/options.js'
import { type EgressError, isEgressError } from '../../../src/errors.js'
import type { TestHost } from '../host.js'

export interface SubjectOptions {
  /** Nobody has used it before. */
  fresh?: boolean
  /** Of the network br0, which stands then; its name is `jobs`. */
  pool?: { size: number; low?: number; high?: number; maxWaiting?: number; claimTimeoutMs?: number }
}

/** A host with nothing on it, and an EgressApi that acts there. */
export interface Subject extends AsyncDisposable {
  api: EgressApi
  /** To look at it by the tools of others; null where the kernel is none. */
  host: TestHost | null
  netnsDir: string
}

export interface Kind {
  /** The kernel is one. */
  real: boolean
  open(options?: SubjectOptions): Promise<Subject>
}

export const network: NetworkOptions = { name: 'br0', subnets: ['192.168.0.0/16', 'fd00::/64'] }
export const poolName = 'jobs'

/** The error of ours that it rejects with. */
export async function refusal(work: Promise<unknown>): Promise<EgressError> {
  const error = await work.then(
    () => expect.unreachable('it was done'),
    (thrown: unknown) => thrown,
  )
  if (!isEgressError(error)) throw error as Error
  return error
}

/** What it rejects with, whatever that is. */
export const thrown = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.unreachable('it was done'),
    (error: unknown) => error,
  )

export const namesOf = (all: readonly { name: string }[]) => all.map(({ name }) => name)

export interface IpLink {
  ifindex: number
  ifname: string
  address: string
  mtu: number
  master?: string
  addr_info: { local: string; prefixlen: number; scope: string }[]
}

/** Its links with their addresses, as ip(8) sees them: of the host, or inside. */
export function linksOf({ host }: Subject, inside?: NamespaceApi): IpLink[] {
  if (!host) throw new Error('there is no kernel to look at')
  const links = host.json<IpLink[]>('ip', ['-j', 'address'], inside && { netns: inside.ref })
  // Without what comes and goes by itself: whether there is a carrier.
  return links.map(({ ifindex, ifname, address, mtu, master, addr_info }) => ({
    ...{ ifindex, ifname, address, mtu, addr_info },
    ...(master !== undefined && { master }),
  }))
}

export const addressesOf = (links: readonly IpLink[], name: string) =>
  links
    .find(({ ifname }) => ifname === name)
    ?.addr_info.filter(({ scope }) => scope === 'global')
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`)

export async function withNetwork(subject: Subject): Promise<NetworkApi> {
  return (await subject.api.findNetwork('br0')) ?? subject.api.network(network)
}
