import type { Scenario } from '../scenario.js'
import { arrivals } from './arrivals.js'
import { churn } from './churn.js'
import { connect } from './connect.js'
import { eventLoop } from './event-loop.js'
import { growth } from './growth.js'
import { createMany, destroyMany } from './many.js'
import { create, destroy } from './one-at-a-time.js'
import { poolClaim } from './pool-claim.js'
import { apply, check, repair } from './reconcile.js'
import { soak } from './soak.js'
import { throughput } from './throughput.js'

/** In the order that they are run and told. */
export const scenarios: readonly Scenario[] = [
  create,
  destroy,
  createMany,
  destroyMany,
  churn,
  poolClaim,
  arrivals,
  growth,
  apply,
  check,
  repair,
  eventLoop,
  connect,
  throughput,
  soak,
]
export const scenarioNames = scenarios.map(({ name }) => name)
