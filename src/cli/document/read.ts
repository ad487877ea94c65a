import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { EgressError } from '../../errors.js'
import type { SpecInput } from '../../spec/schema.js'
import { mistake } from '../command/mistake.js'
import { unreadable } from './unreadable.js'

/** Reads a document, YAML 1.2 or JSON; `-` is standard input. Throws EGRESSD_INVALID_SPEC, with line and column. */
export function readDocument(file: string, { mayBeEmpty = false }: { mayBeEmpty?: boolean } = {}): SpecInput {
  const fields = { field: 'file', value: file }
  const name = file === '-' ? 'standard input' : file
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (cause) {
    throw unreadable(file, cause)
  }
  // NB: to prune by a file that was not written yet would take everything away.
  if (!mayBeEmpty && text.trim() === '')
    throw mistake(
      'EGRESSD_INVALID_SPEC',
      `${name}: there is nothing in it`,
      'write {} into it where nothing is wanted',
      fields,
    )
  if (text.includes('\0'))
    throw mistake('EGRESSD_INVALID_SPEC', `${name}: it is not a text`, 'give a document in YAML or JSON', fields)
  // NB: without limits, a few lines of aliases make a document that fills the memory.
  const document = parseDocument(text, { uniqueKeys: true, prettyErrors: true })
  const [fault] = document.errors
  if (fault) throw new EgressError('EGRESSD_INVALID_SPEC', `${name}: ${fault.message.trimEnd()}`, fields)
  try {
    return (document.toJS({ maxAliasCount: 100 }) ?? {}) as SpecInput
  } catch (cause) {
    throw new EgressError('EGRESSD_INVALID_SPEC', `${name}: ${(cause as Error).message}`, { ...fields, cause })
  }
}
