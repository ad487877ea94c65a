import { join } from 'node:path'
import { packageRoot } from '../../kernel/load.js'
import { buildProgram } from '../program.js'
import { errorsPage } from './errors-page.js'
import { manPage } from './man-page.js'
import { referencePage } from './page.js'

/** What is made of the commands and the table of errors, and where it is kept. */
export function manualFiles(): { path: string; text: string }[] {
  const program = buildProgram()
  return [
    { path: join(packageRoot, 'packaging/man/egressd.1'), text: manPage(program) },
    { path: join(packageRoot, 'docs/cli.md'), text: referencePage(program) },
    { path: join(packageRoot, 'docs/errors.md'), text: errorsPage() },
  ]
}
