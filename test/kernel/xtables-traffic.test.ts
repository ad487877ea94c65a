import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, test, vi } from 'vitest'
import { createHost, netnsPath, value } from '../helpers/host.js'
import { edit, list } from '../helpers/xtables.js'

const cable = {
  4: { host: '192.0.2.1', peer: '192.0.2.2', prefix: 24, tool: 'iptables-legacy', icmp: ['-p', 'icmp'] },
  6: {
    host: '2001:db8::1',
    peer: '2001:db8::2',
    prefix: 64,
    tool: 'ip6tables-legacy',
    icmp: ['-p', 'ipv6-icmp', '-m', 'icmp6', '--icmpv6-type', '128'],
  },
} as const

test.each([4, 6] as const)(
  'IPv%i: counters miss no packet while rules come and go',
  { timeout: 600_000 },
  async family => {
    await using host = await createHost()
    await using peer = await createHost()
    const at = cable[family]
    const peerFd = peer.kernel.hostFd
    host.tool('ip', [
      'link',
      'add',
      'veth0',
      'type',
      'veth',
      'peer',
      'name',
      'ceth0',
      'netns',
      netnsPath({ fd: peerFd }),
    ])
    host.tool('ip', ['addr', 'add', `${at.host}/${at.prefix}`, 'dev', 'veth0', ...(family === 6 ? ['nodad'] : [])])
    host.tool('ip', ['link', 'set', 'veth0', 'up'])
    peer.tool('ip', ['addr', 'add', `${at.peer}/${at.prefix}`, 'dev', 'ceth0', ...(family === 6 ? ['nodad'] : [])])
    peer.tool('ip', ['link', 'set', 'ceth0', 'up'])
    // Asked for by itself, it carries at once.
    host.tool('ip', ['link', 'show', 'dev', 'veth0'])
    // And each knows the other: a queue of the kernel's makes an IPv6 address one that neighbours can ask for, later, and what is sent
    // before waits where there is little room.
    await vi.waitFor(
      async () => expect(await host.kernel.ping({ target: at.peer })).toMatchObject([{ result: 'reply' }]),
      { timeout: 30_000 },
    )
    host.tool(at.tool, ['-A', 'INPUT', ...at.icmp, '-s', at.peer])
    host.tool(at.tool, ['-N', 'USER'])
    host.tool(at.tool, ['-A', 'INPUT', ...at.icmp, '-s', at.peer, '-g', 'USER'])
    host.tool(at.tool, ['-A', 'USER', ...at.icmp, '-j', 'ACCEPT'])

    const count = 1500
    // Matches nothing of this: DROP would be seen.
    const rule = { input: { name: 'eth9' }, comment: 'ours', target: 'DROP' } as const
    let [rounds, sent] = [0, 0]
    // Once, but where all went by while few of ours were made.
    while (rounds <= 20) {
      const ping = spawn(
        'nsenter',
        [`--net=${netnsPath({ fd: peerFd })}`, 'ping', `-${family}`, '-q', '-i', '0.001', '-c', `${count}`, at.host],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      const [exited, summary] = [once(ping, 'exit'), text(ping.stdout)]
      while (ping.exitCode === null) {
        for (const kind of ['insert', 'delete'] as const)
          value(
            await edit(
              host,
              family,
              'filter',
              { edit: kind, chain: 'INPUT', rule },
              { edit: kind, chain: 'USER', rule },
            ),
          )
        rounds++
      }
      await exited
      expect(await summary).toContain(`${count} packets transmitted, ${count} received`)
      sent += count
    }

    const size = family === 4 ? 84n : 104n
    const chains = await list(host, family, 'filter')
    const counted = chains.flatMap(chain => chain.rules.map(each => [chain.name, each.packets, each.bytes]))
    expect(counted).toEqual([
      ['INPUT', BigInt(sent), BigInt(sent) * size],
      ['INPUT', BigInt(sent), BigInt(sent) * size],
      ['USER', BigInt(sent), BigInt(sent) * size],
    ])
  },
)
