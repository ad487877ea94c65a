import { z } from 'zod'
import { Either } from '../../either.js'
import { claimBody, namespaceView, poolView } from '../../http/shapes.js'
import { Namespace } from '../../namespace.js'
import { type Route, route } from '../route.js'
import { tagged } from '../tags.js'
import { found, looseName, viewNamespace, viewPool } from '../views.js'

export const poolRoutes: Route[] = [
  route({
    method: 'get',
    path: '/v1/pools',
    id: 'listPools',
    summary: 'All pools',
    access: 'read',
    answers: { 200: { description: 'By name', schema: z.strictObject({ items: z.array(poolView) }) } },
    async run({ service }) {
      const items = await Promise.all((await service.egress.listPools()).map(viewPool))
      return { status: 200, body: { items: items.sort((a, b) => (a.name < b.name ? -1 : 1)) } }
    },
  }),
  route({
    method: 'get',
    path: '/v1/pools/{name}',
    id: 'getPool',
    summary: 'A pool, with its figures',
    access: 'read',
    params: looseName,
    answers: { 200: { description: 'The pool', schema: poolView } },
    errors: ['EGRESSD_NOT_FOUND'],
    async run({ service, params: { name } }) {
      return { status: 200, body: await viewPool(found(await service.egress.findPool(name), 'pool', name)) }
    },
  }),
  route({
    method: 'post',
    path: '/v1/pools/{name}/claim',
    id: 'claim',
    summary: 'Take a namespace that is ready, or wait for one',
    access: 'write',
    params: looseName,
    body: claimBody,
    bodyOptional: true,
    idempotent: true,
    waits: true,
    answers: {
      200: { description: 'It is the caller’s until it is released or destroyed', schema: namespaceView, tagged: true },
    },
    errors: ['EGRESSD_NOT_FOUND', 'EGRESSD_NAME_TAKEN', 'EGRESSD_POOL_EXHAUSTED', 'EGRESSD_TIMEOUT'],
    async run({ service, params: { name }, body, gone, key, log }) {
      const pool = found(await service.egress.findPool(name), 'pool', name)
      using either = new Either(gone, service.ending)
      const namespace = await pool.claim({ ...body, signal: either.signal })
      // Nobody will release it. With a key the answer can be asked for again.
      if (gone.aborted && key === null) {
        log.info({ namespace: namespace.name }, 'claimed for a client that has gone: it is released')
        await pool.release(namespace)
      }
      return { status: 200, body: viewNamespace(namespace), headers: tagged(namespace) }
    },
  }),
  route({
    method: 'post',
    path: '/v1/pools/{name}/release',
    id: 'release',
    summary: 'Give a namespace back that was claimed',
    access: 'write',
    params: looseName,
    body: z.strictObject({
      namespace: z.string('is not a string'),
      /** That one only, and no other that has its name by now. */
      id: z.string('is not a string').optional(),
    }),
    answers: { 204: { description: 'It is released, or there is none of that name any more' } },
    errors: ['EGRESSD_NOT_FOUND'],
    async run({ service, params: { name }, body }) {
      const pool = found(await service.egress.findPool(name), 'pool', name)
      const namespace = await service.egress.findNamespace(body.namespace)
      const meant = body.id === undefined || body.id === namespace?.id
      if (namespace instanceof Namespace && meant) await pool.release(namespace)
      return { status: 204 }
    },
  }),
]
