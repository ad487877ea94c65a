// What our workflows keep to besides what `scripts/lint-workflows` looks for.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'

/** What a job may do besides reading. */
const allowed: Record<string, unknown> = {
  'release.yml': [
    ['publish', { contents: 'read', 'id-token': 'write' }],
    ['announce', { contents: 'write' }],
  ],
}

const root = join(import.meta.dirname, '../..')
const folder = join(root, '.github/workflows')

interface Step {
  uses?: string
  run?: string
  with?: Record<string, unknown>
}
interface Job {
  'runs-on': string
  'timeout-minutes'?: unknown
  needs?: string | string[]
  permissions?: Record<string, string>
  strategy?: { matrix: Record<string, unknown> & { include?: Record<string, unknown>[] } }
  steps: Step[]
}
interface Workflow {
  permissions: Record<string, string>
  concurrency: { group: string }
  jobs: Record<string, Job>
}

describe.each(readdirSync(folder))('%s', name => {
  const text = readFileSync(join(folder, name), 'utf8')
  const workflow = parse(text) as Workflow
  const jobs = Object.entries(workflow.jobs)
  const steps = jobs.flatMap(([, job]) => job.steps)

  test('may read the repository, and no more; whoever publishes may prove who it is, and the last one make a release', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' })
    const more = jobs.flatMap(([job, { permissions }]) => (permissions ? [[job, permissions]] : []))
    expect(more).toEqual(allowed[name] ?? [])
    expect(text).not.toContain('pull_request_target')
    expect(text).not.toContain('secrets.')
  })

  test('runs once at a time for what it is about, and every job ends', () => {
    expect(workflow.concurrency.group).toMatch(/^[a-z]+/)
    for (const [, job] of jobs) {
      expect(job['timeout-minutes']).toBeDefined()
      const runners = job.strategy?.matrix.include?.flatMap(({ runner }) => runner ?? []) ?? []
      for (const runner of job['runs-on'].startsWith('${{') ? runners : [job['runs-on']])
        expect(['ubuntu-24.04', 'ubuntu-24.04-arm']).toContain(runner)
    }
  })

  test('actions are of one commit, with the version beside it; credentials are not left on disk', () => {
    const lines = text.split('\n').filter(line => line.includes('uses:'))
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) expect(line).toMatch(/uses: actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
    for (const { uses = '', with: given } of steps)
      if (uses.startsWith('actions/checkout@')) expect(given).toMatchObject({ 'persist-credentials': false })
  })

  test('what comes from outside is no part of a script', () => {
    for (const { run = '' } of steps) expect(run).not.toContain('${{')
  })

  test('what a job downloads, one that it waits for has uploaded', () => {
    const waitedFor = (job: string): string[] =>
      [workflow.jobs[job]?.needs ?? []].flat().flatMap(other => [other, ...waitedFor(other)])
    const artifacts = ({ steps: all }: Job, action: string) =>
      all.flatMap(({ uses = '', with: given }) =>
        uses.startsWith(`actions/${action}-artifact@`) ? String(given?.name ?? given?.pattern) : [],
      )
    for (const [job, whole] of jobs) {
      // A matrix's value, or what a pattern leaves open, is any text.
      const there = waitedFor(job).flatMap(other => artifacts(workflow.jobs[other] as Job, 'upload'))
      const uploaded = there.map(one => one.replace(/\$\{\{.*?\}\}/g, '*'))
      for (const wanted of artifacts(whole, 'download')) expect(uploaded, job).toContain(wanted)
    }
  })

  test('scripts that it runs are there', () => {
    const named = new Set(text.match(/\bscripts\/[a-z0-9-]+/g) ?? [])
    expect([...named].filter(script => !existsSync(join(root, script)))).toEqual([])
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    for (const [, script] of text.matchAll(/npm run ([a-z:]+)/g)) expect(Object.keys(scripts)).toContain(script)
  })
})
