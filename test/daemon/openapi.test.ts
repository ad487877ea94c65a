import { expect, test } from 'vitest'
import { createWorld, linesOf, openRequest, type Reply } from '../helpers/daemon.js'
import { faults } from '../helpers/json-schema.js'

const br0 = { name: 'br0', subnets: ['192.168.0.0/16', 'fd00::/64'] }

interface Operation {
  operationId: string
  responses: Record<string, { content?: Record<string, { schema: Record<string, unknown> }> }>
}

/** Held against the document: the status, the kind of body, and the body. */
function check(document: Record<string, unknown>, operation: Operation, { status, headers, text }: Reply): void {
  const answer = operation.responses[status] ?? (status >= 400 ? operation.responses.default : undefined)
  const what = `${operation.operationId} ${status} ${text}`
  expect(answer, what).toBeDefined()
  expect(headers['x-request-id'], what).toMatch(/^[\w-]+$/)
  const [type] = (headers['content-type'] ?? '').split(';')
  if (!answer?.content) {
    expect(text, what).toBe('')
    return
  }
  const schema = answer.content[type as string]?.schema
  expect(schema, `${what} as ${type}`).toBeDefined()
  const lines = type === 'application/x-ndjson' ? text.trim().split('\n') : [text]
  for (const line of lines) {
    const value = type?.endsWith('json') ? JSON.parse(line) : line
    expect(faults(schema as Record<string, unknown>, value, '', document), what).toEqual([])
  }
}

// In this order: [operation, path, body, status].
const exercises: [id: string, path: string, body: unknown, status: number][] = [
  ['putNetwork', '/v1/networks/br0', { subnets: br0.subnets }, 200],
  ['putNetwork', '/v1/networks/br1', { subnets: ['10.9.0.0/24'], masquerade: false }, 201],
  ['putNetwork', '/v1/networks/br1', { subnets: ['10.8.0.0/24'] }, 409],
  ['putNetwork', '/v1/networks/br2', { subnets: ['10.9.0.0/24'] }, 409],
  ['putNetwork', '/v1/networks/br2', { subnets: ['10.9.0.1/24'], nonsense: 1 }, 422],
  ['listNetworks', '/v1/networks', undefined, 200],
  ['getNetwork', '/v1/networks/br1', undefined, 200],
  ['getNetwork', '/v1/networks/none', undefined, 404],
  ['deleteNetwork', '/v1/networks/br0', undefined, 409],
  ['deleteNetwork', '/v1/networks/br1', undefined, 204],
  ['deleteNetwork', '/v1/networks/br1', undefined, 204],
  ['putNamespace', '/v1/namespaces/ns1', { network: 'br0', addresses: ['192.168.7.7'] }, 201],
  ['putNamespace', '/v1/namespaces/ns1', { network: 'br0', addresses: ['192.168.7.7'] }, 200],
  ['putNamespace', '/v1/namespaces/ns1', { network: 'br0', interface: 'other' }, 409],
  ['putNamespace', '/v1/namespaces/ns2', { network: 'none' }, 404],
  ['putNamespace', '/v1/namespaces/ns2', { network: 'br0', addresses: ['8.8.8.8', 'x'] }, 422],
  ['putNamespace', '/v1/namespaces/ns2', { network: 'br0', addresses: ['192.168.7.7'] }, 409],
  ['createNamespace', '/v1/namespaces', { network: 'br0' }, 201],
  ['createNamespace', '/v1/namespaces', { network: 'br0', name: 'ns2' }, 422],
  ['listNamespaces', '/v1/namespaces?network=br0&limit=1', undefined, 200],
  ['listNamespaces', '/v1/namespaces?limit=0', undefined, 422],
  ['getNamespace', '/v1/namespaces/ns1', undefined, 200],
  ['getNamespace', '/v1/namespaces/none', undefined, 404],
  ['ping', '/v1/namespaces/ns1/ping', { target: '8.8.8.8', count: 2, intervalMs: 1 }, 200],
  ['ping', '/v1/namespaces/ns1/ping', { target: '8.8.8.8', count: 0 }, 422],
  ['ping', '/v1/namespaces/none/ping', { target: '8.8.8.8' }, 404],
  ['readTraffic', '/v1/traffic?network=br0', undefined, 200],
  ['deleteNamespace', '/v1/namespaces/ns1?wait=gone', undefined, 204],
  ['deleteNamespace', '/v1/namespaces/ns1', undefined, 204],
  ['listPools', '/v1/pools', undefined, 200],
  ['getPool', '/v1/pools/spare', undefined, 200],
  ['getPool', '/v1/pools/none', undefined, 404],
  ['claim', '/v1/pools/spare/claim', { name: 'mine', labels: { job: '7' } }, 200],
  ['claim', '/v1/pools/spare/claim', { name: 'mine' }, 409],
  ['claim', '/v1/pools/spare/claim', undefined, 200],
  ['release', '/v1/pools/spare/release', { namespace: 'mine' }, 204],
  ['release', '/v1/pools/spare/release', { namespace: 'mine' }, 204],
  ['release', '/v1/pools/spare/release', { namespace: 'ns0' }, 404],
  ['plan', '/v1/plan', { spec: { networks: [br0, { name: 'br3', subnets: ['10.3.0.0/24'] }] }, prune: true }, 200],
  ['check', '/v1/check', { spec: { networks: [br0] } }, 200],
  ['apply', '/v1/apply', { spec: { networks: [br0], namespaces: [{ name: 'ns3', network: 'br0' }] } }, 200],
  ['apply', '/v1/apply', { spec: { networks: [{ name: 'br0' }] } }, 422],
  ['collectGarbage', '/v1/gc', { dryRun: true }, 200],
  ['diagnose', '/v1/doctor?namespaces=10', undefined, 200],
  ['getLog', '/v1/log', undefined, 200],
  ['putLog', '/v1/log', { level: 'debug' }, 200],
  ['putLog', '/v1/log', { level: 'loud' }, 422],
  ['health', '/healthz', undefined, 200],
  ['ready', '/readyz', undefined, 200],
  ['openapi', '/v1/openapi.json', undefined, 200],
  ['metrics', '/metrics', undefined, 200],
  ['down', '/v1/down', undefined, 200],
]

