import type { Route } from '../route.js'
import { eventRoutes } from './events.js'
import { namespaceRoutes } from './namespaces.js'
import { networkRoutes } from './networks.js'
import { poolRoutes } from './pools.js'
import { serviceRoutes } from './service.js'
import { specRoutes } from './specs.js'

/** The one list of routes. `document`: what /v1/openapi.json says, which is made of them. */
export const routesWith = (document: () => object): Route[] => [
  ...networkRoutes,
  ...namespaceRoutes,
  ...poolRoutes,
  ...specRoutes,
  ...eventRoutes,
  ...serviceRoutes(document),
]
