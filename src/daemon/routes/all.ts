import type { Route } from '../route.js'
import { healthRoutes } from './health.js'
import { namespaceRoutes } from './namespaces.js'
import { networkRoutes } from './networks.js'

/** The one list of routes. */
export const routes: readonly Route[] = [...networkRoutes, ...namespaceRoutes, ...healthRoutes]
