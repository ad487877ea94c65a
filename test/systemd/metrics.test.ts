// What Prometheus and Grafana are given goes together with what the daemon says.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { value, valuesOf } from '../helpers/metrics.js'
import { type Box, noBox } from '../helpers/systemd-box.js'
import { config, installed, socket, someNetwork } from '../helpers/systemd-install.js'

const root = join(import.meta.dirname, '../..')
const rules = join(root, 'packaging/prometheus/egressd.rules.yml')
const dashboard = join(root, 'packaging/grafana/egressd.json')
const promtool = (args: string[], input?: string) => spawnSync('promtool', args, { encoding: 'utf8', input })
const noPromtool = promtool(['--version']).error ? 'there is no promtool' : null

describe.skipIf(noPromtool)(`promtool${noPromtool ? `: ${noPromtool}` : ''}`, () => {
  test('finds the alerts right', () => {
    const { status, stdout, stderr } = promtool(['check', 'rules', '--lint=all', '--lint-fatal', rules])
    expect(stdout + stderr).toContain('15 rules found')
    expect(status).toBe(0)
  })

  test('sees each alert fire, and be silent', () => {
    const file = rules.replace('.yml', '.test.yml')
    const { status, stdout, stderr } = promtool(['test', 'rules', file])
    expect(`${stdout}${stderr}`).toContain('SUCCESS')
    expect(status).toBe(0)
    const alerts = [...readFileSync(rules, 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name]) => name)
    const tested = readFileSync(file, 'utf8')
    for (const name of alerts) {
      expect(tested).toContain(`name: ${name} fires`)
      expect(tested).toContain(`name: ${name} is silent`)
    }
  })
})

test('each alert has its place in the manual', () => {
  const manual = readFileSync(join(root, 'docs/operations.md'), 'utf8')
  for (const [, name] of readFileSync(rules, 'utf8').matchAll(/- alert: (\w+)/g))
    expect(manual).toMatch(`### ${name}\n`)
})

describe.skipIf(noBox)(`a scrape${noBox ? `: ${noBox}` : ''}`, () => {
  let box: Box
  let scrape: string
  const get = (path: string) => box.sh(`curl --silent --fail --unix-socket ${socket} http://egressd${path}`)

  beforeAll(async () => {
    box = await installed()
    const pools = 'pools: [{name: jobs, network: br0, size: 2}]\n'
    box.write(config, `${someNetwork}group: egressd\n${pools}`)
    await box.sh('systemctl start egressd.service')
    await box.sh(`ip netns exec ns0 ping -c 3 -i 0.01 8.8.8.8
      curl --silent --unix-socket ${socket} -X PUT -H 'content-type: application/json' -d '{"network":"none"}' http://x/v1/namespaces/x
      curl --silent --unix-socket ${socket} -X PUT -H 'content-type: application/json' -d '{"network":"br0"}' http://x/v1/namespaces/made
      curl --silent --unix-socket ${socket} -X POST http://x/v1/pools/jobs/claim
      curl --silent --unix-socket ${socket} -X DELETE http://x/v1/namespaces/made?wait=gone`)
    scrape = await get('/metrics')
  }, 180_000)
  afterAll(() => box?.[Symbol.asyncDispose]())

  test('says what was done', () => {
    expect(value(scrape, 'egressd_operations_total{operation="namespace.create",result="ok"}')).toBe(1)
    expect(value(scrape, 'egressd_pool_claims_total{pool="jobs"}')).toBe(1)
    expect(value(scrape, 'egressd_config_last_reload_successful')).toBe(1)
    expect(valuesOf(scrape, 'egressd_namespaces')['network="br0"']).toBeGreaterThanOrEqual(2)
    // Three pings of 84 bytes, and whatever else the namespace had to say.
    expect(value(scrape, 'egressd_network_egress_packets_total{network="br0"}')).toBeGreaterThanOrEqual(3)
    expect(value(scrape, 'egressd_network_egress_bytes_total{network="br0"}')).toBeGreaterThanOrEqual(3 * 84)
    expect(value(scrape, 'egressd_network_ingress_packets_total{network="br0"}')).toBeGreaterThanOrEqual(3)
  })

  test('what a network has sent becomes no less when its namespaces go', async () => {
    const egress = (text: string) => value(text, 'egressd_network_egress_bytes_total{network="br0"}') as number
    await box.sh(`ip netns exec ns0 ping -c 20 -i 0.002 8.8.8.8`)
    await get('/v1/namespaces')
    const before = egress(await get('/metrics'))
    expect(before).toBeGreaterThanOrEqual(egress(scrape) + 20 * 84)
    await box.sh(`curl --silent --fail --unix-socket ${socket} -X DELETE http://x/v1/namespaces/ns0?wait=gone`)
    expect(egress(await get('/metrics'))).toBeGreaterThanOrEqual(before)
  })

  test.skipIf(noPromtool)('is as promtool wants it', () => {
    const { status, stdout, stderr } = promtool(['check', 'metrics'], scrape)
    expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' })
  })

  test.each([
    ['alerts', rules],
    ['dashboard', dashboard],
  ])('has all that the %s ask for', (_what, file) => {
    const names = new Set(readFileSync(file, 'utf8').match(/\b(?:egressd|process|nodejs)_[a-z0-9_]+\b(?=[{[) ]|$)/gm))
    expect(names.size).toBeGreaterThan(8)
    for (const name of names) expect(scrape, name).toContain(`# TYPE ${name.replace(/_bucket$/, '')} `)
  })

  test('and the dashboard shows all that is egressd’s own', () => {
    const shown = readFileSync(dashboard, 'utf8')
    const own = [...scrape.matchAll(/^# TYPE (egressd_\S+) /gm)].map(([, name]) => name as string)
    const hidden = ['egressd_config_last_reload_success_timestamp_seconds']
    expect(own.filter(name => !shown.includes(name) && !hidden.includes(name))).toEqual([])
  })
})
