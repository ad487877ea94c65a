import { z } from 'zod'
import { Either } from '../../either.js'
import { EgressError } from '../../errors.js'
import { batchLine, batchResult, namespaceBody, namespaceView, pingBody, pingView } from '../../http/shapes.js'
import { networkInput } from '../../spec/schema.js'
import { Batch } from '../batch.js'
import { LineReader } from '../lines.js'
import { type Route, route } from '../route.js'
import { checkMatch, readMatch, tagged } from '../tags.js'
import { found, looseName, namespaceName, viewNamespace } from '../views.js'

const ndjson = 'application/x-ndjson'

const list = z.strictObject({
  network: networkInput.shape.name.optional(),
  /** `KEY=VALUE`; all of them must fit. */
  label: z.array(z.string().regex(/^[^=]+=/, 'is not like KEY=VALUE')).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  /** Name of the last one of the page before. */
  after: z.string().optional(),
})

export const namespaceRoutes: Route[] = [
  route({
    method: 'get',
    path: '/v1/namespaces',
    id: 'listNamespaces',
    summary: 'Namespaces, by name, a page at a time',
    access: 'read',
    query: list,
    answers: {
      200: {
        description: 'A page; `next` is the `after` of the one that follows it, or null',
        schema: z.strictObject({ items: z.array(namespaceView), next: z.string().nullable() }),
      },
    },
    async run({ service, query: { network, label = [], limit, after } }) {
      const labels = Object.fromEntries(
        label.map(text => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
      )
      const all = await service.egress.listNamespaces({ labels, ...(network !== undefined && { network }) })
      const rest = after === undefined ? all : all.filter(({ name }) => name > after)
      const page = rest.slice(0, limit)
      const next = rest.length > page.length ? (page.at(-1)?.name ?? null) : null
      return { status: 200, body: { items: page.map(viewNamespace), next } }
    },
  }),
  route({
    method: 'post',
    path: '/v1/namespaces',
    id: 'createNamespace',
    summary: 'Make an anonymous namespace, which stands as long as the daemon runs',
    access: 'write',
    body: namespaceBody,
    idempotent: true,
    begin: ({ egress }) => egress.anticipate(),
    answers: { 201: { description: 'It was made', schema: namespaceView, tagged: true } },
    errors: ['EGRESSD_NOT_FOUND'],
    async run({ service, body: { network: of, ...options } }) {
      const network = found(await service.egress.findNetwork(of), 'network', of, 'network')
      const namespace = await network.create(options)
      return { status: 201, body: viewNamespace(namespace), headers: tagged(namespace) }
    },
  }),
  route({
    method: 'post',
    path: '/v1/namespaces:batch',
    id: 'batch',
    summary: 'Make and destroy many: a line each, answered by a line each as it is done, while more are sent',
    access: 'write',
    lines: batchLine,
    answers: { 200: { description: 'In the order of their ends', schema: batchResult, type: ndjson } },
    async run({ service, request, proceed, stream }) {
      if (!/^application\/(x-)?ndjson\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
        throw new EgressError('EGRESSD_UNSUPPORTED_MEDIA', `the lines must be sent as Content-Type: ${ndjson}`)
      const atEnd = stream()
      proceed()
      const lines = new LineReader(request, 10 * service.config.limits.slowMs)
      const stop = () => lines.stop(new EgressError('EGRESSD_CLOSED', 'the daemon stops'))
      service.ending.addEventListener('abort', stop, { once: true })
      atEnd(() => {
        service.ending.removeEventListener('abort', stop)
        lines.stop()
      })
      return { status: 200, headers: { 'content-type': ndjson }, stream: new Batch(service, lines).results() }
    },
  }),
  route({
    method: 'get',
    path: '/v1/namespaces/{name}',
    id: 'getNamespace',
    summary: 'A namespace',
    access: 'read',
    params: looseName,
    query: z.strictObject({
      /** `true`: for who is about to enter it by its path. Refused where nothing is pinned there, or what is not ours. */
      enter: z.enum(['true'], 'is not "true"').optional(),
    }),
    answers: { 200: { description: 'The namespace', schema: namespaceView, tagged: true } },
    conditional: true,
    errors: ['EGRESSD_NOT_FOUND', 'EGRESSD_NAME_TAKEN', 'EGRESSD_REPLACED'],
    async run({ service, request, params: { name }, query: { enter } }) {
      const match = readMatch(request)
      const namespace = found(await service.egress.findNamespace(name), 'namespace', name)
      checkMatch(match, namespace)
      if (enter) await namespace.assertPinned()
      return { status: 200, body: viewNamespace(namespace), headers: tagged(namespace) }
    },
  }),
  route({
    method: 'put',
    path: '/v1/namespaces/{name}',
    id: 'putNamespace',
    summary: 'Make sure that a namespace is there as asked',
    access: 'write',
    params: namespaceName,
    body: namespaceBody,
    begin: ({ egress }, { name }) => egress.anticipate(name),
    answers: {
      200: { description: 'It was there; what was missing of it was put back', schema: namespaceView, tagged: true },
      201: { description: 'It was made', schema: namespaceView, tagged: true },
    },
    conditional: true,
    errors: ['EGRESSD_NOT_FOUND', 'EGRESSD_MISMATCH', 'EGRESSD_REPLACED'],
    async run({ service, request, params: { name }, body: { network: of, ...options } }) {
      const match = readMatch(request)
      const network = found(await service.egress.findNetwork(of), 'network', of, 'network')
      const there = await service.egress.findNamespace(name)
      if (there && there.network !== of)
        throw new EgressError('EGRESSD_MISMATCH', `namespace ${name} is of network ${there.network}, not of ${of}`, {
          field: 'network',
          value: of,
        })
      const only = match === '*' ? (there ? [there.id] : []) : match
      let status = 200
      const making = () => (status = 201)
      const namespace = await network.create({ ...options, name }, only ? { only, making } : { making })
      return { status, body: viewNamespace(namespace), headers: tagged(namespace) }
    },
  }),
  route({
    method: 'delete',
    path: '/v1/namespaces/{name}',
    id: 'deleteNamespace',
    summary: 'Destroy a namespace',
    access: 'write',
    params: namespaceName,
    query: z.strictObject({
      /** `reusable`, the default: answered once its name and addresses may be had again. `gone`: its interfaces are gone too. */
      wait: z.enum(['reusable', 'gone'], 'is neither "reusable" nor "gone"').optional(),
    }),
    answers: { 204: { description: 'It is not there, or not any more' } },
    conditional: true,
    errors: ['EGRESSD_REPLACED'],
    async run({ service, request, params: { name }, query: { wait } }) {
      const match = readMatch(request)
      const namespace = await service.egress.findNamespace(name)
      if (namespace) checkMatch(match, namespace)
      await namespace?.destroy(wait ? { wait } : {})
      return { status: 204 }
    },
  }),
  route({
    method: 'post',
    path: '/v1/namespaces/{name}/ping',
    id: 'ping',
    summary: 'ICMP echoes from inside',
    access: 'write',
    params: looseName,
    body: pingBody,
    waits: true,
    answers: { 200: { description: 'What came of each', schema: pingView } },
    conditional: true,
    errors: ['EGRESSD_NOT_FOUND', 'EGRESSD_NAME_TAKEN', 'EGRESSD_REPLACED'],
    async run({ service, request, params: { name }, body: { target, ...options }, gone }) {
      const match = readMatch(request)
      const namespace = found(await service.egress.findNamespace(name), 'namespace', name)
      checkMatch(match, namespace)
      using either = new Either(gone, service.ending)
      const echoes = await namespace.ping(target, { ...options, signal: either.signal })
      return { status: 200, body: { echoes } }
    },
  }),
]
