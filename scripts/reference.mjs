import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { manualFiles } from '../dist/cli/manual/files.js'

for (const { path, text } of manualFiles()) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
