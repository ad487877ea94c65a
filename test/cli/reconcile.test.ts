// `egressd plan|apply|check|schema` as their users run them, on a fresh host for each test.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { changeLines, summary } from '../../src/cli/document/render.js'
import { type FreshWorld, freshWorld } from '../helpers/cli.js'

const example = join(import.meta.dirname, '../../docs/example.yaml')

/** A file of the world's own. */
function put(world: FreshWorld, name: string, text: string): string {
  world.sh(`cat > /run/${name} <<'end of it'\n${text}\nend of it`)
  return `/run/${name}`
}

test("a daemon's configuration is compared as far as it says what should be there", async () => {
  await using world = await freshWorld()
  const network = 'networks: [{ name: br0, subnets: [192.168.0.0/16] }]'
  const good = put(world, 'daemon.yaml', `${network}\nread: all\npools: [{ name: warm, network: br0, size: 3 }]`)
  const checked = await world.egressd(['check', '-f', good])
  expect(checked.code).toBe(3)
  expect(checked.stderr).toBe(`egressd: ${good} has settings of the daemon, which are left out here: read, pools\n`)
  expect(checked.stdout).toMatch(/^\+ create network br0$/m)
  const bad = put(world, 'bad.yaml', `${network}\nread: some`)
  const refused = await world.egressd(['apply', '-f', bad])
  expect(refused.code).toBe(2)
  expect(refused.stderr).toMatch(/read: "some" is neither "none" nor "all"/)
  expect(world.sh('ip -o link | wc -l').trim()).toBe('1')
})

test('the example is planned, applied, in sync, drifts, is put right, and goes', async () => {
  await using world = await freshWorld()
  world.sh('sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1')
  const before = world.census()
  const planned = await world.egressd(['plan', '-f', example])
  expect(planned).toMatchObject({ code: 3, stderr: '' })
  expect(planned.stdout).toMatch(/^\+ create network br0$/m)
  expect(planned.stdout).toMatch(/^4 to be created\.$/m)
  expect(world.sh('ip -o link | wc -l').trim()).toBe('1')
  expect(await world.egressd(['check', '-f', example])).toMatchObject({ code: 3 })

  expect(await world.egressd(['apply', '-f', example, '--dry-run'])).toMatchObject({ code: 3 })
  const applied = await world.egressd(['apply', '-f', example])
  expect(applied).toMatchObject({ code: 0, stderr: '' })
  expect(applied.stdout).toMatch(/^4 created\.$/m)
  for (const command of ['plan', 'check', 'apply'])
    expect(await world.egressd([command, '-f', example])).toEqual({
      code: 0,
      stdout: 'All is as the document says: nothing to do.\n',
      stderr: '',
    })

  world.sh('ip link set br0 mtu 1400; ip netns exec build ip route del default')
  const drift = await world.egressd(['check', '-f', example])
  expect(drift.code).toBe(3)
  expect(drift.stdout).toBe(
    [
      '~ repair network br0',
      '    set mtu 1500 of br0',
      '~ repair namespace build',
      '    route by default via 10.64.0.1 inside build',
      '2 to be repaired.\n',
    ].join('\n'),
  )
  const json = await world.egressd(['apply', '-f', example, '--json'])
  expect(JSON.parse(json.stdout)).toMatchObject({
    changed: true,
    changes: [
      { kind: 'network', name: 'br0', action: 'repair', result: 'done' },
      { kind: 'namespace', name: 'build', action: 'repair', result: 'done' },
    ],
  })
  world.sh('nft flush ruleset')
  const flushed = await world.egressd(['check', '-f', example])
  expect(flushed.stdout).toMatch(
    /^~ repair firewall nftables\n {4}table inet egressd is not there, .*\n(.*\n)?1 to be repaired\.\n$/,
  )
  const { changes } = JSON.parse((await world.egressd(['apply', '-f', example, '--json'])).stdout)
  expect(changes[0].does).toContain('add table inet egressd')
  expect(changes[0].does.length).toBeGreaterThan(50)
  const document = put(world, 'empty.json', '{}')
  expect(await world.egressd(['apply', '-f', document])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('nothing to do'),
  })
  expect(await world.egressd(['apply', '-f', document, '--prune'])).toMatchObject({ code: 0 })
  world.sh('rm -r /run/empty.json /run/egressd')
  expect(world.census()).toBe(before)
})

