import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BenchResult, benchResult } from '../../src/bench/result.js'
import { benchFixture, slowed } from '../helpers/bench-result.js'
import { egressd, freshWorld } from '../helpers/cli.js'

const directory = mkdtempSync(join(tmpdir(), 'bench-'))
const file = (name: string) => join(directory, name)
afterAll(() => rmSync(directory, { recursive: true }))

describe('a real run', () => {
  let outcome: Awaited<ReturnType<typeof egressd>>
  let result: BenchResult
  let census: [before: string, after: string]

  beforeAll(async () => {
    await using world = await freshWorld()
    const before = world.census()
    const args = ['bench', '--n', '5', '--rounds', '2', '--scenario', 'create,destroy,create-many,pool-claim']
    outcome = await world.egressd([...args, '--sides', 'library,anonymous,floor,pool,ip-tuned', '--json'])
    census = [before, world.census()]
    result = JSON.parse(outcome.stdout) as BenchResult
  }, 300_000)

  test('gives one JSON object of the schema, and nothing beside it', () => {
    expect(outcome.stderr).toBe('')
    expect(outcome.code).toBe(0)
    expect(benchResult.parse(result)).toEqual(result)
  })

  test('leaves nothing behind, inside or outside', () => {
    expect(result.leaks).toEqual([])
    expect(census[1]).toBe(census[0])
  })

  test('has the samples that were asked for, of each side', () => {
    const sizes = (scenario: string, side: string) =>
      result.series.find(one => one.scenario === scenario && one.side === side)?.rounds.map(samples => samples.length)
    for (const side of ['library', 'anonymous', 'floor']) expect(sizes('create', side)).toEqual([5, 5])
    expect(sizes('create', 'ip-tuned')).toEqual([3, 3])
    expect(sizes('destroy', 'library')).toEqual([5, 5])
    expect(sizes('create-many', 'floor')).toEqual([1, 1])
    expect(sizes('pool-claim', 'pool')).toEqual([5, 5])
    // It asked for create-many only, though both are measured in one go.
    expect(sizes('destroy-many', 'library')).toBeUndefined()
    for (const { rounds } of result.series) for (const sample of rounds.flat()) expect(sample).toBeGreaterThan(0)
    expect(result.verified).toBeGreaterThan(30)
    expect(result.skipped).toEqual([])
  })

  test('says where it was taken', () => {
    expect(result.environment).toMatchObject({ node: process.version, backend: 'nftables', cpus: expect.any(Number) })
    expect(result.environment.standing.links).toBeGreaterThan(0)
    expect(result.options).toMatchObject({ n: 5, rounds: 2, quick: false })
  })
})

test('Ctrl-C ends it, and nothing stays', async () => {
  await using world = await freshWorld()
  const before = world.census()
  const started = Date.now()
  const args = ['bench', '--scenario', 'create', '--sides', 'library,ip-tuned']
  const { code } = await world.egressd(args, { before: ['timeout', '--signal=INT', '2'] })
  // timeout(1) has a status of its own.
  expect(code).toBe(124)
  expect(Date.now() - started).toBeLessThan(40_000)
  expect(world.census()).toBe(before)
})

describe('told again from a saved result', () => {
  beforeAll(() => {
    writeFileSync(file('old.json'), JSON.stringify(benchFixture()))
    // Without the side that failed, which is a matter of its own.
    const whole = { ...benchFixture(), skipped: [] }
    writeFileSync(file('whole.json'), JSON.stringify(whole))
    writeFileSync(file('slow.json'), JSON.stringify(slowed(whole, 'library', 1.5)))
  })

  test('as a table, no colours, with what is absent', async () => {
    const { code, stdout } = await egressd(['bench', '--input', file('old.json')])
    // A side that is there and failed.
    expect(code).toBe(1)
    expect(stdout).toContain('create: make a namespace, one at a time')
    expect(stdout).toContain('pyroute2 in destroy: it ended: exit 1')
    expect(stdout).not.toContain('\u001b')
  })

  test('as files of all forms', async () => {
    const given = ['--json', file('j.json'), '--markdown', file('m.md'), '--action-json', file('sub/a.json')]
    const { stdout } = await egressd(['bench', '--input', file('old.json'), ...given, '--svg', file('svg')])
    expect(stdout).toContain('create: ')
    const [told, saved] = ['j.json', 'old.json'].map(name => JSON.parse(readFileSync(file(name), 'utf8')))
    expect(told).toEqual(saved)
    expect(readFileSync(file('m.md'), 'utf8')).toContain('| egressd |')
    expect(JSON.parse(readFileSync(file('sub/a.json'), 'utf8'))[0]).toHaveProperty('value')
    expect(readdirSync(file('svg'))).toContain('latency-create.svg')
  })

  test.each([
    ['whole.json', 'slow.json', 'worse', 1],
    ['slow.json', 'whole.json', 'better', 0],
    ['whole.json', 'whole.json', 'same', 0],
  ])('%s against %s: %s, exit status %i', async (before, now, verdict, status) => {
    const { code, stdout } = await egressd(['bench', '--input', file(now), '--compare', file(before)])
    expect(stdout).toMatch(new RegExp(`create, library.* ${verdict}`))
    expect(code).toBe(status)
  })
})

describe('a command line that is wrong: exit status 2, before anything is measured', () => {
  test.each([
    [['--scenario', 'creat'], 'scenario: "creat" is none of ', 'Did you mean "create"?'],
    [['--sides', 'library,ip-tables'], 'sides: "ip-tables" is none of ', 'Did you mean "ip-iptables"?'],
    [['--reference', 'nobody'], 'reference: "nobody" is none of ', ''],
    [['--input', '/nonexistent.json'], 'input: /nonexistent.json cannot be read: ENOENT', ''],
    [['--compare', '/dev/null'], 'compare: /dev/null: is no JSON', ''],
    [['--json', '/dev/null/y.json'], 'json: /dev/null/y.json cannot be written', ''],
    [['--n', 'many'], 'not a whole number', ''],
    [['--rounds', '0'], 'not a whole number', ''],
  ])('%j', async (args, message, hint) => {
    const { code, stdout, stderr } = await egressd(['bench', ...args])
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(stderr).toContain(hint)
    expect(stdout).toBe('')
  })
})
