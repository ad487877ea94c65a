import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { egressd } from '../helpers/cli.js'

const has = (tool: string, ...args: string[]) => spawnSync(tool, args).status === 0

describe('in the sandbox', () => {
  const ways = ['nftables', 'xtables'].flatMap(backend => [false, true].map(ipv6 => ({ backend, ipv6 })))
  test.each(ways)('--json, $backend, IPv6: $ipv6', async ({ backend, ipv6 }) => {
    const { code, stdout, stderr } = await egressd([
      'demo',
      '--json',
      '--firewall',
      backend,
      ...(ipv6 ? ['--ipv6'] : []),
    ])
    expect(stderr).toBe('')
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ ok: true, sandbox: true, removed: true, kept: false, error: null, backend })
    expect(code).toBe(0)
    expect(report.steps.map(({ step, ok }: { step: number; ok: boolean }) => [step, ok])).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8].map(step => [step, true]),
    )
    for (const step of report.steps) {
      expect(step.milliseconds).toBeGreaterThan(0)
      expect(step.commands.length).toBeGreaterThan(0)
      expect(step.details.length).toBeGreaterThan(0)
    }
    expect(report.total).toBeGreaterThan(200)
    const targets = (step: number) => report.steps[step - 1].echoes.map(({ target }: { target: string }) => target)
    expect(targets(6)).toEqual(['192.168.0.1', ...(ipv6 ? ['fd00:192:168::1'] : [])])
    expect(targets(8)).toEqual(['8.8.8.8', ...(ipv6 ? ['2001:4860:4860::8888'] : [])])
    expect(report.steps[7].echoes[0].milliseconds).toHaveLength(3)
    expect(report.steps[7].details).toContain('conntrack: 192.168.0.2 → 8.8.8.8, answered by 8.8.8.8 to 203.0.113.2')
    expect(report.steps[6].commands).toContain('iptables -t nat -A POSTROUTING -s 192.168.0.0/16 -j MASQUERADE')
    expect(report.mistake.refusal).toBe('ceth0: get link: No such device (ENODEV)')
  })

  test('as text: plain where it is no terminal, no wider than 100 columns', async () => {
    const { code, stdout } = await egressd(['demo'])
    expect(code).toBe(0)
    expect(stdout).toContain("Nothing of this machine's own network is touched.")
    expect(stdout).not.toContain('\u001b')
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
    expect(stdout.match(/^ \d {2}.* ok +\d+\.\d\d ms$/gm)).toHaveLength(8)
  })

  test('no process but Node, the helper and Node in the sandbox', async ({ skip }) => {
    if (!has('strace', '-V')) skip('no strace')
    const directory = mkdtempSync(join(tmpdir(), 'demo-'))
    try {
      const trace = join(directory, 'trace')
      const before = ['strace', '-f', '-qq', '-e', 'trace=execve', '-o', trace]
      const { code } = await egressd(['demo', '--ipv6'], { before })
      expect(code).toBe(0)
      const calls = [...readFileSync(trace, 'utf8').matchAll(/execve\("([^"]+)".*= 0$/gm)]
      expect(calls.map(([, file]) => basename(file as string))).toEqual(['node', 'egressd-exec', 'node'])
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('SIGINT at step %i', async step => {
    const { code, stdout } = await egressd(['demo'], { interruptAt: new RegExp(`^ ${step} {2}`, 'm') })
    expect(code).toBe(130)
    expect(stdout).toContain('Everything was removed again')
  })

  test('where there is no helper it says so', async () => {
    const { code, stderr } = await egressd(['demo'], { env: { EGRESSD_EXEC: '/nonexistent/egressd-exec' } })
    expect(code).toBe(1)
    expect(stderr).toMatch(/EGRESSD_SANDBOX_UNAVAILABLE: .*\/nonexistent\/egressd-exec/)
    expect(stderr).toContain('What to do: ')
  })

  test('--inside is refused where the network is in use', async () => {
    const inUse = ['unshare', '--net', 'sh', '-c', 'ip link add used0 type veth peer name used1 && exec "$@"', 'sh']
    const { code, stderr } = await egressd(['demo', '--inside', 'private'], { before: inUse })
    expect(code).toBe(2)
    expect(stderr).toContain('fresh network namespace')
  })
})

test.each([
  [['--version'], 0],
  [['--help'], 0],
  [['demo', '--help'], 0],
  [[], 2],
  [['frobnicate'], 2],
  [['demo', '--firewall', 'pf'], 2],
  [['demo', 'more'], 2],
  [['down', '--state-dir'], 2],
])('exit status of egressd %j', async (args, status) => {
  expect((await egressd(args)).code).toBe(status)
})
