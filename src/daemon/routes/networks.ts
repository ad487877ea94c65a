import { z } from 'zod'
import { networkBody, networkView } from '../../http/shapes.js'
import { type Route, route } from '../route.js'
import { found, looseName, networkName, viewNetwork } from '../views.js'

export const networkRoutes: Route[] = [
  route({
    method: 'get',
    path: '/v1/networks',
    id: 'listNetworks',
    summary: 'All networks',
    access: 'read',
    answers: { 200: { description: 'By name', schema: z.strictObject({ items: z.array(networkView) }) } },
    async run({ service }) {
      const networks = await service.egress.listNetworks()
      return { status: 200, body: { items: networks.map(viewNetwork).sort((a, b) => (a.name < b.name ? -1 : 1)) } }
    },
  }),
  route({
    method: 'get',
    path: '/v1/networks/{name}',
    id: 'getNetwork',
    summary: 'A network',
    access: 'read',
    params: looseName,
    answers: { 200: { description: 'The network', schema: networkView } },
    errors: ['EGRESSD_NOT_FOUND'],
    async run({ service, params: { name } }) {
      return { status: 200, body: viewNetwork(found(await service.egress.findNetwork(name), 'network', name)) }
    },
  }),
  route({
    method: 'put',
    path: '/v1/networks/{name}',
    id: 'putNetwork',
    summary: 'Make sure that a network is there as asked',
    access: 'write',
    params: networkName,
    body: networkBody,
    answers: {
      200: { description: 'It was there; what was missing of it was put back', schema: networkView },
      201: { description: 'It was made', schema: networkView },
    },
    errors: ['EGRESSD_MISMATCH'],
    async run({ service, params: { name }, body }) {
      let status = 200
      const network = await service.egress.network({ ...body, name }, { making: () => (status = 201) })
      return { status, body: viewNetwork(network) }
    },
  }),
  route({
    method: 'delete',
    path: '/v1/networks/{name}',
    id: 'deleteNetwork',
    summary: 'Remove a network, which must have no namespaces',
    access: 'write',
    params: networkName,
    answers: { 204: { description: 'It is not there, or not any more' } },
    errors: ['EGRESSD_MISMATCH'],
    async run({ service, params: { name } }) {
      await (await service.egress.findNetwork(name))?.destroy()
      return { status: 204 }
    },
  }),
]
