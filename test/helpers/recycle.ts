// A network with a few namespaces, one of them read while it is fresh, and ways to spoil the others.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'vitest'
import type { NetworkOptions } from '../../src/engine/options.js'
import type { Namespace } from '../../src/namespace.js'
import type { Network } from '../../src/network.js'
import type { Difference } from '../../src/recycle/compare.js'
import type { OwnValues } from '../../src/recycle/own.js'
import { readInhabitants } from '../../src/recycle/read.js'
import { type FreshReading, readFresh, resetNamespace } from '../../src/recycle/recycle.js'
import { netnsPath } from './host.js'
import { createLibrary, type Library } from './library.js'

export interface Recycling extends AsyncDisposable {
  library: Library
  network: Network
  fresh: FreshReading
  reset(namespace: Namespace): Promise<Difference[]>
  /** Nobody is in it any more. NB: the kernel counts a closed socket for longer than a reset waits, where it is busy. */
  left(namespace: Namespace): Promise<void>
  /** A real tool, inside. */
  tool(namespace: Namespace, ...command: string[]): string
}

export async function createRecycling(options: NetworkOptions): Promise<Recycling> {
  const library = await createLibrary()
  const { host } = library
  const network = await library.egress.network(options)
  const valuesOf = (namespace: Namespace): OwnValues => {
    const mac = (device: string, inside: boolean) =>
      host.json<{ address: string }[]>('ip', ['-j', 'link', 'show', device], inside ? { netns: namespace.ref } : {})[0]
        ?.address ?? ''
    return {
      mac: mac(namespace.interface, true),
      hostMac: mac(namespace.hostInterface, false),
      alias: `egressd:${namespace.network}/${namespace.name}`,
      addresses: namespace.addresses.map(address => ({ family: address.includes(':') ? 6 : 4, address })),
    }
  }
  const pattern = await network.create()
  const fresh = await readFresh(host.kernel, pattern.ref, valuesOf(pattern))
  // NB: asked for before it is spoilt.
  const known = new Map<Namespace, OwnValues>()
  const create = network.create.bind(network)
  network.create = async given => {
    const namespace = await create(given)
    known.set(namespace, valuesOf(namespace))
    return namespace
  }
  return {
    library,
    network,
    fresh,
    reset: namespace => resetNamespace(host.kernel, namespace.ref, known.get(namespace) as OwnValues, fresh),
    left: ({ ref }) => expect.poll(() => readInhabitants(host.kernel, ref)).toEqual([]),
    tool: (namespace, command, ...args) => host.tool(command as string, args, { netns: namespace.ref }),
    [Symbol.asyncDispose]: () => library[Symbol.asyncDispose](),
  }
}

/** Sockets in it that a process outside of it holds, until they are disposed of. */
export async function socketsInside(namespace: Namespace, ...kinds: string[]): Promise<AsyncDisposable> {
  const script = new URL('outside-socket.py', import.meta.url).pathname
  const child = spawn('python3', [script, netnsPath(namespace.ref), ...kinds], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await once(child, 'exit')
    },
  }
}
