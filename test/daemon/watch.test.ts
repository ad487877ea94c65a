import { expect, test } from 'vitest'
import { createWorld, type Daemon, until } from '../helpers/daemon.js'

const config = {
  networks: [{ name: 'br0', subnets: ['192.168.0.0/16'] }],
  namespaces: [{ name: 'ns0', network: 'br0' }],
}

const answered = async (daemon: Daemon, timeoutMs: number): Promise<boolean> => {
  const { body } = await daemon.ask('POST', '/v1/namespaces/ns0/ping', { body: { target: '8.8.8.8', timeoutMs } })
  return body.echoes[0].result === 'reply'
}
const counted = async (daemon: Daemon, name: string): Promise<number> =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec((await daemon.ask('GET', '/metrics')).text)?.[1])

test('what others bend is put back, and told in the log, the events and the metrics; also after all was removed', async () => {
  await using world = await createWorld(config)
  await using daemon = await world.start()
  world.host.tool('nft', ['flush', 'ruleset'])
  expect(await daemon.logged(({ watch }) => watch === 'repaired')).toMatchObject({ level: 'info', kind: 'firewall' })
  expect(await answered(daemon, 10_000)).toBe(true)
  expect(await counted(daemon, 'egressd_repairs_total')).toBe(1)
  expect(daemon.log.find(({ watch }) => watch === 'drift')).toMatchObject({ level: 'warn' })

  expect((await daemon.ask('POST', '/v1/down')).status).toBe(200)
  daemon.child.kill('SIGHUP')
  await daemon.logged(({ msg }) => msg === 'the configuration was read again')
  const from = daemon.log.length
  world.host.tool('ip', ['link', 'set', 'br0', 'down'])
  const line = await daemon.logged(each => daemon.log.indexOf(each) >= from && each.watch === 'repaired')
  expect(line).toMatchObject({ kind: 'network', name: 'br0' })
  await until(() => answered(daemon, 500), 'the way out')
})

test('what is only to be reported stays as it is, until the configuration says otherwise', async () => {
  await using world = await createWorld({ ...config, watch: 'report' })
  await using daemon = await world.start()
  world.host.tool('ip', ['link', 'set', 'br0', 'down'])
  expect(await daemon.logged(({ watch }) => watch === 'drift')).toMatchObject({ kind: 'network', name: 'br0' })
  const isUp = () =>
    world.host.json<{ flags: string[] }[]>('ip', ['-j', 'link', 'show', 'br0'])[0]?.flags.includes('UP')
  expect(isUp()).toBe(false)
  expect(await counted(daemon, 'egressd_repairs_total')).toBe(0)
  world.configure(config)
  daemon.child.kill('SIGHUP')
  await daemon.logged(({ msg }) => msg === 'the configuration was read again')
  expect(isUp()).toBe(true)
})
