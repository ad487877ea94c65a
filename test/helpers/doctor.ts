// A host that egressd has made something on, and what doctor says of it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Check } from '../../src/doctor/check.js'
import { type DiagnoseOptions, type Diagnosis, diagnose } from '../../src/doctor/diagnose.js'
import { createLibrary, dual, type Library, named } from './library.js'

export const look = ({ host, stateDir, netnsDir }: Library, options: DiagnoseOptions = {}) =>
  diagnose({ host: { fd: host.kernel.hostFd }, stateDir, netnsDir, ...options })

export const byId = ({ checks }: Diagnosis, id: string) => checks.find(check => check.id === id) as Check

/** Checks that came out otherwise than before. */
export const changed = (before: Diagnosis, after: Diagnosis) =>
  Object.fromEntries(
    after.checks.filter(({ id, status }) => byId(before, id).status !== status).map(({ id, status }) => [id, status]),
  )

export async function standing(): Promise<Library> {
  const library = await createLibrary()
  const network = await library.egress.network(dual)
  await network.create(named)
  return library
}

/** A machine's files, as they would be; privileges are those of the test. */
export function machine(files: Record<string, string>): { root: string } & Disposable {
  const root = mkdtempSync('/run/egressd-root-')
  const privileges = { 'proc/thread-self/status': readFileSync('/proc/thread-self/status', 'utf8') }
  for (const [path, text] of Object.entries({ ...privileges, ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true }) }
}
