import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const page = fileURLToPath(new URL('../../docs/api', import.meta.url))
const check = process.argv[2] === '--check'
const out = check ? mkdtempSync(join(tmpdir(), 'egressd-api-')) : page
try {
  const faults = [...make(out), ...(check ? differences(page, out) : [])]
  for (const fault of faults) console.log(fault)
  process.exitCode = faults.length > 0 ? 1 : 0
} finally {
  if (check) rmSync(out, { recursive: true })
}

/** What it says, but for members of types without a name: the comment of the whole tells of them. */
function make(folder) {
  const done = spawnSync(process.execPath, ['node_modules/typedoc/bin/typedoc', '--out', folder], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  const faults = done.stderr.split('\n').filter(line => /^\[(warning|error)\] (?!Found )/.test(line))
  const ours = faults.filter(line => !line.includes('.__type'))
  return done.status === 0 ? ours : [...ours, `typedoc: exit status ${done.status}`]
}

function differences(kept, made) {
  const [there, new_] = [kept, made].map(pagesOf)
  return [...new Set([...there.keys(), ...new_.keys()])]
    .filter(name => there.get(name) !== new_.get(name))
    .map(name => `docs/api/${name} is not as the source says: run scripts/api-reference`)
}

function pagesOf(folder) {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.md'))
  return new Map(names.map(name => [name, readFileSync(join(folder, name), 'utf8')]))
}
