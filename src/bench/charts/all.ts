import type { BenchResult } from '../result.js'
import { growthCharts } from './growth.js'
import { latencyCharts } from './latency.js'
import { rateCharts } from './rates.js'
import type { Chart } from './render.js'
import { soakCharts } from './soak.js'
import { arrivalCharts, trafficCharts } from './traffic.js'

/** All that the result has samples for. */
export function chartsOf(result: BenchResult): Chart[] {
  return [latencyCharts, rateCharts, arrivalCharts, growthCharts, soakCharts, trafficCharts].flatMap(of => of(result))
}
