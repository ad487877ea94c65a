import { afterEach, beforeEach, expect, test } from 'vitest'
import { DaemonMetrics, type MetricsSource } from '../../src/daemon/metrics.js'
import type { Operation } from '../../src/engine/channels.js'
import { EgressError } from '../../src/errors.js'
import { publish, value, valuesOf } from '../helpers/metrics.js'

const stateDir = '/run/egressd-metrics-test'
let source: { -readonly [K in keyof MetricsSource]: MetricsSource[K] }
let metrics: DaemonMetrics
beforeEach(() => {
  source = {
    stateDir,
    version: '1.2.3',
    readNetworks: async () => [],
    readPools: async () => [],
    readTraffic: async () => [],
  }
  metrics = new DaemonMetrics(source)
})
afterEach(() => metrics.stop())

const read = async (series: string) => value(await metrics.render(), series)
const operation = (fields: Partial<Operation>) =>
  publish('egressd:operation', {
    stateDir,
    operation: 'namespace.create',
    items: 1,
    failed: 0,
    milliseconds: 1,
    ...fields,
  } satisfies Operation)

test('says what runs, and what process and event loop do', async () => {
  const text = await metrics.render()
  expect(value(text, 'egressd_build_info{version="1.2.3"}')).toBe(1)
  expect(value(text, 'process_open_fds')).toBeGreaterThan(2)
  expect(value(text, 'process_resident_memory_bytes')).toBeGreaterThan(1e6)
  expect(value(text, 'nodejs_eventloop_lag_p99_seconds')).not.toBeNull()
  expect(metrics.contentType).toMatch(/^text\/plain; version=0\.0\.4/)
})

test('counts operations by what came of them, and how long they took', async () => {
  operation({ milliseconds: 0.2 })
  operation({ milliseconds: 30 })
  const fault = { op: 'link.add', call: 'RTM_NEWLINK', errno: 'EEXIST', number: 17, message: '' }
  operation({ failed: 1, milliseconds: 4, error: new EgressError('EGRESSD_NAME_TAKEN', undefined, { fault }) })
  operation({ operation: 'namespace.create-many', items: 10, failed: 3, error: new Error('other') })
  operation({ stateDir: '/elsewhere' })
  const text = await metrics.render()
  const counted = Object.entries(valuesOf(text, 'egressd_operations_total'))
  expect(Object.fromEntries(counted.filter(([, count]) => count > 0))).toEqual({
    'operation="namespace.create",result="ok"': 2,
    'operation="namespace.create",result="EGRESSD_NAME_TAKEN"': 1,
    'operation="namespace.create-many",result="unknown"': 1,
  })
  expect(valuesOf(text, 'egressd_operation_items_total')).toEqual({
    'operation="namespace.create",result="ok"': 2,
    'operation="namespace.create",result="failed"': 1,
    'operation="namespace.create-many",result="ok"': 7,
    'operation="namespace.create-many",result="failed"': 3,
  })
  const bucket = (le: string) =>
    value(text, `egressd_operation_duration_seconds_bucket{le="${le}",operation="namespace.create"}`)
  expect(['0.0001', '0.00025', '0.0025', '0.005', '0.05', '10', '+Inf'].map(bucket)).toEqual([0, 1, 1, 2, 3, 3, 3])
  expect(value(text, 'egressd_operation_duration_seconds_sum{operation="namespace.create"}')).toBeCloseTo(0.0342)
  expect(valuesOf(text, 'egressd_kernel_errors_total')).toEqual({
    'operation="namespace.create",kernel_operation="link.add",errno="EEXIST"': 1,
  })
})

test('what one refusal is worth an alert is there with 0', async () => {
  expect(await read('egressd_operations_total{operation="namespace.create",result="EGRESSD_NETWORK_FULL"}')).toBe(0)
  expect(await read('egressd_conflicts_total')).toBe(0)
})

test('counts what the watch says', async () => {
  expect(await read('egressd_drifts_total')).toBe(0)
  for (const type of ['drift', 'drift', 'repaired', 'failed', 'conflict', 'overrun', 'deaf', 'unheard-of'])
    publish('egressd:event', { stateDir, type })
  publish('egressd:event', { stateDir: '/elsewhere', type: 'drift' })
  const text = await metrics.render()
  const names = ['drifts', 'repairs', 'repair_failures', 'conflicts', 'watch_overruns', 'watch_failures']
  expect(names.map(name => value(text, `egressd_${name}_total`))).toEqual([2, 1, 1, 1, 1, 1])
})