describe('what cannot be', () => {
  test.each([
    ['a command line without a file', ['check'], 2, "option '-f, --file <file>'"],
    ['no such file', ['apply', '-f', '/no/such'], 2, '/no/such cannot be read: there is no such file (ENOENT)\nWhat'],
    [
      'a directory',
      ['plan', '-f', '/run'],
      2,
      '/run cannot be read: it is a directory (EISDIR)\nWhat to do: give a file',
    ],
    [
      'an empty one',
      ['apply', '--prune', '-f', '/dev/null'],
      2,
      '/dev/null: there is nothing in it\nWhat to do: write {}',
    ],
    ['nothing on standard input', ['check', '-f', '-'], 2, 'standard input: there is nothing in it'],
    ['not a text', ['check', '-f', '/proc/self/cmdline'], 2, '/proc/self/cmdline: it is not a text'],
    ['the name of no file', ['check', '-f', ''], 2, '"" cannot be read'],
  ])('is said: %s', async (_what, args, code, words) => {
    await using world = await freshWorld()
    expect(await world.egressd(args)).toMatchObject({ code, stderr: expect.stringContaining(words) })
  })

  test.each([
    ['not YAML', 'networks: [', /line \d+, column \d+/],
    ['a name twice', 'networks: []\nnetworks: []', /Map keys must be unique/],
    [
      'too many aliases',
      'a: &a [1,1]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]',
      /alias/i,
    ],
    [
      'a namespace of no network',
      'namespaces: [{ name: a, network: b }]',
      /namespaces\[0\]\.network: "b" is no network/,
    ],
    [
      'several at once',
      'networks: [{ name: a/b, subnets: [1.2.3.4/8] }, { name: x }]',
      /3 problems:\n {2}networks\[0\]\.name: .*\n {2}networks\[0\]\.subnets\[0\]: .*\n {2}networks\[1\]\.subnets: is missing/,
    ],
  ])('is said with its place, and nothing is changed: %s', async (_what, text, words) => {
    await using world = await freshWorld()
    const before = world.census()
    const outcome = await world.egressd(['apply', '-f', put(world, 'x.yaml', text)])
    expect(outcome).toMatchObject({ code: 2, stdout: '' })
    expect(outcome.stderr).toMatch(words)
    world.sh('rm /run/x.yaml')
    expect(world.census()).toBe(before)
  })

  test('is told of each, where the kernel or a stranger refuses some', async () => {
    await using world = await freshWorld()
    world.sh('ip link add veth0 type bridge')
    const outcome = await world.egressd(['apply', '-f', example])
    expect(outcome.code).toBe(1)
    expect(outcome.stdout).toMatch(/^\+ create namespace ns0 {2}\(failed\)$/m)
    expect(outcome.stdout).toMatch(/3 created, .*1 failed\.$/m)
    expect(outcome.stderr).toMatch(/EGRESSD_NAME_TAKEN: namespace ns0: hostInterface: .*veth0/)
    expect(world.sh('ip netns list | cut -d" " -f1 | sort')).toBe('build\n')
  })
})

test('what is asked of standard input', async () => {
  await using world = await freshWorld()
  const outcome = await world.egressd(['plan', '-f', '-'], { input: readFileSync(example, 'utf8') })
  expect(outcome).toMatchObject({ code: 3, stderr: '' })
  const torn = await world.egressd(['plan', '-f', '-'], { input: 'networks: [' })
  expect(torn).toMatchObject({ code: 2, stderr: expect.stringContaining('SPEC: standard input: ') })
})

test('the schema is one that says what is taken', async () => {
  await using world = await freshWorld()
  const { stdout, code } = await world.egressd(['schema'])
  expect(code).toBe(0)
  const schema = JSON.parse(stdout)
  expect(schema.properties.namespaces.items.required).toEqual(['name', 'network'])
  expect(schema.properties.networks.items.properties.hostAccess.enum).toEqual(['none', 'gateway', 'all'])
})

test('a table that is gone is one finding, and what is done several times over is counted', () => {
  const does = (table: string) => [
    `add table ${table}`,
    ...['forward', 'guard'].map(chain => `add chain ${table} ${chain}`),
    ...Array<string>(3).fill(`add rule in chain ${table} forward`),
    `add 2 elements of set ${table} ports`,
  ]
  const repair = { kind: 'firewall' as const, name: 'nftables', action: 'repair' as const, fields: [] }
  expect(changeLines({ ...repair, does: [...does('inet egressd'), ...does('bridge egressd')] }, false)).toEqual([
    '~ repair firewall nftables',
    '    table inet egressd is not there, and so neither masquerades nor holds back what namespaces send: made anew in 7 steps',
    '    table bridge egressd is not there, and so does not hold namespaces to their own addresses on their bridge: made anew in 7 steps',
  ])
  expect(changeLines({ ...repair, does: does('inet egressd').slice(1) }, false)).toEqual([
    '~ repair firewall nftables',
    '    add chain inet egressd forward',
    '    add chain inet egressd guard',
    '    add rule in chain inet egressd forward, 3 times',
    '    add 2 elements of set inet egressd ports',
  ])
})

test('changes in colour', () => {
  const change = {
    kind: 'namespace' as const,
    name: 'ns0',
    action: 'update' as const,
    fields: [{ field: 'mtu', from: 1500, to: 1400 }],
    does: ['set mtu 1400 of veth0'],
  }
  expect(changeLines(change, true)).toEqual([
    '\u001b[33m~ update namespace ns0\u001b[0m',
    '    mtu: \u001b[31m1500\u001b[0m -> \u001b[32m1400\u001b[0m',
    '\u001b[2m    set mtu 1400 of veth0\u001b[0m',
  ])
  expect(changeLines({ ...change, result: 'failed' as const }, false)[0]).toBe('~ update namespace ns0  (failed)')
  expect(summary([change, { ...change, action: 'delete' }], 'to be ')).toBe('1 to be changed, 1 to be deleted.')
})