test('every operation of the document is there, and answers as it says', async () => {
  await using world = await createWorld({
    networks: [br0],
    namespaces: [{ name: 'ns0', network: 'br0' }],
    pools: [{ name: 'spare', network: 'br0', size: 2 }],
  })
  await using daemon = await world.start()
  const document = (await daemon.ask('GET', '/v1/openapi.json')).body
  const operations = new Map<string, { method: string; path: string; operation: Operation }>()
  for (const [path, methods] of Object.entries(document.paths as Record<string, Record<string, Operation>>))
    for (const [method, operation] of Object.entries(methods))
      operations.set(operation.operationId, { method: method.toUpperCase(), path, operation })
  const of = (id: string) => operations.get(id) as { method: string; path: string; operation: Operation }

  const events = await openRequest(world.socket, 'GET', '/v1/events')
  events.sent.end()
  const followed = linesOf(await events.answer)

  const batch = await daemon.ask('POST', '/v1/namespaces:batch', {
    headers: { 'content-type': 'application/x-ndjson' },
    body: '{"op":"create","network":"br0","name":"b0"}\n{"op":"nonsense"}\n{"op":"destroy","name":"b0"}\n',
  })
  check(document, of('batch').operation, batch)

  for (const [id, path, body, status] of exercises) {
    const { method, path: pattern, operation } = of(id)
    expect(path.split('?')[0]).toMatch(new RegExp(`^${pattern.replace(/\{\w+\}/g, '[^/]+')}$`))
    const reply = await daemon.ask(method, path, body === undefined ? {} : { body })
    expect({ id, path, status: reply.status, text: reply.text }).toMatchObject({ status })
    check(document, operation, reply)
  }

  const { value } = await followed.next()
  const schema = of('followEvents').operation.responses[200]?.content?.['application/x-ndjson']?.schema
  expect(faults(schema as Record<string, unknown>, JSON.parse(value as string), '', document)).toEqual([])
  events.sent.destroy()

  const metrics = (await daemon.ask('GET', '/metrics')).text
  expect(metrics).toMatch(
    /^egressd_http_requests_total\{method="PUT",route="\/v1\/networks\/\{name\}",status="201"\} 1$/m,
  )
  expect(metrics).toMatch(/^egressd_operations_total\{operation="pool.claim",result="ok"\} 2$/m)

  const done = new Set([...exercises.map(([id]) => id), 'batch', 'followEvents'])
  expect([...operations.keys()].sort()).toEqual([...done].sort())
  expect(daemon.log.filter(({ msg }) => msg === 'a fault of egressd')).toEqual([])
})

test('the document refers to nothing that is not in it, and names each operation once', async () => {
  await using world = await createWorld({ metrics: false })
  await using daemon = await world.start()
  const { text, body } = await daemon.ask('GET', '/v1/openapi.json')
  const schemas = Object.keys(body.components.schemas)
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) expect(schemas).toContain(name)
  const ids = [...text.matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(body.openapi).toBe('3.1.0')
  expect((await daemon.ask('GET', '/metrics')).status).toBe(404)
})
