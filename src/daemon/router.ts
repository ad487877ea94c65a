import { EgressError } from '../errors.js'
import type { Route } from './route.js'

/** What a request is to; `refusal` where that is nothing. */
export type Target =
  | { route: Route; params: Record<string, string>; query: URLSearchParams | null }
  | { route: null; refusal: EgressError; headers: Record<string, string> }

interface Path {
  path: string
  pattern: RegExp
  names: string[]
  /** By method, as clients write it. */
  routes: Map<string, Route>
  allow: string
}

/** Finds the route of a request by its method and target. */
export class Router {
  readonly #fixed = new Map<string, Path>()
  readonly #open: Path[] = []

  constructor(all: readonly Route[]) {
    for (const path of new Set(all.map(route => route.path))) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string)
      const routes = new Map<string, Route>()
      for (const route of all.filter(each => each.path === path)) {
        routes.set(route.method.toUpperCase(), route)
        if (route.method === 'get') routes.set('HEAD', route)
      }
      const pattern = new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '([^/]+)')}$`)
      const found = { path, pattern, names, routes, allow: [...routes.keys()].join(', ') }
      if (names.length === 0) this.#fixed.set(path, found)
      else this.#open.push(found)
    }
  }

  find(method: string, target: string): Target {
    const given = pathOf(target)
    if (given === null) {
      const words = 'its target is none: give a path, or a URL with one'
      return {
        route: null,
        refusal: new EgressError('EGRESSD_INVALID_REQUEST', words),
        headers: { connection: 'close' },
      }
    }
    const end = given.indexOf('?')
    const path = end < 0 ? given : given.slice(0, end)
    const [found, match] = this.#match(path)
    if (!found) {
      const refusal = new EgressError('EGRESSD_NOT_FOUND', `there is no ${path.slice(0, 200)}`)
      return { route: null, refusal, headers: {} }
    }
    const { routes, allow, names } = found
    const route = routes.get(method)
    if (!route) {
      const words = `${found.path} does not take ${method}, but ${allow}`
      return { route: null, refusal: new EgressError('EGRESSD_METHOD_NOT_ALLOWED', words), headers: { allow } }
    }
    const params = Object.fromEntries(names.map((name, i) => [name, decoded(match[i + 1] ?? '')]))
    return { route, params, query: end < 0 ? null : new URLSearchParams(given.slice(end + 1)) }
  }

  #match(path: string): [Path | null, readonly string[]] {
    const fixed = this.#fixed.get(path)
    if (fixed) return [fixed, []]
    for (const open of this.#open) {
      const match = open.pattern.exec(path)
      if (match) return [open, match]
    }
    return [null, []]
  }
}

/** Path and query of a request's target (RFC 9112, 3.2): as they stand, or of the URL that a client may write; null where it is neither. */
function pathOf(target: string): string | null {
  if (target.startsWith('/')) return target
  if (!/^https?:\/\//i.test(target) || !URL.canParse(target)) return null
  const { pathname, search } = new URL(target)
  return pathname + search
}

/** What is no encoding is left as it is: no name is like that. */
function decoded(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
