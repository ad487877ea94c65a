import { z } from 'zod'
import { Either } from '../../either.js'
import type { EgressEvent } from '../../engine/events.js'
import { event, trafficView } from '../../http/shapes.js'
import { networkInput } from '../../spec/schema.js'
import { type Route, route } from '../route.js'

/** So often something is sent, whether anything happens or not: who is not there any more is found out. */
const keepAliveMs = 15_000

const formats = {
  ndjson: { line: (each: EgressEvent) => `${JSON.stringify(each)}\n`, empty: '\n', type: 'application/x-ndjson' },
  sse: {
    line: (each: EgressEvent) => `id: ${each.id}\nevent: ${each.type}\ndata: ${JSON.stringify(each)}\n\n`,
    empty: ': still here\n\n',
    type: 'text/event-stream',
  },
}

export const eventRoutes: Route[] = [
  route({
    method: 'get',
    path: '/v1/events',
    id: 'followEvents',
    summary: 'What changes, as it does, or from behind the event `since` on; empty lines keep the connection awake',
    access: 'read',
    query: z.strictObject({
      /** Id of the last event that was seen; of who sends `Last-Event-ID`, that. */
      since: z.string().max(100).optional(),
    }),
    answers: {
      200: {
        description: 'One event a line; as server-sent events where that is what is accepted',
        schema: event,
        type: [formats.ndjson.type, formats.sse.type],
      },
    },
    async run({ service, request, query, gone, stream }) {
      const atEnd = stream()
      const { accept = '', 'last-event-id': last } = request.headers
      const format = /text\/event-stream/i.test(accept) ? formats.sse : formats.ndjson
      const since = query.since ?? (typeof last === 'string' && last.length <= 100 ? last : undefined)
      const either = new Either(gone, service.ending)
      atEnd(() => either[Symbol.dispose]())
      const { signal } = either
      const events = service.egress.events({ signal, ...(since !== undefined && { since }) })[Symbol.asyncIterator]()
      // NB: asked for before it is answered: who has the head of the answer misses nothing from then on.
      const first = events.next()
      return { status: 200, headers: { 'content-type': format.type }, stream: follow(events, first, format) }
    },
  }),
  route({
    method: 'get',
    path: '/v1/traffic',
    id: 'readTraffic',
    summary: 'What the namespaces have sent and received, a page at a time',
    access: 'read',
    query: z.strictObject({
      network: networkInput.shape.name.optional(),
      limit: z.coerce.number().int().min(1).max(1_000).default(1_000),
      after: z.string().optional(),
    }),
    answers: {
      200: {
        description: 'By name; `next` is the `after` of the page that follows, or null',
        schema: z.strictObject({ items: z.array(trafficView), next: z.string().nullable() }),
      },
    },
    async run({ service, query: { network, limit, after } }) {
      const all = await service.egress.readTraffic(network === undefined ? {} : { network })
      const rest = after === undefined ? all : all.filter(({ name }) => name > after)
      const items = rest.slice(0, limit)
      return { status: 200, body: { items, next: rest.length > items.length ? (items.at(-1)?.name ?? null) : null } }
    },
  }),
]

type Events = AsyncIterator<EgressEvent>

async function* follow(events: Events, first: ReturnType<Events['next']>, { line, empty }: typeof formats.ndjson) {
  let next = first
  try {
    for (;;) {
      const got = await within(next, keepAliveMs)
      if (got === null) yield empty
      else if (got.done) return
      else {
        yield line(got.value)
        next = events.next()
      }
    }
  } finally {
    // NB: not awaited: it ends with the signal, and until then waits for an event.
    void events.return?.()
  }
}

async function within<T>(work: Promise<T>, milliseconds: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>(resolve => {
    timer = setTimeout(() => resolve(null), milliseconds)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
