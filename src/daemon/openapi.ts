import { z } from 'zod'
import * as shapes from '../http/shapes.js'
import type { Answered, Route } from './route.js'
import { packageVersion } from './version.js'

// OpenAPI 3.1 has JSON Schema 2020-12 for its schemas, and zod writes that: the routes and the shapes are all that is needed.

type Json = Record<string, unknown>

const named = {
  Network: shapes.networkView,
  NetworkBody: shapes.networkBody,
  Namespace: shapes.namespaceView,
  NamespaceBody: shapes.namespaceBody,
  BatchLine: shapes.batchLine,
  BatchResult: shapes.batchResult,
  Pool: shapes.poolView,
  Claim: shapes.claimBody,
  Spec: shapes.specBody,
  Plan: shapes.planView,
  Applied: shapes.appliedView,
  Change: shapes.changeView,
  Garbage: shapes.garbageView,
  Diagnosis: shapes.diagnosisView,
  Ping: shapes.pingBody,
  Echoes: shapes.pingView,
  Event: shapes.event,
  Traffic: shapes.trafficView,
  Problem: shapes.problem,
} as const

/** What /v1/openapi.json says. */
export function openApi(routes: readonly Route[]): Json {
  const schemas = new Schemas()
  for (const [name, schema] of Object.entries(named)) schemas.name(schema, name)
  const paths: Record<string, Json> = {}
  for (const route of routes) {
    paths[route.path] ??= {}
    Object.assign(paths[route.path] as Json, { [route.method]: describe(route, schemas) })
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'egressd',
      version: packageVersion(),
      description: 'Network namespaces with egress. HTTP/1.1 on a unix socket; there is no TCP port.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'http://localhost', description: 'By the socket; the host is not looked at' }],
    paths,
    components: { schemas: schemas.all() },
  }
}

/** Each schema of a body by a name of its own, so that those inside of others are told once. */
class Schemas {
  readonly #registry = z.registry<{ id: string }>()

  name(schema: z.ZodType, id: string): Json {
    if (!this.#registry.has(schema)) this.#registry.add(schema, { id })
    return { $ref: refOf(this.#registry.get(schema)?.id ?? id) }
  }

  all(): Json {
    const { schemas } = z.toJSONSchema(this.#registry, { io: 'input', uri: refOf })
    return Object.fromEntries(
      Object.entries(schemas).map(([id, schema]) => {
        const { $schema: _schema, $id: _id, ...rest } = schema as Json
        return [id, rest]
      }),
    )
  }
}

const refOf = (id: string): string => `#/components/schemas/${id}`

function describe(route: Route, schemas: Schemas): Json {
  const { id, summary, access, params, query, body, lines, bodyOptional, answers, errors = [] } = route
  const { idempotent, conditional } = route
  const name = `${id.charAt(0).toUpperCase()}${id.slice(1)}`
  const content = (type: string | string[], schema: z.ZodType, what: string): Json =>
    Object.fromEntries([type].flat().map(each => [each, { schema: schemas.name(schema, `${name}${what}`) }]))
  const answered = ({ description, schema, tagged, type = 'application/json' }: Answered): Json => ({
    description,
    headers: { 'X-Request-Id': requestIdHeader, ...(tagged && { ETag: entityTag }) },
    ...(schema && { content: content(type, schema, 'Answer') }),
  })
  const given = body
    ? content('application/json', body, 'Body')
    : lines && content('application/x-ndjson', lines, 'Line')
  const parameters = [
    ...parametersOf('path', params),
    ...parametersOf('query', query),
    ...(idempotent ? [idempotencyKey] : []),
    ...(conditional ? [ifMatch] : []),
  ]
  return {
    operationId: id,
    summary,
    description: whoMay[access],
    ...(parameters.length > 0 && { parameters }),
    ...(given && { requestBody: { content: given, required: !bodyOptional } }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, answered(answer)])),
      default: {
        description: ['What is wrong, by its `code`', ...errors].join('; '),
        content: content('application/problem+json', shapes.problem, 'Problem'),
      },
    },
  }
}

const whoMay = {
  open: 'For whoever can connect.',
  read: 'For root and the group; for others where the configuration says `read: all`.',
  write: 'For root and the group.',
}

const requestIdHeader = { description: 'As in the log of the daemon', schema: { type: 'string' } }
const entityTag = { description: 'Its id, in quotes: for If-Match', schema: { type: 'string' } }

const ifMatch = {
  name: 'If-Match',
  in: 'header',
  required: false,
  description: 'The ETag of the one that is meant: of another that has its name by now nothing is changed (412)',
  schema: { type: 'string' },
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same again within ten minutes is answered as before, and not done again',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
}

function parametersOf(place: 'path' | 'query', fields: z.ZodObject | undefined): Json[] {
  return Object.entries(fields?.shape ?? {}).map(([name, field]) => {
    const { $schema: _, ...schema } = z.toJSONSchema(field, { io: 'input' })
    return { name, in: place, required: place === 'path' || !field.safeParse(undefined).success, schema }
  })
}
