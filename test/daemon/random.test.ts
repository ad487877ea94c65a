// Requests that are nearly right, and others: an answer of their route, or a problem with a code of ours; never 500, and
// nothing that the log calls a fault of egressd. On the fake kernel. EGRESSD_FUZZ_RUNS asks for more of them.
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseConfig } from '../../src/daemon/config.js'
import { ApiServer } from '../../src/daemon/server.js'
import { Service } from '../../src/daemon/service.js'
import { listenAt } from '../../src/daemon/socket.js'
import { errorCodes } from '../../src/errors.js'
import { FakeMachine } from '../../src/kernel/fake/fake.js'
import { json, nearlyOf } from '../helpers/near-valid.js'
import { fc, runs } from '../helpers/random.js'

const numRuns = runs(300)
const folder = mkdtempSync(join(tmpdir(), 'egressd-random-'))
const socketPath = join(folder, 'sock')
const faults: object[] = []

const spec = {
  networks: [{ name: 'br0', subnets: ['192.168.0.0/16', 'fd00::/64'] }],
  namespaces: [{ name: 'ns0', network: 'br0', addresses: ['192.168.0.7'] }],
}
const bodies = [
  spec,
  { spec, prune: false, dryRun: true },
  { subnets: ['10.0.0.0/16'], mode: 'routed', masquerade: { to: '203.0.113.7' } },
  { network: 'br0', addresses: ['192.168.1.1'], routes: [{ to: '10.0.0.0/8' }] },
  { target: '192.168.0.1', count: 1, intervalMs: 1, timeoutMs: 5, size: 8, ttl: 9 },
  { name: 'x', timeoutMs: 1 },
  { dryRun: true },
  { level: 'info' },
  {},
]
const lines = [
  { op: 'create', network: 'br0', name: 'ns3' },
  { op: 'destroy', name: 'ns3' },
]

let service: Service
let api: ApiServer
let unlink: () => void
let paths: Record<string, Record<string, { operationId: string }>>

beforeAll(async () => {
  const stateDir = join(folder, 'state')
  const config = parseConfig({ ...spec, stateDir, socket: socketPath, limits: { slowMs: 5_000 }, watch: 'off' })
  const tell = {
    write(line: string) {
      const told = JSON.parse(line)
      if (told.level >= 50) faults.push(told)
    },
  }
  const logger = pino({ level: 'info' }, tell)
  const log = { logger, flush: () => {}, [Symbol.dispose]: () => {} }
  const [netnsDir, etcNetnsDir] = [join(folder, 'netns'), join(folder, 'etc')]
  service = await Service.start(config, { kernel: new FakeMachine(), netnsDir, etcNetnsDir }, log)
  api = new ApiServer(service, null)
  unlink = await listenAt(api.server, { path: socketPath, group: null, everybody: false })
  service.stage = 'ready'
  paths = JSON.parse((await ask({ method: 'GET', path: '/v1/openapi.json', headers: {}, body: null })).text).paths
})

