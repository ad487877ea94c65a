import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { EgressError } from '../../errors.js'
import type { SpecInput } from '../../spec/schema.js'

/** Reads a document, YAML 1.2 or JSON; `-` is standard input. Throws EGRESSD_INVALID_SPEC, with line and column. */
export function readDocument(file: string): SpecInput {
  const fields = { field: 'file', value: file }
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new EgressError('EGRESSD_INVALID_SPEC', `${file} cannot be read: ${code}`, { ...fields, cause })
  }
  // NB: without limits, a few lines of aliases make a document that fills the memory.
  const document = parseDocument(text, { uniqueKeys: true, prettyErrors: true })
  const [fault] = document.errors
  if (fault) throw new EgressError('EGRESSD_INVALID_SPEC', `${file}: ${fault.message.trimEnd()}`, fields)
  try {
    return (document.toJS({ maxAliasCount: 100 }) ?? {}) as SpecInput
  } catch (cause) {
    throw new EgressError('EGRESSD_INVALID_SPEC', `${file}: ${(cause as Error).message}`, { ...fields, cause })
  }
}
