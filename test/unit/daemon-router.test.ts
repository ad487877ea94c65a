import { describe, expect, test } from 'vitest'
import type { Route } from '../../src/daemon/route.js'
import { Router } from '../../src/daemon/router.js'

const route = (method: Route['method'], path: string): Route => ({ method, path, id: `${method} ${path}` }) as Route

const router = new Router([
  route('get', '/v1/things'),
  route('post', '/v1/things'),
  route('post', '/v1/things:batch'),
  route('get', '/v1/things/{name}'),
  route('put', '/v1/things/{name}'),
  route('post', '/v1/things/{name}/parts/{part}'),
  route('get', '/v1/file.json'),
])

const found = (method: string, target: string) => {
  const { route: is, ...rest } = router.find(method, target)
  if (!is || !('params' in rest)) throw new Error(`${method} ${target} is of nothing`)
  return { id: is.id, params: rest.params, query: rest.query?.toString() ?? null }
}

describe('the route of a request', () => {
  test.each([
    ['GET', '/v1/things', 'get /v1/things', {}, null],
    ['HEAD', '/v1/things', 'get /v1/things', {}, null],
    ['POST', '/v1/things:batch', 'post /v1/things:batch', {}, null],
    ['GET', '/v1/things?', 'get /v1/things', {}, ''],
    ['GET', '/v1/things?a=b&a=c%20d', 'get /v1/things', {}, 'a=b&a=c+d'],
    ['PUT', '/v1/things/x', 'put /v1/things/{name}', { name: 'x' }, null],
    ['PUT', '/v1/things/a%2Fb%20c', 'put /v1/things/{name}', { name: 'a/b c' }, null],
    ['GET', '/v1/things/%ff%', 'get /v1/things/{name}', { name: '%ff%' }, null],
    ['GET', '/v1/things/..', 'get /v1/things/{name}', { name: '..' }, null],
    ['GET', '/v1/things/__proto__', 'get /v1/things/{name}', { name: '__proto__' }, null],
    ['POST', '/v1/things/a/parts/b', 'post /v1/things/{name}/parts/{part}', { name: 'a', part: 'b' }, null],
    ['GET', 'http://any.host/v1/things/x?y=z', 'get /v1/things/{name}', { name: 'x' }, 'y=z'],
  ])('%s %s', (method, target, id, params, query) => {
    expect(found(method, target)).toEqual({ id, params, query })
  })

  test.each([
    ['GET', '/', 'EGRESSD_NOT_FOUND', {}],
    ['GET', '/v1/things/', 'EGRESSD_NOT_FOUND', {}],
    ['GET', '//v1/things', 'EGRESSD_NOT_FOUND', {}],
    ['GET', '/V1/things', 'EGRESSD_NOT_FOUND', {}],
    ['GET', '/v1/things/a/b', 'EGRESSD_NOT_FOUND', {}],
    ['GET', '/v1/fileXjson', 'EGRESSD_NOT_FOUND', {}],
    ['DELETE', '/v1/things/x', 'EGRESSD_METHOD_NOT_ALLOWED', { allow: 'GET, HEAD, PUT' }],
    ['get', '/v1/things', 'EGRESSD_METHOD_NOT_ALLOWED', { allow: 'GET, HEAD, POST' }],
    ['GET', '/v1/things:batch', 'EGRESSD_METHOD_NOT_ALLOWED', { allow: 'POST' }],
    ['OPTIONS', '*', 'EGRESSD_INVALID_REQUEST', { connection: 'close' }],
    ['GET', 'http://[', 'EGRESSD_INVALID_REQUEST', { connection: 'close' }],
    ['GET', '', 'EGRESSD_INVALID_REQUEST', { connection: 'close' }],
  ])('%s %s is refused', (method, target, code, headers) => {
    const refused = router.find(method, target)
    expect(refused).toMatchObject({ route: null, refusal: { code } })
    expect('headers' in refused && refused.headers).toEqual(headers)
  })
})
