import { EgressError, show } from './errors.js'

// What types say already, for who has none.

/** Throws EGRESSD_INVALID_SPEC where `value`, given as `field`, is no list. */
export function assertList(value: unknown, field: string): void {
  if (!Array.isArray(value)) throw refused(field, value, `${show(value)} is not a list`)
}

/** Throws EGRESSD_INVALID_SPEC for the first that is not. */
export function assertNamespaces(namespaces: readonly unknown[], isOne: (value: unknown) => boolean): void {
  const at = namespaces.findIndex(each => !isOne(each))
  if (at >= 0) throw refused(`namespaces[${at}]`, namespaces[at], 'is no namespace of this handle')
}

/** Throws EGRESSD_INVALID_SPEC where one is no text: compared with that, what has no such label at all would be like it. */
export function assertLabels(labels: object): void {
  for (const [key, value] of Object.entries(labels))
    if (typeof value !== 'string') throw refused(`labels.${key}`, value, `${show(value)} is not a text`)
}

/** Throws EGRESSD_INVALID_SPEC where `given` is no object, or has a field that is none of `known`. */
export function assertFields(given: unknown, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null) throw refused('input', given, `${show(given)} is not an object`)
  for (const [field, value] of Object.entries(given))
    if (!known.includes(field)) throw refused(field, value, `${show(value)} is given, but there is no such field`)
}

function refused(field: string, value: unknown, what: string): EgressError {
  const [code, message] = ['EGRESSD_INVALID_SPEC' as const, `${field}: ${what}`]
  return new EgressError(code, message, { field, value, problems: [{ field, value, code, message }] })
}
