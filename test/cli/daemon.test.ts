// The same commands, done by the daemon where one listens: the same answers, and what only a daemon has.
import { expect, test, vi } from 'vitest'
import { entrances, type FreshWorld, freshWorld, main, takenAway } from '../helpers/cli.js'

// Many processes, one after another.
vi.setConfig({ testTimeout: 180_000 })

type Json = Record<string, unknown>
const node = process.execPath
const socket = '/run/egressd/egressd.sock'

const configuration = `networks:
  - { name: br0, subnets: [10.64.0.0/16] }
namespaces:
  - { name: ns0, network: br0 }
pools:
  - { name: ci, network: br0, size: 2 }`

interface DaemonWorld extends FreshWorld {
  /** Starts it, and waits until it listens. */
  start(configured: string): void
  /** Ends it, and waits until it has ended. */
  stop(): void
  json(...args: string[]): Promise<Json[]>
}

async function daemonWorld(configured = configuration): Promise<DaemonWorld> {
  const world = await freshWorld()
  const start = (document: string) =>
    void world.sh(`cat >/run/egressd.yaml <<'end'\n${document}\nend
    ${node} ${main} daemon --config /run/egressd.yaml >/run/daemon.log 2>&1 & echo $! >/run/daemon.pid
    until [ -S ${socket} ]; do kill -0 $(cat /run/daemon.pid); sleep 0.02; done`)
  start(configured)
  const pid = '$(cat /run/daemon.pid)'
  // NB: once, for the number may be another's afterwards.
  const stop = () =>
    void world.sh(`[ -e /run/daemon.pid ] || exit 0
    kill ${pid} || true; while kill -0 ${pid} 2>/dev/null; do sleep 0.02; done; rm /run/daemon.pid`)
  const dispose = world[Symbol.asyncDispose]
  return Object.assign(world, {
    start,
    stop,
    [Symbol.asyncDispose]: async () => {
      stop()
      await dispose()
    },
    json: async (...args: string[]) => JSON.parse((await world.egressd([...args, '--json'])).stdout) as Json[],
  })
}

