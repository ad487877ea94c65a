import { z } from 'zod'
import { EgressError } from '../../errors.js'
import { logView } from '../../http/shapes.js'
import type { LogLevel } from '../config.js'
import { type Route, route } from '../route.js'

const text = { type: 'text/plain', schema: z.string() }

/** About the daemon itself. `document`: what /v1/openapi.json says. */
export const serviceRoutes = (document: () => object): Route[] => [
  route({
    method: 'get',
    path: '/v1/log',
    id: 'getLog',
    summary: 'The level of the log',
    access: 'read',
    answers: { 200: { description: 'The level', schema: logView } },
    async run({ service }) {
      return { status: 200, body: { level: service.log.logger.level } }
    },
  }),
  route({
    method: 'put',
    path: '/v1/log',
    id: 'putLog',
    summary: 'Change the level of the log, until the configuration is read again',
    access: 'write',
    body: logView,
    answers: { 200: { description: 'The level', schema: logView } },
    async run({ service, body: { level } }) {
      service.setLogLevel(level as LogLevel)
      return { status: 200, body: { level } }
    },
  }),
  route({
    method: 'get',
    path: '/healthz',
    id: 'health',
    summary: 'Whether the engine answers',
    access: 'open',
    answers: { 200: { description: 'It does', ...text } },
    async run({ service }) {
      await service.alive()
      return { status: 200, text: 'ok\n' }
    },
  }),
  route({
    method: 'get',
    path: '/readyz',
    id: 'ready',
    summary: 'Whether what is configured was applied, and requests are taken',
    access: 'open',
    answers: { 200: { description: 'It was', ...text } },
    async run({ service }) {
      if (service.stage !== 'ready') throw new EgressError('EGRESSD_BUSY', `the daemon is ${service.stage}`)
      return { status: 200, text: 'ok\n' }
    },
  }),
  route({
    method: 'get',
    path: '/metrics',
    id: 'metrics',
    summary: 'Counts, for Prometheus',
    access: 'read',
    answers: { 200: { description: 'In its text format', ...text } },
    errors: ['EGRESSD_NOT_FOUND'],
    async run({ service: { metrics } }) {
      if (!metrics) throw new EgressError('EGRESSD_NOT_FOUND', 'there are no metrics: the configuration turns them off')
      return { status: 200, text: await metrics.render(), headers: { 'content-type': metrics.contentType } }
    },
  }),
  route({
    method: 'get',
    path: '/v1/openapi.json',
    id: 'openapi',
    summary: 'This document',
    access: 'read',
    answers: { 200: { description: 'OpenAPI 3.1', schema: z.looseObject({ openapi: z.string() }) } },
    async run() {
      return { status: 200, body: document() }
    },
  }),
]
