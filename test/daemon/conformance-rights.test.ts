// What a client may without this or that, as a process of its own.
import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createWorld } from '../helpers/daemon.js'
import { network } from '../helpers/egress/subject.js'

/** In a user namespace of one user there are no others. */
const mapped = Number(readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/)[2]) > 65_534

/** Runs a program with the client, in front of which stands another; what it printed. */
function run(before: string[], socket: string, code: string): unknown {
  const program = `import { connect } from 'egressd/client'
    const socket = ${JSON.stringify(socket)}
    const brief = error => ({ code: error.code, details: error.details, message: error.message })
    ${code}`
  const [file, ...args] = [...before, process.execPath, '--input-type=module', '-e', program]
  const cwd = join(import.meta.dirname, '../..')
  const done = spawnSync(file as string, args, { encoding: 'utf8', cwd })
  if (done.status !== 0) throw new Error(`exit ${done.status}: ${done.stderr}`)
  return JSON.parse(done.stdout)
}

test('without CAP_SYS_ADMIN everything is well but to be inside, which says what is missing', async () => {
  await using world = await createWorld({ networks: [network] })
  await world.start()
  const said = run(
    ['setpriv', '--inh-caps=-all', '--bounding-set=-sys_admin'],
    world.socket,
    `const egress = await connect({ socket })
    const ns0 = await (await egress.findNetwork('br0')).create({ name: 'ns0' })
    const [echo] = await ns0.ping('8.8.8.8')
    const tries = [() => ns0.spawn('true'), () => ns0.connect({ address: '192.168.0.1', port: 1 }), () => ns0.listen(), () => ns0.datagram()]
    const refused = []
    for (const each of tries) refused.push(await each().then(() => null, brief))
    console.log(JSON.stringify({ result: echo.result, refused }))`,
  )
  const missing = { code: 'EGRESSD_MISSING_CAPABILITY', details: { missing: ['CAP_SYS_ADMIN'] } }
  const refused = Array.from({ length: 4 }, () => ({ ...missing, message: expect.stringContaining('ns0') }))
  expect(said).toEqual({ result: 'reply', refused })
})

const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all']

test.runIf(mapped)('who may not open the socket is told whom to ask', async () => {
  await using world = await createWorld()
  // The socket is what keeps him out, not its folder.
  chmodSync(world.root, 0o755)
  await world.start()
  const said = run(nobody, world.socket, `console.log(JSON.stringify(await connect({ socket }).catch(brief)))`)
  expect(said).toMatchObject({ code: 'EGRESSD_DAEMON_UNREACHABLE', details: { errno: 'EACCES' } })
  expect((said as Error).message).toContain('be root, or in the group of the daemon')
})

test.runIf(mapped)('who may only read reads, and is refused the rest by its name', async () => {
  await using world = await createWorld({ networks: [network], read: 'all' })
  chmodSync(world.root, 0o755)
  await world.start()
  const said = run(
    nobody,
    world.socket,
    `const egress = await connect({ socket })
    const br0 = await egress.findNetwork('br0')
    const [many] = await br0.createMany([{ name: 'a' }])
    const refused = [await br0.create({ name: 'ns0' }).catch(brief), brief(many.error), await egress.down().catch(brief)]
    console.log(JSON.stringify({ subnets: br0.subnets, codes: refused.map(({ code }) => code) }))
    await egress.close()`,
  )
  const codes = Array.from({ length: 3 }, () => 'EGRESSD_FORBIDDEN')
  expect(said).toEqual({ subnets: ['192.168.0.0/16', 'fd00::/64'], codes })
})
