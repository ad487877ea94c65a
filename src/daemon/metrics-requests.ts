import { Counter, Histogram, type Registry } from 'prom-client'

export interface SeenRequest {
  method: string
  /** As `/v1/networks/{name}`; null where there is none such. */
  route: string | null
  status: number
  milliseconds: number
}

const methods = new Set(['GET', 'HEAD', 'PUT', 'POST', 'DELETE'])
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** NB: what a client may choose freely, a path or a method of its own, is no label. */
export function countRequests(registers: Registry[]): (seen: SeenRequest) => void {
  const requests = new Counter({
    name: 'egressd_http_requests_total',
    help: 'Requests that were answered, by what with.',
    labelNames: ['method', 'route', 'status'],
    registers,
  })
  const durations = new Histogram({
    name: 'egressd_http_request_duration_seconds',
    help: 'From the head of the request to the end of the answer.',
    labelNames: ['method', 'route'],
    buckets,
    registers,
  })
  return seen => {
    const method = methods.has(seen.method) ? seen.method : 'other'
    const route = seen.route ?? 'none'
    requests.inc({ method, route, status: String(seen.status) })
    durations.observe({ method, route }, seen.milliseconds / 1000)
  }
}
