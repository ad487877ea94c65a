// As much of JSON Schema 2020-12 as our documents have. A keyword that is not known here is an error, not left out.

type Json = Record<string, unknown>
type Check = (schema: Json, value: unknown, at: string, root: Json) => string[]

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

const types: Record<string, (value: unknown) => boolean> = {
  object: isObject,
  array: Array.isArray,
  string: value => typeof value === 'string',
  number: value => typeof value === 'number',
  integer: value => Number.isInteger(value),
  boolean: value => typeof value === 'boolean',
  null: value => value === null,
}

const say = (right: boolean, at: string, what: string) => (right ? [] : [`${at || '.'}: ${what}`])
const silent = () => []

const keywords: Record<string, Check> = {
  type: ({ type }, value, at) =>
    say(
      [type].flat().some(each => types[each as string]?.(value)),
      at,
      `is no ${String(type)}: ${JSON.stringify(value)}`,
    ),
  const: ({ const: only }, value, at) => say(value === only, at, `is not ${JSON.stringify(only)}`),
  enum: ({ enum: all }, value, at) => say((all as unknown[]).includes(value), at, `is none of ${JSON.stringify(all)}`),
  $ref: ({ $ref }, value, at, root) => {
    const target = String($ref).replace(/^#\//, '').split('/')
    const found = target.reduce<unknown>((here, key) => (here as Json)[key], root)
    return faults(found as Json, value, at, root)
  },
  anyOf: ({ anyOf }, value, at, root) =>
    say(
      (anyOf as Json[]).some(each => faults(each, value, at, root).length === 0),
      at,
      `fits none: ${JSON.stringify(value)}`,
    ),
  oneOf: ({ oneOf }, value, at, root) =>
    say(
      (oneOf as Json[]).filter(each => faults(each, value, at, root).length === 0).length === 1,
      at,
      `does not fit one: ${JSON.stringify(value)}`,
    ),
  allOf: ({ allOf }, value, at, root) => (allOf as Json[]).flatMap(each => faults(each, value, at, root)),
  properties: ({ properties }, value, at, root) =>
    isObject(value)
      ? Object.entries(properties as Record<string, Json>).flatMap(([key, each]) =>
          key in value ? faults(each, value[key], `${at}.${key}`, root) : [],
        )
      : [],
  required: ({ required }, value, at) =>
    isObject(value) ? (required as string[]).flatMap(key => say(key in value, at, `has no ${key}`)) : [],
  additionalProperties: ({ additionalProperties: more, properties = {} }, value, at, root) => {
    if (!isObject(value)) return []
    const rest = Object.keys(value).filter(key => !(key in (properties as Json)))
    if (more === false) return rest.flatMap(key => say(false, at, `has ${key}`))
    return isObject(more) ? rest.flatMap(key => faults(more, value[key], `${at}.${key}`, root)) : []
  },
  propertyNames: ({ propertyNames }, value, at, root) =>
    isObject(value) ? Object.keys(value).flatMap(key => faults(propertyNames as Json, key, at, root)) : [],
  items: ({ items }, value, at, root) =>
    Array.isArray(value) ? value.flatMap((each, i) => faults(items as Json, each, `${at}[${i}]`, root)) : [],
  minimum: ({ minimum }, value, at) => say(!(Number(value) < Number(minimum)), at, `is under ${String(minimum)}`),
  maximum: ({ maximum }, value, at) => say(!(Number(value) > Number(maximum)), at, `is over ${String(maximum)}`),
  minItems: ({ minItems }, value, at) =>
    say(!Array.isArray(value) || value.length >= Number(minItems), at, 'is too short'),
  minLength: ({ minLength }, value, at) =>
    say(typeof value !== 'string' || value.length >= Number(minLength), at, 'is too short'),
  pattern: ({ pattern }, value, at) =>
    say(
      typeof value !== 'string' || new RegExp(String(pattern), 'u').test(value),
      at,
      `is not like ${String(pattern)}`,
    ),
  default: silent,
  description: silent,
}

/** What is wrong with the value, a line each. `root`: what references are looked up in. */
export function faults(schema: Json, value: unknown, at = '', root: Json = schema): string[] {
  return Object.keys(schema).flatMap(key => {
    const check = keywords[key]
    if (!check) throw new Error(`the schema has ${key}, which is not known here`)
    return check(schema, value, at, root)
  })
}
