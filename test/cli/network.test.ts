// `egressd network` and `egressd ns ls|show|add|rm` as their users run them, on a fresh host for each test.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type FreshWorld, freshWorld } from '../helpers/cli.js'

// Many processes, one after another.
vi.setConfig({ testTimeout: 120_000 })

type Json = Record<string, unknown>

test('networks are made, told, and removed, as ip sees them', async () => {
  await using world = await freshWorld()
  const { egressd } = world
  expect(await egressd(['network', 'ls'])).toEqual({
    code: 0,
    stdout: '',
    stderr: 'There is no network yet. To make one: egressd network add br0 --subnet 10.64.0.0/16\n',
  })
  const made = await egressd(['network', 'add', 'br0', '--subnet', '10.64.0.0/16', '--subnet', 'fd00:64::/64'])
  expect(made).toMatchObject({ code: 0, stdout: 'network br0 made: 10.64.0.0/16 fd00:64::/64 on br0\n' })
  const again = await egressd(['network', 'add', 'br0', '--subnet', '10.64.0.0/16', '--subnet', 'fd00:64::/64'])
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('network br0 is there'), stderr: '' })
  const routed = ['--mode', 'routed', '--subnet', '10.65.0.0/16', '--no-masquerade', '--mtu', '1400', '--json']
  expect(JSON.parse((await egressd(['network', 'add', 'rt0', ...routed])).stdout)).toEqual({
    name: 'rt0',
    mode: 'routed',
    bridge: 'rt0',
    subnets: ['10.65.0.0/16'],
    gateways: ['10.65.0.1'],
    masquerade: false,
    backend: 'nftables',
    mtu: 1400,
    namespaces: 0,
  })

  const links = JSON.parse(world.sh('ip -j addr show dev br0')) as { addr_info: Json[] }[]
  expect(links[0]?.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`)).toEqual(
    expect.arrayContaining(['10.64.0.1/16', 'fd00:64::1/64']),
  )
  const listed = await egressd(['net', 'list'])
  expect(listed.stdout.split('\n').map(line => line.split(/ {2,}/))).toEqual([
    ['NAME', 'MODE', 'SUBNETS', 'FIREWALL', 'MTU', 'NAMESPACES'],
    ['br0', 'bridge', '10.64.0.0/16 fd00:64::/64', 'nftables', '1500', '0'],
    ['rt0', 'routed', '10.65.0.0/16', 'nftables', '1400', '0'],
    [''],
  ])
  const array = JSON.parse((await egressd(['network', 'ls', '--json'])).stdout) as Json[]
  expect(array.map(({ name }) => name)).toEqual(['br0', 'rt0'])
  expect((await egressd(['network', 'show', 'rt0'])).stdout).toMatch(/^masquerade {2}no$/m)

  await egressd(['ns', 'add', 'ns0', '--network', 'br0'])
  expect(await egressd(['network', 'rm', 'rt0', 'br0'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('What to do: remove it with them: egressd network rm br0 --namespaces'),
  })
  expect(world.sh('ip -o link show type bridge')).toContain('br0') // all were looked at before the first was removed
  expect(JSON.parse((await egressd(['network', 'rm', 'rt0', 'br0', '--namespaces', '--json'])).stdout)).toEqual({
    networks: ['rt0', 'br0'],
    namespaces: ['ns0'],
  })
  expect(world.sh('ip -o link | grep -v " lo:" || true; ip netns list')).toBe('')
  expect(await egressd(['network', 'rm', 'br0', '--ignore-missing'])).toEqual({ code: 0, stdout: '', stderr: '' })
})

test('namespaces are made, told, and removed, as ip sees them', async () => {
  await using world = await freshWorld()
  const { egressd } = world
  await egressd(['network', 'add', 'br0', '--subnet', '10.64.0.0/16'])
  const one = ['--address', '10.64.0.80', '--interface', 'web0', '--host-interface', 'host0', '--dns', '9.9.9.9']
  const more = ['--route', '10.9.0.0/16', '--route', '10.8.0.0/16,10.64.0.9', '--sysctl', 'net.ipv4.tcp_syncookies=0']
  const made = await egressd(['ns', 'add', 'web', '--network', 'br0', ...one, ...more])
  expect(made).toEqual({ code: 0, stdout: 'namespace web made: 10.64.0.80\n', stderr: '' })
  const view = {
    name: 'web',
    id: expect.stringMatching(/^[\w-]{12}$/),
    network: 'br0',
    labels: {},
    anonymous: false,
    path: '/run/netns/web',
    interface: 'web0',
    hostInterface: 'host0',
    addresses: ['10.64.0.80'],
  }
  expect(JSON.parse((await egressd(['ns', 'show', 'web', '--json'])).stdout)).toEqual(view)
  const inside = JSON.parse(world.sh('ip -n web -j addr show dev web0')) as { addr_info: Json[] }[]
  expect(inside[0]?.addr_info).toContainEqual(expect.objectContaining({ local: '10.64.0.80', prefixlen: 16 }))
  const routes = JSON.parse(world.sh('ip -n web -j route')) as { dst: string; gateway?: string }[]
  expect(routes.map(({ dst, gateway }) => [dst, gateway])).toEqual(
    expect.arrayContaining([
      ['default', '10.64.0.1'],
      ['10.9.0.0/16', '10.64.0.1'],
      ['10.8.0.0/16', '10.64.0.9'],
    ]),
  )
  expect(world.sh('ip netns exec web sysctl -n net.ipv4.tcp_syncookies; cat /etc/netns/web/resolv.conf')).toContain(
    '0\n',
  )
  expect(world.sh('cat /etc/netns/web/resolv.conf')).toContain('nameserver 9.9.9.9')

  const names = Array.from({ length: 12 }, (_, i) => `ci-${i}`)
  const many = await egressd(['ns', 'add', 'web', ...names, '--network', 'br0', '--mtu', '1400', '--json'])
  // What is there is not as asked now: it fails alone.
  const entries = JSON.parse(many.stdout) as Json[]
  expect(many.code).toBe(1)
  expect(entries.map(({ name }) => name)).toEqual(['web', ...names])
  expect(entries[0]).toMatchObject({ error: { code: 'EGRESSD_MISMATCH' } })
  expect(entries[1]).toMatchObject({ interface: 'eth0', network: 'br0' })
  expect(world.sh('ip netns list | cut -d" " -f1 | sort').trim().split('\n')).toEqual(['web', ...names].sort())

  const quiet = await egressd(['ns', 'ls', '--network', 'br0', '--quiet'])
  expect(quiet.stdout.trim().split('\n')).toEqual([...names, 'web'].sort())
  expect(await egressd(['ns', 'ls', '--label', 'a=b'])).toEqual({
    code: 0,
    stdout: '',
    stderr: 'There is none like that.\n',
  })
  expect(await egressd(['ns', 'rm', 'web', 'wbe'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('namespace "wbe": there is none of that name; did you mean "web"?'),
  })
  expect(world.sh('ip netns list')).toContain('web')
  expect(await egressd(['ns', 'rm', 'web', 'wbe', '--ignore-missing', '--wait'])).toEqual({
    code: 0,
    stdout: 'removed namespace web\n',
    stderr: '',
  })
  expect(world.sh('ip -o link')).not.toContain('host0')
  const all = JSON.parse((await egressd(['ns', 'rm', '--network', 'br0', '--json'])).stdout) as Json
  expect(all).toEqual({ namespaces: expect.arrayContaining(names), errors: [] })
  expect(world.sh('ip netns list')).toBe('')
})

describe('a mistake is answered with what to do', () => {
  let world: FreshWorld
  beforeAll(async () => {
    world = await freshWorld()
  })
  afterAll(() => world[Symbol.asyncDispose]())

  test.each([
    ['ns add a', 2, 'make one first: egressd network add br0 --subnet 10.64.0.0/16'],
    ['network add br0', 2, 'egressd network add br0 --subnet 10.64.0.0/16'],
    ['network add br0 --subnet 10.64.0.1/16', 2, 'has bits beyond its prefix; the subnet is 10.64.0.0/16'],
    ['network add br0 --subnet 10.64.0.0/16 --no-masquerade --masquerade-to 192.0.2.1', 2, 'exclude each other'],
    ['network show br0', 1, 'there is no network at all yet: egressd network add'],
    ['ns rm', 2, 'give names (egressd ns rm ns0), or a network'],
    ['ns exec', 2, "missing required argument 'namespace'"],
    ['ns exec', 2, 'What to do: for example egressd ns exec ns0 -- curl'],
    [
      'ns show',
      2,
      'There is no namespace yet, or you may not see it: egressd ns add NAME --network NETWORK\nUsage: egressd',
    ],
    [
      'pool claim',
      2,
      'Usage: egressd pool claim [options] <pool>\nAll options, and more examples: egressd pool claim --help',
    ],
    ['ns ls x', 2, 'What to do: for example egressd ns ls\nUsage: egressd ns ls|list [options]\n'],
    ['apply', 2, 'What to do: for example egressd apply -f egressd.yaml'],
    ['pool show', 2, 'What to do: say one of ls, claim, release, help; what each does: egressd pool --help'],
    ['ns ls --state-dir /proc/x/y', 1, '/proc/x/y: ENOENT'],
    ['ns ls --state-dir=', 2, 'stateDir: "" is not a path'],
    ['ns ls --state-dir /proc/version', 1, '/proc/version is not a directory'],
    ['ns ping a b', 1, 'there is no namespace at all yet'],
    ['network lss', 2, 'Did you mean ls?'],
    ['netwrok ls', 2, 'Did you mean network?'],
    ['ns ls --jsn', 2, 'Did you mean --json?'],
    ['top --sort size', 2, 'Allowed choices are rate, total, name'],
    ['ns ping a b -c 0', 2, 'It is not a whole number from 1 to 65535.'],
    ['events', 1, 'What to do: start it ("systemctl start egressd"), or say where it listens: --socket'],
    ['pool ls', 1, 'What to do: start it ("systemctl start egressd"), or say where it listens: --socket'],
    ['ns ls --socket /run/no.sock', 1, '/run/no.sock: there is no such socket: is the daemon running?'],
  ])('egressd %s', async (line, code, words) => {
    const outcome = await world.egressd(line.split(' '))
    expect(outcome).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(words) })
  })

  test('by one who is not root', async () => {
    const before = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--']
    const outcome = await world.egressd(['ns', 'ls'], { before })
    expect(outcome).toMatchObject({ code: 1, stdout: '' })
    expect(outcome.stderr).toContain('What to do: run it as root ("sudo egressd …"), or have a daemon do it')
  })

  test('where there is a network, with its name', async () => {
    await world.egressd(['network', 'add', 'br0', '--subnet', '10.64.0.0/16'])
    expect(await world.egressd(['ns', 'add', 'a'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('egressd ns add a --network br0'),
    })
    expect((await world.egressd(['network', 'show'])).stderr).toContain('\nThere is: br0\nUsage: egressd network show ')
    const typed = await world.egressd(['network', 'show', 'br0', 'x', '--json'])
    expect(JSON.parse(typed.stdout)).toMatchObject({
      error: {
        code: 'EGRESSD_INVALID_SPEC',
        message: expect.stringContaining('too many'),
        remedy: expect.stringContaining('for example egressd'),
      },
    })
    // Behind "--" it is the command's.
    expect(await world.egressd(['ns', 'show', '--', 'a', '--json'])).toMatchObject({ code: 2, stdout: '' })
    const json = await world.egressd(['ns', 'show', 'b', '--json'])
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject({
      error: { code: 'EGRESSD_NOT_FOUND', field: 'namespace', value: 'b' },
    })
  })
})

test('commands at the same time wait for each other', async () => {
  await using world = await freshWorld()
  await world.egressd(['network', 'add', 'br0', '--subnet', '10.64.0.0/16'])
  const names = Array.from({ length: 6 }, (_, i) => `ns${i}`)
  const outcomes = await Promise.all(names.map(name => world.egressd(['ns', 'add', name, '--network', 'br0'])))
  expect(outcomes.map(({ code, stderr }) => [code, stderr])).toEqual(names.map(() => [0, '']))
  expect(world.sh('ip netns list | wc -l').trim()).toBe('6')
})

test('another state directory, by option or environment, before the command or behind it', async () => {
  await using world = await freshWorld()
  await world.egressd(['--state-dir', '/run/other', 'network', 'add', 'br0', '--subnet', '10.64.0.0/16'])
  const names = async (args: string[], env = {}) =>
    (JSON.parse((await world.egressd([...args, '--json'], { env })).stdout) as Json[]).map(({ name }) => name)
  expect(await names(['network', 'ls'])).toEqual([])
  expect(await names(['network', 'ls', '--state-dir', '/run/other'])).toEqual(['br0'])
  expect(await names(['network', 'ls'], { EGRESSD_STATE_DIR: '/run/other' })).toEqual(['br0'])
  expect(await names(['network', 'ls', '--state-dir', '/run/third'], { EGRESSD_STATE_DIR: '/run/other' })).toEqual([])
})
