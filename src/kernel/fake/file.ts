import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { type Errno, Refusal } from './refusal.js'
import type { Handlers } from './world.js'

/** Real ones: a state directory is real, too. */
export const fileHandlers: Handlers<'file.write' | 'file.move' | 'file.remove'> = {
  'file.write': (_, { path, text }) => attempt(path, () => writeFileSync(path, text, { mode: 0o600 })),
  'file.move': (_, { from, to }) => attempt(to, () => renameSync(from, to)),
  'file.remove': (_, { path }) => attempt(path, () => rmSync(path, { force: true })),
}

function attempt(path: string, work: () => void): undefined {
  try {
    work()
  } catch (error) {
    throw new Refusal((error as { code: Errno }).code, path)
  }
}