test('shows networks and pools as they are, and none that is gone', async () => {
  const stats = { ready: 3, claimed: 2, making: 1, waiting: 4, claims: 50, misses: 5, refusals: 6, destroyed: 7 }
  const more = { recycled: 8, retryInMs: null, lastError: null }
  source.readNetworks = async () => [
    { name: 'br0', namespaces: 7 },
    { name: 'br1', namespaces: 0 },
  ]
  source.readPools = async () => [
    { name: 'jobs', stats: { ...stats, ...more } },
    { name: 'sick', stats: { ...stats, ...more, lastError: new EgressError('EGRESSD_KERNEL') } },
  ]
  for (let i = 0; i < 2; i++) {
    const text = await metrics.render()
    expect(valuesOf(text, 'egressd_namespaces')).toEqual({ 'network="br0"': 7, 'network="br1"': 0 })
    const of = (name: string) => value(text, `egressd_pool_${name}{pool="jobs"}`)
    expect(['ready', 'claimed', 'making', 'waiting_claims', 'failing'].map(of)).toEqual([3, 2, 1, 4, 0])
    const total = (name: string) => of(`${name}_total`)
    expect(['claims', 'misses', 'refusals', 'destroyed', 'recycled'].map(total)).toEqual([50, 5, 6, 7, 8])
    expect(value(text, 'egressd_pool_failing{pool="sick"}')).toBe(1)
  }
  source.readNetworks = async () => [{ name: 'br1', namespaces: 1 }]
  source.readPools = async () => []
  const text = await metrics.render()
  expect(valuesOf(text, 'egressd_namespaces')).toEqual({ 'network="br1"': 1 })
  expect(valuesOf(text, 'egressd_pool_claims_total')).toEqual({})
})

test('bytes and packets never become less, whatever links come and go', async () => {
  const link = (index: number, bytes: number, network = 'br0') => ({
    network,
    index,
    egressBytes: bytes,
    egressPackets: bytes / 10,
    ingressBytes: bytes * 2,
    ingressPackets: bytes / 5,
  })
  const rounds = [
    { links: [link(5, 100), link(6, 200)], egress: 300 },
    // One goes, and with it its counters.
    { links: [link(5, 150)], egress: 350 },
    // Another comes, which has counted since it was made.
    { links: [link(5, 150), link(7, 1000)], egress: 1350 },
    // None, then one of that number with less than before: it has been made anew.
    { links: [], egress: 1350 },
    { links: [link(5, 10)], egress: 1360 },
    // A counter that went back has lost what it had: nothing is taken off.
    { links: [link(5, 4)], egress: 1360 },
    { links: [link(5, 14)], egress: 1370 },
  ]
  for (const { links, egress } of rounds) {
    source.readTraffic = async () => links
    const text = await metrics.render()
    const of = (name: string) => value(text, `egressd_network_${name}_total{network="br0"}`)
    expect(of('egress_bytes')).toBe(egress)
    expect(of('egress_packets')).toBe(egress / 10)
    expect(of('ingress_bytes')).toBe(egress * 2)
    expect(of('ingress_packets')).toBe(egress / 5)
  }
  source.readTraffic = async () => [link(5, 30, 'br1')]
  expect(await read('egressd_network_egress_bytes_total{network="br1"}')).toBe(30)
  expect(await read('egressd_network_egress_bytes_total{network="br0"}')).toBe(1370)
})

test('two that ask at once get one reading', async () => {
  let readings = 0
  source.readTraffic = async () => {
    readings++
    return [{ network: 'br0', index: 1, egressBytes: 10, egressPackets: 1, ingressBytes: 0, ingressPackets: 0 }]
  }
  const [one, two] = await Promise.all([metrics.render(), metrics.render()])
  expect(one).toBe(two)
  expect(readings).toBe(1)
  await metrics.render()
  expect(readings).toBe(2)
})

test('a scrape is whole, or it fails; the next is none the worse', async () => {
  const { readPools } = source
  source.readPools = () => Promise.reject(new Error('closed'))
  await expect(metrics.render()).rejects.toThrow('closed')
  source.readPools = readPools
  expect(await read('egressd_drifts_total')).toBe(0)
})

test('counts requests by route; what a client makes up is no label', async () => {
  const route = '/v1/namespaces/{name}'
  metrics.request({ method: 'PUT', route, status: 201, milliseconds: 3 })
  metrics.request({ method: 'PUT', route, status: 201, milliseconds: 5 })
  metrics.request({ method: 'BREW', route: null, status: 404, milliseconds: 1 })
  const text = await metrics.render()
  expect(valuesOf(text, 'egressd_http_requests_total')).toEqual({
    [`method="PUT",route="${route}",status="201"`]: 2,
    'method="other",route="none",status="404"': 1,
  })
  expect(value(text, `egressd_http_request_duration_seconds_sum{method="PUT",route="${route}"}`)).toBeCloseTo(0.008)
})

test('says whether the configuration was taken, and when', async () => {
  const at = 'egressd_config_last_reload_success_timestamp_seconds'
  expect(await read('egressd_config_last_reload_successful')).toBe(1)
  const started = await read(at)
  expect(started).toBeGreaterThan(Date.now() / 1000 - 60)
  metrics.reloaded(false)
  expect(await read('egressd_config_last_reload_successful')).toBe(0)
  expect(await read(at)).toBe(started)
  metrics.reloaded(true)
  expect(await read('egressd_config_last_reload_successful')).toBe(1)
})

test('after its end it hears nothing, and may end again', async () => {
  metrics.stop()
  metrics.stop()
  operation({})
  expect(await metrics.render()).not.toContain('egressd_operations_total')
})
