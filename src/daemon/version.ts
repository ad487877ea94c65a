import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../kernel/load.js'

/** Of this package. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version
}
