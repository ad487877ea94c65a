import { z } from 'zod'
import { EgressError } from '../../errors.js'
import { type Route, route } from '../route.js'

const text = { type: 'text/plain', schema: z.string() }

export const healthRoutes: Route[] = [
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
]
