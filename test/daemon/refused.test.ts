// What only the kernel can refuse of what was asked for: it is who asked that is told, with the field.
import { expect, test } from 'vitest'
import { createWorld, type Daemon } from '../helpers/daemon.js'

const br0 = { name: 'br0', subnets: ['192.168.0.0/16', 'fd00::/64'] }

const refused = { status: 422, code: 'EGRESSD_REFUSED_VALUE' }
/** Each with its field, and whether a claim takes it too. */
const cases: [string, object, object, boolean][] = [
  [
    'a sysctl that there is not',
    { sysctls: { 'net.ipv4.nonsense': 1 } },
    { ...refused, field: 'sysctls.net/ipv4/nonsense', value: '1', fault: { op: 'sysctl.set', errno: 'ENOENT' } },
    true,
  ],
  [
    'one of the host alone',
    { sysctls: { 'net.netfilter.nf_conntrack_max': 5 } },
    { ...refused, field: 'sysctls.net/netfilter/nf_conntrack_max', fault: { errno: 'EACCES' } },
    true,
  ],
  [
    'a folder of them',
    { sysctls: { 'net.ipv4': 5 } },
    { ...refused, field: 'sysctls.net/ipv4', fault: { errno: 'EISDIR' } },
    true,
  ],
  [
    'a value that it does not take',
    { sysctls: { 'net.ipv4.ip_forward': 'perhaps' } },
    { ...refused, field: 'sysctls.net/ipv4/ip_forward', value: 'perhaps', fault: { errno: 'EINVAL' } },
    true,
  ],
  [
    'a value with a NUL',
    { sysctls: { 'net.ipv4.ip_forward': '1\0' } },
    { status: 422, code: 'EGRESSD_INVALID_SPEC', field: 'sysctls.net.ipv4.ip_forward' },
    true,
  ],
  [
    'a name that is too long',
    { sysctls: { [`net.${'x'.repeat(253)}`]: 1 } },
    { status: 422, code: 'EGRESSD_INVALID_SPEC', detail: expect.stringContaining('has 257 characters') },
    true,
  ],
  [
    'a route by its own address',
    { addresses: ['fd00::9'], routes: [{ to: '10.0.0.0/8' }, { to: 'fd99::/64', via: 'fd00::9' }] },
    { ...refused, field: 'routes[1]', value: 'fd99::/64 via fd00::9', fault: { op: 'route.add', errno: 'EINVAL' } },
    false,
  ],
  [
    'a route that it has already',
    { routes: [{ to: '192.168.0.0/16' }] },
    { ...refused, field: 'routes[0]', fault: { errno: 'EEXIST' } },
    false,
  ],
]

/** By each way in; the problem that was told. */
const ways: Record<string, (daemon: Daemon, body: object) => Promise<unknown>> = {
  put: (daemon, body) => problem(daemon, 'PUT', '/v1/namespaces/a', { network: 'br0', ...body }),
  post: (daemon, body) => problem(daemon, 'POST', '/v1/namespaces', { network: 'br0', ...body }),
  apply: (daemon, body) =>
    problem(daemon, 'POST', '/v1/apply', {
      spec: { networks: [br0], namespaces: [{ name: 'a', network: 'br0', ...body }] },
    }),
  async batch(daemon, body) {
    const { text } = await daemon.ask('POST', '/v1/namespaces:batch', {
      headers: { 'content-type': 'application/x-ndjson' },
      body: `${JSON.stringify({ op: 'create', network: 'br0', name: 'a', ...body })}\n`,
    })
    const result = JSON.parse(text)
    expect(result.ok).toBe(false)
    return result.error
  },
  claim: (daemon, body) => problem(daemon, 'POST', '/v1/pools/spare/claim', { name: 'a', ...body }),
}

async function problem(daemon: Daemon, method: string, path: string, body: object): Promise<unknown> {
  const reply = await daemon.ask(method, path, { body })
  expect(reply.headers['content-type']).toBe('application/problem+json')
  expect(reply.status).toBe(reply.body.status)
  return reply.body
}

test('what the kernel refuses of what was asked for is the fault of who asked: 422, with the field', async () => {
  await using world = await createWorld({ networks: [br0], pools: [{ name: 'spare', network: 'br0', size: 1 }] })
  await using daemon = await world.start()
  for (const [what, body, expected, claimed] of cases)
    for (const [way, ask] of Object.entries(ways)) {
      if (way === 'claim' && !claimed) continue
      const told = (await ask(daemon, body)) as { field: string }
      // A document says which of its namespaces.
      const field = told.field.replace(/^spec\.namespaces\[0\]\./, '')
      expect({ ...told, field }, `${what}, by ${way}`).toMatchObject(expected)
      expect((await daemon.ask('GET', '/v1/namespaces/a')).status, what).toBe(404)
    }
  expect(daemon.log.filter(({ level }) => level === 'error')).toEqual([])
})