afterAll(async () => {
  service.stop()
  await api.drain(100)
  unlink()
  await service.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Ask {
  method: string
  path: string
  headers: Record<string, string>
  body: string | Uint8Array | null
}

/** The head of the answer, and of what has an end its body. */
function ask({ method, path, headers, body }: Ask): Promise<{ status: number; type: string; text: string }> {
  return new Promise((resolve, reject) => {
    // NB: Node frames no body of a GET by itself.
    const length = body === null ? {} : { 'content-length': Buffer.byteLength(body) }
    const sent = http.request({ socketPath, method, path, headers: { host: 'egressd', ...headers, ...length } })
    sent.on('error', reject)
    sent.on('response', answer => {
      const { statusCode: status = 0, headers } = answer
      const type = headers['content-type'] ?? ''
      let text = ''
      answer.setEncoding('utf8').on('data', chunk => {
        text += chunk
      })
      answer.on('end', () => resolve({ status, type, text }))
      answer.on('error', reject)
      // What is told for as long as somebody listens.
      if (status !== 200 || !/ndjson|event-stream/.test(type)) return
      resolve({ status, type, text })
      answer.off('error', reject).on('error', () => {})
      answer.destroy()
    })
    sent.end(body ?? undefined)
  })
}

const methods = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS']
const segment = fc.oneof(
  fc.constantFrom('br0', 'ns0', 'nothing', '..', '.', '%', '%2f', '%00', '%ff', 'a%20b', '__proto__', 'x'.repeat(300)),
  fc.string({ unit: 'binary', maxLength: 12 }).map(text => encodeURIComponent(text.toWellFormed())),
)
const visible = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map(code => String.fromCharCode(code)) })
const query = fc
  .array(fc.tuple(fc.constantFrom('network', 'limit', 'after', 'label', 'since', 'prune', '__proto__', 'x'), visible), {
    maxLength: 3,
  })
  .map(pairs => pairs.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&'))
const headerValue = fc.oneof(visible, fc.constantFrom('', 'application/json', 'text/plain', 'gzip', '1', 'a,b', '%'))
const header = fc.tuple(
  fc.constantFrom(
    'content-type',
    'accept',
    'idempotency-key',
    'x-request-id',
    'content-encoding',
    'last-event-id',
    'if-match',
    'x-y',
  ),
  headerValue,
)
const body = fc.oneof(
  { weight: 5, arbitrary: nearlyOf(bodies).map(value => JSON.stringify(value) ?? '') },
  { weight: 2, arbitrary: json.map(value => JSON.stringify(value) ?? '') },
  fc.array(nearlyOf(lines), { maxLength: 4 }).map(list => list.map(line => `${JSON.stringify(line)}\n`).join('')),
  fc.uint8Array({ maxLength: 200 }),
  fc.string({ unit: 'binary' }).map(text => text.toWellFormed()),
  fc.constant('['.repeat(50_000)),
  fc.constant('{"toString":0,"subnets":[{"toString":0}],"gateway":["10.0.0.1"]}'),
  fc.constant(null),
)

/** Of a path of the document, or of none; with what any client can send. */
const request = (known: string[]) =>
  fc.record({
    method: fc.constantFrom(...methods),
    path: fc
      .tuple(
        fc.oneof(
          { weight: 9, arbitrary: fc.constantFrom(...known) },
          segment.map(text => `/v1/${text}`),
        ),
        segment,
        fc.oneof({ weight: 3, arbitrary: fc.constant('') }, query),
      )
      .map(([path, name, asked]) => `${path.replace('{name}', () => name)}${asked && `?${asked}`}`),
    headers: fc
      .array(header, { maxLength: 3 })
      .map(list => ({ 'content-type': 'application/json', ...Object.fromEntries(list) })),
    body,
  })

test('any request has an answer of its route, or a problem of ours', { timeout: 3_600_000 }, async () => {
  const seen = new Map<string, number>()
  const check = async (wanted: Ask) => {
    const { status, type, text } = await ask(wanted)
    const what = `${status} ${type} ${text.slice(0, 600)}`
    seen.set(String(status), (seen.get(String(status)) ?? 0) + 1)
    expect(status, what).not.toBe(500)
    expect(faults, what).toEqual([])
    if (status < 400) return
    expect(type, what).toBe('application/problem+json')
    if (wanted.method === 'HEAD') return
    const problem = JSON.parse(text)
    expect(errorCodes, what).toHaveProperty(problem.code)
    expect(problem, what).toMatchObject({ status, type: `urn:egressd:error:${problem.code}` })
    expect(problem.detail, what).toMatch(/./)
    expect(text.length, what).toBeLessThan(100_000)
  }
  const known = Object.keys(paths)
  expect(known.length).toBeGreaterThan(10)
  // It takes all away, which is well; but then there is little left to ask for.
  const asked = request(known.filter(path => path !== '/v1/down'))
  await fc.assert(fc.asyncProperty(asked, check), { numRuns })
  // It was not one kind of answer for all.
  expect(seen.size).toBeGreaterThan(3)
  expect((await ask({ method: 'GET', path: '/readyz', headers: {}, body: null })).status).toBe(200)
})
