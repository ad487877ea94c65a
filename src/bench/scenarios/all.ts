import type { Scenario } from '../scenario.js'
import { churn } from './churn.js'
import { growth } from './growth.js'
import { createMany, destroyMany } from './many.js'
import { create, destroy } from './one-at-a-time.js'

/** In the order that they are run and told. */
export const scenarios: readonly Scenario[] = [create, destroy, createMany, destroyMany, churn, growth]
export const scenarioNames = scenarios.map(({ name }) => name)
