// `egressd doctor` as its users run it.
import { describe, expect, test } from 'vitest'
import { egressd, freshWorld, layUplink } from '../helpers/cli.js'

describe('egressd doctor', () => {
  test('a host that works: 0, and nothing is changed by looking', async () => {
    await using world = await freshWorld()
    world.sh(layUplink)
    const before = world.census()
    const { code, stdout, stderr } = await world.egressd(['doctor'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(world.census()).toBe(before)
    expect(stdout).toContain(
      'This host as a router\n  ok       way out\n           IPv4: default via 203.0.113.1 dev uplink0\n',
    )
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(
      /\(exit status 0\)\. \d+ checks: \d+ ok, .* 0 that stop egress\.$/,
    )
    expect(stdout).not.toContain('\x1b')
    const longest = Math.max(
      ...stdout
        .split('\n')
        .filter(line => !line.includes('> '))
        .map(line => line.length),
    )
    expect(longest).toBeLessThanOrEqual(110)
  })

  test('a host that does not: 1, and the last lines say why, worst first', async () => {
    await using world = await freshWorld()
    const { code, stdout } = await world.egressd(['doctor', '--namespaces', '2000'])
    expect(code).toBe(1)
    const last = stdout.slice(stdout.lastIndexOf('\n\n')).trim().split('\n')
    expect(last[0]).toBe('stop     way out: ip route add default via GATEWAY dev UPLINK')
    expect(last.slice(1, -1).join('\n')).toContain('warning  bridge ports: mode: routed')
    expect(last.at(-1)).toMatch(/^Egress would not work here \(exit status 1\)\..* 1 that stops egress\.$/)
    const json = await world.egressd(['doctor', '--json', '--state-dir', '/run/none'])
    const diagnosis = JSON.parse(json.stdout)
    expect(json.code).toBe(1)
    expect(diagnosis.ok).toBe(false)
    expect(diagnosis.checks.find(({ id }: { id: string }) => id === 'way-out')).toEqual({
      id: 'way-out',
      group: 'host',
      title: 'way out',
      status: 'stop',
      evidence: ['no default route for IPv4: this host itself has no way out', 'no default route for IPv6'],
      fix: ['ip route add default via GATEWAY dev UPLINK'],
    })
    expect(world.sh('ls -A /run')).not.toContain('none')
  })

  test('without a capability it says so, and what it could not look at', async () => {
    await using world = await freshWorld()
    const before = ['setpriv', '--bounding-set', '-net_admin']
    const { code, stdout } = await world.egressd(['doctor'], { before })
    expect(code).toBe(1)
    expect(stdout).toContain('this process lacks CAP_NET_ADMIN\n')
    expect(stdout).toMatch(/not looked at without them: kernel features, .*IPv4\s+forwarding/s)
    expect(stdout).toContain('file descriptors')
  })

  test('where this user may not ask the daemon, it looks itself', async () => {
    await using world = await freshWorld()
    world.sh('mkdir -m 700 /run/egressd; chown 1:1 /run/egressd')
    const before = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--']
    const { code, stdout, stderr } = await world.egressd(['doctor'], { before })
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(stdout).toContain('this process lacks CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_NET_RAW\n')
    // One that is named is meant.
    expect(await world.egressd(['doctor', '--socket', '/run/egressd/s'], { before })).toMatchObject({
      code: 1,
      stdout: '',
    })
  })

  test('a limit of descriptors that is too low to work, as prlimit sets it', async () => {
    await using world = await freshWorld()
    world.sh(layUplink)
    const { code, stdout } = await world.egressd(['doctor', '--json'], { before: ['prlimit', '--nofile=128:128'] })
    const { checks } = JSON.parse(stdout)
    expect(code).toBe(1)
    expect(checks.filter(({ status }: { status: string }) => status === 'stop')).toMatchObject([
      {
        id: 'descriptors',
        evidence: ['RLIMIT_NOFILE is 128, at most 128 (/proc/self/limits)', '256 are needed to work at all'],
      },
    ])
  })

  test.each([
    ['--namespaces', 'many'],
    ['--namespaces', '0'],
    ['--no-such-option', ''],
  ])('a wrong command line: %s %s', async (option, value) => {
    const { code, stderr } = await egressd(['doctor', option, value])
    expect(code).toBe(2)
    expect(stderr).toContain(option)
  })
})
