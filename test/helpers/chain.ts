// client (10.1.0.2, fd01::2) - router, the test's host (10.1.0.1 and 10.2.0.1, fd01::1 and fd02::1) - server (10.2.0.2, fd02::2)
import { closeSync } from 'node:fs'
import { expect, vi } from 'vitest'
import { createHost, netnsPath, type TestHost, value } from './host.js'

export interface End {
  fd: number
  v4: string
  v6: string
  tool(command: string, ...args: string[]): string
}

export interface Chain extends AsyncDisposable {
  host: TestHost
  client: End
  server: End
}

export async function createChain(): Promise<Chain> {
  const host = await createHost()
  const ends: End[] = []
  host.tool('ip', ['link', 'set', 'lo', 'up'])
  for (const net of [1, 2]) {
    const [made] = await host.kernel.run([{ op: 'netns.create', as: 1, hold: true }])
    const fd = value(made).fd as number
    const tool: End['tool'] = (command, ...args) => host.tool(command, args, { netns: { fd } })
    host.tool('ip', ['link', 'add', `r${net}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netnsPath({ fd })])
    for (const [run, link, last] of [
      [(...args: string[]) => host.tool('ip', args), `r${net}`, 1],
      [(...args: string[]) => tool('ip', ...args), 'eth0', 2],
    ] as const) {
      run('addr', 'add', `10.${net}.0.${last}/24`, 'dev', link)
      run('addr', 'add', `fd0${net}::${last}/64`, 'dev', link, 'nodad')
      // The link-local address that the kernel would make takes a second to be usable; without one a router cannot ask for
      // the neighbours that it forwards to.
      run('link', 'set', link, 'addrgenmode', 'none')
      run('addr', 'add', `fe80::${last}/64`, 'dev', link, 'nodad')
      run('link', 'set', link, 'up')
    }
    // Asked for by itself, a link carries at once: what is sent before the kernel has noticed is lost.
    host.tool('ip', ['link', 'show', 'dev', `r${net}`])
    tool('ip', 'link', 'show', 'dev', 'eth0')
    tool('ip', 'link', 'set', 'lo', 'up')
    tool('ip', 'route', 'add', 'default', 'via', `10.${net}.0.1`)
    tool('ip', '-6', 'route', 'add', 'default', 'via', `fd0${net}::1`)
    ends.push({ fd, v4: `10.${net}.0.2`, v6: `fd0${net}::2`, tool })
  }
  host.tool('sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'])
  // The kernel lets a router send about one ICMP error a second to one host.
  host.tool('sysctl', ['-qw', 'net.ipv4.icmp_ratemask=0', 'net.ipv6.icmp.ratelimit=0'])
  // Of IPv6 that is for each host, and there is one for all of them besides: of what is not among these types.
  host.tool('sysctl', ['-qw', 'net.ipv6.icmp.ratemask=0'])
  const [client, server] = ends as [End, End]
  // An IPv6 address is one that neighbours can ask for when a queue of the kernel's has come to it.
  for (const target of [server.v4, server.v6])
    await vi.waitFor(
      async () => expect(await host.kernel.ping({ target }, { fd: client.fd })).toMatchObject([{ result: 'reply' }]),
      { timeout: 20_000 },
    )
  return {
    host,
    client,
    server,
    async [Symbol.asyncDispose]() {
      for (const end of ends) closeSync(end.fd)
      await host[Symbol.asyncDispose]()
    },
  }
}