test('it makes, tells and removes what it is asked to; and without it this process tells the same', async () => {
  await using world = await daemonWorld()
  const { egressd } = world
  expect(await egressd(['ns', 'add', 'a', 'b', '--network', 'br0'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^namespace a made: 10\.64\.0\.\d+\nnamespace b made: 10\.64\.0\.\d+\n$/),
  })
  expect(world.sh('ip netns list | cut -d" " -f1 | sort')).toBe('a\nb\nns0\n')
  const asked = async () => ({
    namespaces: (await world.json('ns', 'ls', '--named')).sort((x, y) => (String(x.name) < String(y.name) ? -1 : 1)),
    network: { ...(await world.json('network', 'show', 'br0')), namespaces: 0 },
    plan: (await egressd(['check', '-f', '/run/document.yaml'])).stdout,
  })
  world.sh("cat >/run/document.yaml <<'end'\nnetworks: [{ name: br0, subnets: [10.64.0.0/16] }]\nend")
  const byDaemon = await asked()
  expect(byDaemon.namespaces.map(({ name }) => name)).toEqual(['a', 'b', 'ns0'])

  expect(await egressd(['ns', 'add', 'c'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('egressd ns add c --network br0'),
  })
  expect(await egressd(['ns', 'show', 'nso'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('did you mean "ns0"?'),
  })
  expect(await egressd(['ns', 'add', 'c', '--network', 'br0', '--address', '10.9.9.9'])).toMatchObject({ code: 2 })
  expect(await egressd(['network', 'add', 'br1', '--subnet', '10.64.0.0/17'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('EGRESSD_SUBNET_OVERLAP'),
  })
  expect((await egressd(['doctor'])).stdout).toContain('egress')
  expect(await egressd(['gc', '--dry-run'])).toMatchObject({ code: 0, stdout: 'There is nothing to remove.\n' })
  world.stop()
  expect(await asked()).toEqual(byDaemon)
})

test('inside of its namespaces, anonymous ones too', async () => {
  await using world = await daemonWorld()
  const { egressd } = world
  await vi.waitFor(
    async () => expect((await world.json('pool', 'ls'))[0]).toMatchObject({ stats: { ready: 2 } }),
    60_000,
  )
  const waiting = (await world.json('ns', 'ls')).find(({ anonymous }) => anonymous) as Json
  const inside = await egressd(['ns', 'exec', String(waiting.name), '--', 'ip', '-j', 'addr', 'show', 'dev', 'eth0'])
  expect(JSON.parse(inside.stdout)[0].addr_info[0].local).toBe((waiting.addresses as string[])[0])
  expect(await egressd(['ns', 'ping', 'ns0', String(waiting.name), '-c', '1'])).toMatchObject({ code: 0 })
  const before = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--']
  expect(await egressd(['ns', 'ping', 'ns0', '10.64.0.1', '-c', '1'], { before })).toMatchObject({ code: 0 })
  expect(await egressd(['ns', 'exec', 'ns0', '--', 'true'], { before })).toMatchObject({
    code: 125,
    stderr: expect.stringContaining('to enter it, this process needs CAP_SYS_ADMIN'),
  })
})

test('where another has the name of one of them, or nothing, it is not entered', async () => {
  // NB: a watch would put back what is taken away, before or after the stranger has its name.
  await using world = await daemonWorld(`${configuration}\nwatch: off`)
  for (const [what, said] of takenAway) {
    world.sh(what)
    for (const words of entrances) {
      const { code, stderr } = await world.egressd(['ns', ...words])
      expect({ words, code, stderr }).toMatchObject({ stderr: expect.stringContaining(said) })
    }
  }
})

test('pools, events and rates', async () => {
  await using world = await daemonWorld()
  const { egressd } = world
  // An id that nobody knows: "gap" comes first, and then it follows.
  world.sh(`${node} ${main} events --json --since none-0 >/run/events 2>&1 & echo $! >/run/events.pid
    until grep -q '"gap"' /run/events; do kill -0 $(cat /run/events.pid); sleep 0.02; done`)
  const claimed = await vi.waitFor(async () => {
    const outcome = await egressd(['pool', 'claim', 'ci', '--name', 'job', '--label', 'team=x', '--json'])
    expect(outcome.code).toBe(0)
    return JSON.parse(outcome.stdout) as Json
  }, 60_000)
  expect(claimed).toMatchObject({ name: 'job', labels: { team: 'x' }, anonymous: false, path: '/run/netns/job' })
  expect((await egressd(['ns', 'ls', '--label', 'team=x', '-q'])).stdout).toBe('job\n')
  expect((await egressd(['pool', 'ls'])).stdout).toMatch(/^NAME +NETWORK +READY.*\nci +br0 +/)
  const rates = JSON.parse((await egressd(['top', '--once', '--json', '--interval', '0.1'])).stdout)
  expect(rates.namespaces.map(({ name }: Json) => name)).toEqual(expect.arrayContaining(['job', 'ns0']))
  // A shell is not kept waiting: where the daemon takes longer than a second, nothing is offered.
  const offered = async () => (await egressd(['__complete', 'bash', '--', 'pool', 'claim', ''])).stdout
  await expect.poll(offered, { timeout: 60_000 }).toBe('ci\n')
  expect((await egressd(['__complete', 'bash', '--', 'ns', 'show', 'j'])).stdout).toBe('job\n')
  expect(await egressd(['pool', 'release', 'ci', 'job'])).toMatchObject({ code: 0, stdout: 'namespace job released\n' })
  expect(await egressd(['pool', 'claim', 'cj'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('did you mean "ci"?'),
  })
  world.sh(`until grep -q namespace.destroyed /run/events; do sleep 0.02; done
    kill -INT $(cat /run/events.pid); while kill -0 $(cat /run/events.pid) 2>/dev/null; do sleep 0.02; done`)
  const events = world
    .sh('cat /run/events')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Json)
  expect(events).toContainEqual(expect.objectContaining({ type: 'namespace.claimed', name: 'job', network: 'br0' }))
  expect(events.at(-1)).toMatchObject({ id: expect.any(String), time: expect.any(String) })
})

test('what a pool keeps ready is in the way of a document without its network: what to do fits', async () => {
  await using world = await daemonWorld()
  await vi.waitFor(
    async () => expect((await world.json('pool', 'ls'))[0]).toMatchObject({ stats: { ready: 2 } }),
    60_000,
  )
  world.sh('echo {} >/run/document.yaml')
  const { code, stderr } = await world.egressd(['apply', '-f', '/run/document.yaml', '--prune'])
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('pool ci keeps namespaces ready') })
  expect(stderr).toContain('What to do: close the pool first (ci): one of the daemon’s goes')
  world.sh('echo {} >/run/egressd.yaml; kill -HUP $(cat /run/daemon.pid)')
  await vi.waitFor(async () => expect(await world.json('pool', 'ls')).toEqual([]), 60_000)
  expect(await world.egressd(['apply', '-f', '/run/document.yaml', '--prune'])).toMatchObject({ code: 0 })
})

test('after a down without it nothing counts as configured: what is made then is left alone', async () => {
  await using world = await daemonWorld()
  world.stop()
  expect((await world.egressd(['down'])).stdout).toContain('removed namespace ns0\n')
  expect(world.sh('ls -A /run/egressd 2>&1 || true')).toMatch(/No such file/)
  await world.egressd(['network', 'add', 'br0', '--subnet', '10.64.0.0/16'])
  await world.egressd(['ns', 'add', 'ns0', '--network', 'br0'])
  world.start('{}')
  expect((await world.json('ns', 'ls')).map(({ name }) => name)).toEqual(['ns0'])
})

test('down asks the daemon, which stays', async () => {
  await using world = await daemonWorld()
  const down = JSON.parse((await world.egressd(['down', '--json'])).stdout)
  expect(down).toMatchObject({ networks: ['br0'], sandboxes: [] })
  expect(world.sh('ip netns list; ip -o link show type bridge')).toBe('')
  expect(await world.egressd(['network', 'ls', '--socket', socket])).toMatchObject({ code: 0, stdout: '' })
  world.stop()
  expect(await world.egressd(['network', 'ls', '--socket', socket])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('EGRESSD_DAEMON_UNREACHABLE'),
  })
})
