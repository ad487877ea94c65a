import { expect, test } from 'vitest'
import { createHost, values } from '../helpers/host.js'

test('a job runs in the namespaces it made, and stops at the first failure', async () => {
  await using host = await createHost()
  const verdicts = await host.kernel.run([
    { op: 'netns.create', as: 1 },
    { op: 'sysctl.set', in: 1, key: 'net/ipv4/ip_forward', value: '1' },
    { op: 'sysctl.get', in: 1, key: 'net/ipv4/ip_forward' },
    { op: 'sysctl.get', key: 'net/ipv4/ip_forward' },
  ])
  const [, , inside, outside] = values(verdicts)
  expect([inside, outside]).toEqual(['1', '0'])
})

test('/proc/net is read in the namespace, and looking at it makes no table', async () => {
  await using host = await createHost()
  const tables = async () => values(await host.kernel.run([{ op: 'procnet.get', key: 'ip_tables_names' }]))[0]
  expect(await tables()).toBe('')
  expect(await tables()).toBe('')
  host.tool('iptables-legacy', ['-t', 'nat', '-S'])
  expect(await tables()).toBe('nat')
  const [missing, above] = [
    await host.kernel.run([{ op: 'procnet.get', key: 'no-such-file' }]),
    host.kernel.run([{ op: 'procnet.get', key: '../status' }]),
  ]
  expect(missing).toMatchObject([{ ok: false, fault: { errno: 'ENOENT', call: 'open' } }])
  await expect(above).rejects.toMatchObject({ code: 'EGRESSD_INVALID_OPERATION' })
})
