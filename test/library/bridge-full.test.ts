import { expect, test } from 'vitest'
import { createLibrary, refusal } from '../helpers/library.js'

test('a bridge that is full says so, and what to do; a routed network goes on', async () => {
  await using library = await createLibrary()
  const { egress, host } = library
  const bridged = await egress.network({ name: 'br0', subnets: ['192.168.0.0/16'] })
  await Promise.all(Array.from({ length: 1023 }, () => bridged.create()))
  const before = host.tool('ip', ['-o', 'link']).split('\n').length
  const error = await refusal(bridged.create({ name: 'more' }))
  expect(error).toMatchObject({ code: 'EGRESSD_NETWORK_FULL', fault: { errno: 'EXFULL' }, field: 'network' })
  expect(error.remedy).toContain('mode: routed')
  expect(host.tool('ip', ['-o', 'link']).split('\n').length).toBe(before)
  const routed = await egress.network({ name: 'rt0', mode: 'routed', subnets: ['10.0.0.0/16'] })
  const last = (await Promise.all(Array.from({ length: 1030 }, () => routed.create()))).at(-1)
  expect((await last?.ping('10.0.0.1'))?.[0]?.result).toBe('reply')
  expect((await last?.ping('8.8.8.8'))?.[0]?.result).toBe('reply')
}, 300_000)
