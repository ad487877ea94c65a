// `egressd ns exec` and `ns shell`: the command is the process, as a person expects.
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { entrances, freshWorld, main, takenAway } from '../helpers/cli.js'

const terminal = join(import.meta.dirname, '../helpers/terminal.py')
const node = process.execPath

// Many processes, one after another.
vi.setConfig({ testTimeout: 120_000 })

async function world() {
  const made = await freshWorld()
  await made.egressd(['network', 'add', 'br0', '--subnet', '10.64.0.0/16'])
  await made.egressd(['ns', 'add', 'ns0', 'ns1', '--network', 'br0'])
  const exec = (...args: string[]) => made.egressd(['ns', 'exec', 'ns0', ...args])
  return Object.assign(made, { exec })
}

test('it runs inside, with its own output, input and status', async () => {
  await using host = await world()
  const { stdout, code } = await host.exec('--', 'ip', '-j', 'addr', 'show', 'dev', 'eth0')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)[0].addr_info[0].local).toBe('10.64.0.2')
  const piped = await host.egressd(['ns', 'exec', 'ns0', '--', 'sh', '-c', 'cat; echo bad >&2; exit 7'], {
    input: 'in',
  })
  expect(piped).toEqual({ code: 7, stdout: 'in', stderr: 'bad\n' })
  // Without "--" too: what is behind the name of the namespace is not ours.
  expect(await host.exec('echo', '--help', '-x')).toEqual({ code: 0, stdout: '--help -x\n', stderr: '' })
  expect((await host.exec('sh', '-c', 'echo $EGRESSD_NAMESPACE')).stdout).toBe('ns0\n')
  expect((await host.exec('ls', '/sys/class/net')).stdout.trim().split('\n')).toEqual(['eth0', 'lo'])
})

test('what cannot be begun has the statuses of a shell', async () => {
  await using host = await world()
  // NB: a folder of the path that this user may not look into would make it 126.
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }
  expect(await host.egressd(['ns', 'exec', 'ns0', '--', 'no-such-command'], { env })).toMatchObject({
    code: 127,
    stderr: expect.stringContaining('no-such-command: No such file or directory'),
  })
  expect(await host.exec('--', '/etc/passwd')).toMatchObject({ code: 126 })
  expect(await host.egressd(['ns', 'exec', 'ns9', '--', 'true'])).toMatchObject({ code: 125 })
  expect(await host.exec()).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("missing required argument 'command'"),
  })
  expect(await host.exec('--')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('egressd ns exec ns0 -- ip addr'),
  })
})

test('where another has its name, or nothing, it is not entered', async () => {
  await using host = await world()
  for (const [what, said] of takenAway) {
    host.sh(what)
    for (const words of entrances) {
      const { code, stderr } = await host.egressd(['ns', ...words])
      const begun = ['exec', 'shell'].includes(words[0] as string)
      expect({ words, code, stderr }).toMatchObject({ code: begun ? 125 : 1, stderr: expect.stringContaining(said) })
    }
  }
  host.sh('ip netns add ns0')
})

test('signals are its own: it has the pid of the command line', async () => {
  await using host = await world()
  const run = (script: string) => host.sh(`egressd() { ${node} ${main} "$@"; }; set +e; ${script}`)
  // No shell between: $! is the process itself.
  const trapped =
    run(`${node} ${main} ns exec ns0 -- sh -c 'trap "echo got; exit 9" TERM; echo $$; while :; do sleep 0.05; done' >/run/out &
    until [ -s /run/out ]; do sleep 0.02; done; [ "$(cat /run/out)" = $! ] && echo same; kill -TERM $!; wait $!; echo $?; cat /run/out`)
  expect(trapped).toMatch(/^same\n9\n\d+\ngot\n$/)
  expect(run(`egressd ns exec ns0 -- sh -c 'kill -9 $$'; echo $?`)).toBe('137\n')
  // Node ignores SIGPIPE; what it runs must not.
  expect(run('egressd ns exec ns0 -- sh -c "yes; echo \\$? >&2" 2>/run/err | head -n 1; cat /run/err')).toBe('y\n141\n')
  expect(
    run(`${node} ${main} ns exec ns0 -- sh -c 'kill -STOP $$; echo on' >/run/out & p=$!
    until grep -q '^State:.T' /proc/$p/status; do sleep 0.02; done; kill -CONT $p; wait $p; cat /run/out`),
  ).toBe('on\n')
})

test('descriptors that were given are handed on, and none of ours', async () => {
  await using host = await world()
  const given = host.sh(
    `bash -c 'exec 63</etc/hostname; exec ${node} ${main} ns exec ns0 -- sh -c "cat /dev/fd/63; ls /proc/self/fd"'`,
  )
  const [name, ...fds] = given.trim().split('\n')
  expect(name).toBe(host.sh('cat /etc/hostname').trim())
  expect(fds.filter(fd => !['0', '1', '2', '3', '63'].includes(fd))).toEqual([]) // 3 is that of ls
  expect(host.sh(`${node} ${main} ns exec ns0 -- grep -E '^Sig(Blk|Ign)' /proc/self/status`)).toMatch(
    /^SigBlk:\t0+\nSigIgn:\t0+\n$/,
  )
})

test('as many descriptors as who began it may have, and not as many as Node takes', async () => {
  await using host = await world()
  const limits = `${node} ${main} ns exec ns0 -- sh -c 'ulimit -Sn; ulimit -Hn'`
  const hard = host.sh('ulimit -Hn')
  expect(host.sh(`ulimit -Sn 300; ${node} -p 'process.report.getReport().userLimits.open_files.soft'`)).toBe(hard)
  expect(host.sh(`ulimit -Sn 300; ${limits}`)).toBe(`300\n${hard}`)
  // Never more than its own: who began it may have more.
  expect(host.sh(`prlimit --nofile=200:400 ${limits}`)).toBe('400\n400\n')
  expect(host.sh(limits)).toBe(`${host.sh('ulimit -Sn')}${hard}`)
})

test('the state directory is free while it runs', async () => {
  await using host = await world()
  host.sh(
    `${node} ${main} ns exec ns0 -- sleep 60 >/dev/null 2>&1 & echo $! >/run/pid; until ip netns pids ns0 | grep -q .; do sleep 0.02; done`,
  )
  expect(await host.egressd(['ns', 'add', 'ns2', '--network', 'br0'])).toMatchObject({ code: 0 })
  host.sh('kill $(cat /run/pid)')
})

test('in a terminal: it is the one, Ctrl-C and Ctrl-Z reach the command, and its size is told', async () => {
  await using host = await world()
  const told = JSON.parse(host.sh(`python3 ${terminal} job ${node} ${main}`))
  expect(told).toEqual({ size: '33 101', foreground: true, status: 3 })
})

test('a shell in a terminal says where it is, runs $SHELL, and ends as that does', async () => {
  await using host = await world()
  const told = JSON.parse(host.sh(`python3 ${terminal} shell ${node} ${main}`))
  expect(told).toMatchObject({ status: 5, address: true })
  expect(told.text).toContain('In namespace ns0 (10.64.0.2) of network br0. Leave it by "exit".')
  expect(await host.egressd(['ns', 'shell', 'ns0'], { env: { SHELL: '/no/such' } })).toMatchObject({ code: 127 })
  const piped = await host.egressd(['ns', 'shell', 'ns0'], {
    env: { SHELL: '' },
    input: 'echo $EGRESSD_NAMESPACE\nexit 4\n',
  })
  expect(piped).toEqual({ code: 4, stdout: 'ns0\n', stderr: '' })
})
