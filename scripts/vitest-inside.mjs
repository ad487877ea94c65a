// Vitest, inside a sandbox: a new network namespace has its loopback down.
import { spawnSync } from 'node:child_process'

spawnSync('ip', ['link', 'set', 'lo', 'up'], { stdio: 'inherit' })
await import('../node_modules/vitest/vitest.mjs')
