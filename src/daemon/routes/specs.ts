import { z } from 'zod'
import {
  appliedView,
  diagnosisView,
  downView,
  garbageBody,
  garbageView,
  planView,
  specBody,
} from '../../http/shapes.js'
import { type Route, route } from '../route.js'

const planned = (path: '/v1/plan' | '/v1/check', id: string, summary: string): Route =>
  route({
    method: 'post',
    path,
    id,
    summary,
    access: 'read',
    body: specBody,
    answers: { 200: { description: 'What differs; nothing was changed', schema: planView } },
    errors: ['EGRESSD_MISMATCH', 'EGRESSD_NAME_TAKEN', 'EGRESSD_SUBNET_OVERLAP'],
    async run({ service, body: { spec, prune = false } }) {
      return { status: 200, body: await service.egress.plan(spec, { prune }) }
    },
  })

export const specRoutes: Route[] = [
  planned('/v1/plan', 'plan', 'What applying a document would do'),
  planned('/v1/check', 'check', 'How what is there differs from a document'),
  route({
    method: 'post',
    path: '/v1/apply',
    id: 'apply',
    summary: 'Make networks and namespaces as a document says, by the least change',
    access: 'write',
    body: specBody,
    answers: { 200: { description: 'What was changed', schema: appliedView } },
    errors: ['EGRESSD_MISMATCH', 'EGRESSD_NAME_TAKEN', 'EGRESSD_SUBNET_OVERLAP'],
    async run({ service, body: { spec, prune = false, dryRun = false } }) {
      return { status: 200, body: await service.egress.apply(spec, { prune, dryRun }) }
    },
  }),
  route({
    method: 'post',
    path: '/v1/gc',
    id: 'collectGarbage',
    summary: 'Remove what is marked as made by egressd and belongs to nobody',
    access: 'write',
    body: garbageBody,
    bodyOptional: true,
    answers: { 200: { description: 'What was removed, and what stays and why', schema: garbageView } },
    async run({ service, body }) {
      return { status: 200, body: await service.egress.gc(body ?? {}) }
    },
  }),
  route({
    method: 'get',
    path: '/v1/doctor',
    id: 'diagnose',
    summary: 'Look at all that egress depends on here',
    access: 'read',
    query: z.strictObject({
      /** Planned number of namespaces, for limits. */
      namespaces: z.coerce.number().int().min(1).max(1_000_000).optional(),
    }),
    answers: { 200: { description: 'What was found', schema: diagnosisView } },
    async run({ service, query: { namespaces } }) {
      return { status: 200, body: await service.diagnose(namespaces) }
    },
  }),
  route({
    method: 'post',
    path: '/v1/down',
    id: 'down',
    summary:
      'Remove all networks and namespaces; the daemon stays, with nothing, until it reads its configuration again',
    access: 'write',
    body: z.strictObject({}),
    bodyOptional: true,
    answers: { 200: { description: 'What was removed', schema: downView } },
    async run({ service }) {
      return { status: 200, body: await service.down() }
    },
  }),
]
