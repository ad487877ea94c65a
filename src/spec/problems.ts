import type { z } from 'zod'
import { EgressError, type ErrorCode, type Problem, show } from '../errors.js'

export type Path = readonly (string | number)[]

/** `namespaces[0].name` */
export function pathText(path: Path): string {
  return path
    .map(key => (typeof key === 'number' ? `[${key}]` : `.${key}`))
    .join('')
    .replace(/^\./, '')
}

/** Collects everything that is wrong with one input, to throw it at once. */
export class Problems {
  readonly #list: Problem[] = []
  readonly #input: unknown

  constructor(input: unknown) {
    this.#input = input
  }

  /** `what` goes on behind the value: `has 16 bytes`. */
  add(path: Path, code: ErrorCode, what: string): void {
    const value = this.at(path)
    const field = pathText(path)
    const shown = value === undefined ? '' : `${show(value)} `
    this.#list.push({ field, value, code, message: `${field || 'input'}: ${shown}${what}` })
  }

  /** The value there; undefined where there is nothing. */
  at(path: Path): unknown {
    return path.reduce<unknown>((value, key) => (value as Record<string | number, unknown> | null)?.[key], this.#input)
  }

  /** The texts of a list there that are right by themselves, each with its path. The schema reports the others. */
  texts(path: Path, fault: (text: string) => string | null): { path: Path; text: string }[] {
    const list = this.at(path)
    if (!Array.isArray(list)) return []
    return list.flatMap((text, i) =>
      typeof text === 'string' && fault(text) === null ? [{ path: [...path, i], text }] : [],
    )
  }

  /** What another reading found. */
  take(problems: readonly Problem[]): void {
    this.#list.push(...problems)
  }

  /** What the schema makes of the value there; undefined where it is not of that form, and the reasons are collected. */
  read<S extends z.ZodType>(schema: S, path: Path): z.output<S> | undefined {
    const result = parsed(schema, this.at(path))
    if (result?.success) return result.data
    if (!result) this.add(path, 'EGRESSD_INVALID_SPEC', 'is not of plain values')
    for (const issue of result?.error.issues ?? []) this.#addIssue(path, issue)
    return undefined
  }

  /** Throws the error of the only problem, or EGRESSD_INVALID_SPEC with all of them. */
  throwIfAny(): void {
    throwProblems(this.#list)
  }

  #addIssue(base: Path, issue: z.core.$ZodIssue): void {
    const path = [...base, ...issue.path.map(key => (typeof key === 'number' ? key : String(key)))]
    // Of several forms the one that it has, where that is plain, and not what is wrong with the others.
    const [meant, another] = issue.code === 'invalid_union' ? issue.errors.filter(each => each.every(isWithin)) : []
    if (meant && !another) {
      for (const each of meant) this.#addIssue(path, each)
    } else if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys)
        this.add([...path, key], 'EGRESSD_INVALID_SPEC', 'is given, but there is no such field')
    } else if (issue.code === 'invalid_key') {
      const [field, what] = [pathText(path), issue.issues[0]?.message ?? 'is not one']
      const message = `${field}: the name ${what}`
      this.#list.push({ field, value: this.at(path), code: 'EGRESSD_INVALID_SPEC', message })
    } else if (this.at(path) === undefined) {
      this.add(path, 'EGRESSD_INVALID_SPEC', 'is missing')
    } else {
      const code: unknown = issue.code === 'custom' ? issue.params?.code : undefined
      const what = issue.message.replace(/^Invalid (input|option): /, 'is not what it should be: ')
      this.add(path, (code as ErrorCode | undefined) ?? 'EGRESSD_INVALID_SPEC', what)
    }
  }
}

/** It is of that form, and something in it is not right. */
const isWithin = ({ path, code }: z.core.$ZodIssue): boolean => path.length > 0 || code === 'unrecognized_keys'

/** Nothing happens where there are none. */
export function throwProblems(problems: readonly Problem[]): void {
  const [first, ...more] = problems
  if (!first) return
  if (more.length === 0) throw new EgressError(first.code, first.message, { ...first, problems: [first] })
  const lines = problems.map(problem => `\n  ${problem.message}`).join('')
  throw new EgressError('EGRESSD_INVALID_SPEC', `${problems.length} problems:${lines}`, { problems: [...problems] })
}

/** Null where the schema could not look at it: it compares lengths that are objects, and what has getters may throw. */
function parsed<S extends z.ZodType>(schema: S, value: unknown) {
  try {
    return schema.safeParse(value)
  } catch {
    return null
  }
}
