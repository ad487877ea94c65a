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
