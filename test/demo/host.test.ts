// What `--host` and `--keep` do to a host, a fresh one for each test, as others' tools see it.
import { describe, expect, test } from 'vitest'
import { freshWorld, layUplink } from '../helpers/cli.js'

describe('--host', () => {
  test.each(['nftables', 'xtables'])('does the job and leaves nothing: %s', async backend => {
    await using world = await freshWorld()
    world.sh(layUplink)
    const before = world.census()
    const { code, stdout } = await world.egressd(['demo', '--host', '--json', '--firewall', backend])
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, sandbox: false, removed: true, error: null })
    expect(code).toBe(0)
    expect(world.census()).toBe(before)
  })

  test.each([
    ['the bridge', 'ip link add br0 type bridge', 'EGRESSD_NAME_TAKEN: interface br0'],
    ['the cable', 'ip link add veth0 type veth peer name other0', 'EGRESSD_NAME_TAKEN: interface veth0'],
    ['the namespace', 'ip netns add ns0', 'EGRESSD_NAME_TAKEN: namespace ns0'],
    [
      'the subnet',
      'ip link add d0 type veth peer name d1; ip addr add 192.168.7.1/24 dev d0; ip link set d0 up',
      'EGRESSD_SUBNET_OVERLAP: subnets[0]: 192.168.0.0/16',
    ],
  ])('changes nothing where %s is in use', async (_what, line, message) => {
    await using world = await freshWorld()
    world.sh(line)
    const before = world.census()
    const forwarding = world.sh('cat /proc/sys/net/ipv4/ip_forward')
    const { code, stdout } = await world.egressd(['demo', '--host'])
    expect(code).toBe(1)
    expect(stdout).toContain(message)
    expect(stdout).toContain('What to do: ')
    expect(stdout).toContain('Nothing was changed.')
    expect(world.census()).toBe(before)
    expect(world.sh('cat /proc/sys/net/ipv4/ip_forward')).toBe(forwarding)
  })

  test('says which step failed, and undoes all: no way to the internet', async () => {
    await using world = await freshWorld()
    const before = world.census()
    const { code, stdout } = await world.egressd(['demo', '--host', '--json'])
    const report = JSON.parse(stdout)
    expect(code).toBe(1)
    expect(report).toMatchObject({ ok: false, removed: true, error: { code: 'EGRESSD_TIMEOUT' } })
    expect(report.steps.at(-1)).toMatchObject({ step: 8, ok: false })
    expect(report.steps.at(-1).details.join()).toContain('the host itself gets no answer')
    expect(world.census()).toBe(before)
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('SIGINT at step %i leaves nothing', async step => {
    await using world = await freshWorld()
    const before = world.census()
    const interruptAt = new RegExp(`^ ${step} {2}`, 'm')
    expect((await world.egressd(['demo', '--host'], { interruptAt })).code).toBe(130)
    expect(world.census()).toBe(before)
  })
})

describe('--keep', () => {
  test('in a pinned sandbox that works; down removes it, then finds nothing', async () => {
    await using world = await freshWorld()
    const before = world.census()
    const { code, stdout } = await world.egressd(['demo', '--keep'])
    expect(code).toBe(0)
    expect(stdout).toContain('egressd down')
    expect(world.sh('ip netns list').match(/^\S+/gm)?.sort()).toEqual([
      'egressd-demo-host',
      'egressd-demo-internet',
      'ns0',
    ])
    expect(world.sh('nsenter --net=/run/netns/ns0 ping -c 1 -W 20 8.8.8.8')).toContain('1 received')
    expect(world.sh('ip -o link')).not.toContain('br0')
    const again = await world.egressd(['demo', '--keep'])
    expect(again.code).toBe(1)
    expect(again.stderr).toContain('EGRESSD_NAME_TAKEN')
    const down = await world.egressd(['down'])
    expect(down).toMatchObject({ code: 0, stderr: '' })
    expect(down.stdout).toContain('removed namespace ns0\nremoved network br0')
    expect(world.census()).toBe(before)
    expect(await world.egressd(['down'])).toMatchObject({ code: 0, stdout: 'There is nothing to remove.\n' })
  })

  test('on the host; down leaves what is not ours, and says that forwarding stays on', async () => {
    await using world = await freshWorld()
    world.sh(layUplink)
    world.sh('ip netns add other; ip link add br9 type bridge; nft add table inet other')
    const before = world.census()
    const { code } = await world.egressd(['demo', '--host', '--keep', '--ipv6', '--firewall', 'xtables'])
    expect(code).toBe(1) // no IPv6 way out: nothing is kept of a demo that failed
    expect(world.census()).toBe(before)
    world.sh('echo 0 > /proc/sys/net/ipv4/ip_forward')
    expect((await world.egressd(['demo', '--host', '--keep', '--firewall', 'xtables'])).code).toBe(0)
    expect(world.sh('iptables-legacy -t nat -S POSTROUTING')).toContain('-s 192.168.0.0/16')
    const down = await world.egressd(['down'])
    expect(down.stdout).toContain('sysctl -w net.ipv4.ip_forward=0')
    expect(world.census()).toBe(before)
  })
})
