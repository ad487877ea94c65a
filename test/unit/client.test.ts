import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { connect, EgressError } from '../../src/client.js'
import { readTree, valueImportsOf } from '../helpers/imports.js'
import {
  bodyOf,
  failure,
  json,
  namespace,
  network,
  type Script,
  scriptedDaemon,
  worldOf,
} from '../helpers/scripted-daemon.js'

describe('a daemon that is not there', () => {
  test('is told at once, with what to do', async () => {
    const socket = '/nonexistent/socket'
    const error = await failure(connect({ socket }))
    expect(error).toMatchObject({ code: 'EGRESSD_DAEMON_UNREACHABLE', details: { socket, errno: 'ENOENT' } })
    expect(error.message).toContain('is the daemon running?')
    expect(error.remedy).toContain('systemctl status egressd')
  })

  test('or is no daemon', async () => {
    await using daemon = await scriptedDaemon(() => {})
    const file = join(daemon.socket, '..', 'file')
    writeFileSync(file, '')
    expect((await failure(connect({ socket: file }))).code).toBe('EGRESSD_DAEMON_UNREACHABLE')
    await daemon.stop()
    expect((await failure(connect({ socket: daemon.socket }))).code).toBe('EGRESSD_DAEMON_UNREACHABLE')
  })

  test.each([
    [{ socket: '' }, 'socket'],
    [{ socket: 7 as never }, 'socket'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ timeoutMs: 2 ** 31 }, 'timeoutMs'],
    [{ timeoutMs: 'long' as never }, 'timeoutMs'],
  ])('%j is refused', async (options, field) => {
    expect(await failure(connect(options))).toMatchObject({ code: 'EGRESSD_INVALID_SPEC', field })
  })

  test('connecting ends with its signal', async () => {
    await using daemon = await scriptedDaemon(() => {})
    const reason = new Error('enough')
    await expect(connect({ socket: daemon.socket, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  test('is waited for while it is started anew', async () => {
    await using world = await worldOf((_, response) => json(response, { items: [network] }))
    const { daemon, client } = world
    await daemon.stop()
    const listed = client.listNetworks()
    // Asked in vain, more than once.
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(daemon.asked).toEqual([])
    await daemon.listen()
    expect(await listed).toHaveLength(1)
  })
})

describe('an answer that is none', () => {
  const answers: Script[] = [
    (_, response) => void response.writeHead(200).end('<html>'),
    (_, response) => void response.writeHead(502).end('bad gateway'),
    (_, response) => json(response, { code: 'EGRESSD_OF_TOMORROW', detail: 'what is this' }, 409),
    (_, response) => json(response, { things: [] }),
  ]
  test.each(answers)('is told as such (%#)', async script => {
    await using world = await worldOf(script)
    const error = await failure(world.client.listNetworks())
    expect(error.code).toBe('EGRESSD_DAEMON_ANSWER')
    expect(error.message).toContain('GET /v1/networks')
  })

  test('403 says that this user may not, with or without a body', async () => {
    await using world = await worldOf((_, response) => void response.writeHead(403).end())
    expect((await failure(world.client.gc())).code).toBe('EGRESSD_FORBIDDEN')
  })

  test('a problem is the error that it was, and so are those in it', async () => {
    const fault = { op: 'link.add', call: 'sendmsg', errno: 'EEXIST', number: 17, message: 'exists' }
    const inner = { name: 'EgressError', code: 'EGRESSD_KERNEL', message: 'no', remedy: 'x', fault }
    const changes = [
      { kind: 'namespace', name: 'a', action: 'create', fields: [], does: [], result: 'failed', error: inner },
    ]
    const problems = [{ field: 'name', value: 1, code: 'EGRESSD_INVALID_NAME', message: 'bad' }]
    const fields = { field: 'name', value: 1, fault, problems, undone: ['a'], left: ['b'] }
    const more = { type: 'urn:x', title: 't', status: 409, instance: 'id-1', remedy: 'r' }
    const body = { ...more, code: 'EGRESSD_MISMATCH', detail: 'the words', ...fields, details: { changes } }
    await using world = await worldOf((_, response) => json(response, body, 409))
    const error = await failure(world.client.apply({}))
    expect(error).toMatchObject({ code: 'EGRESSD_MISMATCH', message: 'the words', ...fields })
    expect(error.details?.requestId).toBe('id-1')
    const revived = error.details?.changes as { error: EgressError }[]
    expect(revived[0]?.error).toBeInstanceOf(EgressError)
    expect(revived[0]?.error).toMatchObject({ code: 'EGRESSD_KERNEL', message: 'no', fault })
  })
})

describe('a connection that is lost', () => {
  /** Loses the first `count` of those requests. */
  const losing = (count: number, then: Script): Script => {
    let lost = 0
    return (request, response) => (lost++ < count ? void request.socket.destroy() : then(request, response))
  }

  test('before the answer: what may be done twice is asked again', async () => {
    const view = namespace('ns0')
    await using world = await worldOf(losing(2, (_, response) => json(response, view, 201)))
    expect((await world.br0.create({ name: 'ns0' })).name).toBe('ns0')
    expect(world.daemon.asked).toEqual(Array.from({ length: 3 }, () => 'PUT /v1/namespaces/ns0'))
  })

  test('an anonymous one is asked for again with the same key', async () => {
    const keys: unknown[] = []
    const script = losing(1, (_, response) => json(response, namespace('anonymous-1'), 201))
    await using world = await worldOf((request, response) => {
      keys.push(request.headers['idempotency-key'])
      return script(request, response)
    })
    await world.br0.create()
    await world.br0.create()
    expect(keys).toHaveLength(3)
    expect(keys[0]).toMatch(/^[\w-]{8,}$/)
    expect(keys[1]).toBe(keys[0])
    expect(keys[2]).not.toBe(keys[0])
  })

  test('a release by the name alone is not, and what came of it is said to be unknown', async () => {
    const pool = { name: 'jobs', network: 'br0', stats: {} }
    await using world = await worldOf((request, response) => {
      if (request.method === 'GET') return json(response, pool)
      return void request.socket.destroy()
    })
    const jobs = await world.client.findPool('jobs')
    const error = await failure(jobs?.release({ name: 'x' } as never) as Promise<void>)
    expect(error).toMatchObject({
      code: 'EGRESSD_DAEMON_UNREACHABLE',
      details: { request: 'POST /v1/pools/jobs/release' },
    })
    expect(error.message).toContain('is not known')
    expect(world.daemon.asked.filter(line => line.startsWith('POST'))).toHaveLength(1)
  })

  test('a release by an id is asked for again', async () => {
    const pool = { name: 'jobs', network: 'br0', stats: {} }
    const script = losing(1, (_, response) => void response.writeHead(204).end())
    await using world = await worldOf((request, response) => {
      if (request.method === 'GET') return json(response, pool)
      return script(request, response)
    })
    const jobs = await world.client.findPool('jobs')
    await jobs?.release({ name: 'x', id: 'a' } as never)
    expect(world.daemon.asked.filter(line => line.startsWith('POST'))).toHaveLength(2)
  })

  test('in the middle of an answer is not asked again', async () => {
    await using world = await worldOf((request, response) => {
      response.writeHead(200, { 'content-length': 1000 }).write('{')
      setImmediate(() => request.socket.destroy())
    })
    expect((await failure(world.client.listNetworks())).code).toBe('EGRESSD_DAEMON_UNREACHABLE')
    expect(world.daemon.asked).toHaveLength(1)
  })

  test('again and again is an end, within the time limit', async () => {
    await using world = await worldOf(request => void request.socket.destroy(), { timeoutMs: 3_000 })
    expect((await failure(world.client.listNetworks())).code).toBe('EGRESSD_DAEMON_UNREACHABLE')
    expect(world.daemon.asked.length).toBeGreaterThan(2)
    expect(world.daemon.asked.length).toBeLessThan(15)
  })

  test('one that is being stopped has not done it', async () => {
    let stopping = true
    await using world = await worldOf((_, response) => {
      if (!stopping) return json(response, { items: [] })
      stopping = false
      json(response, { code: 'EGRESSD_CLOSED', detail: 'the handle was closed' }, 503)
    })
    expect(await world.client.listNetworks()).toEqual([])
  })
})

describe('time', () => {
  test('is limited', async () => {
    await using world = await worldOf(() => {}, { timeoutMs: 3_000 })
    const error = await failure(world.client.listNetworks())
    expect(error.code).toBe('EGRESSD_TIMEOUT')
    expect(error.message).toBe('GET /v1/networks: no answer within 3000 ms')
  })

  test('a signal ends the request, and the daemon sees it', async () => {
    let seen: (socket: unknown) => void = () => {}
    const gone = new Promise(resolve => (seen = resolve))
    const stop = new AbortController()
    const reason = new Error('enough')
    await using world = await worldOf(request => {
      request.socket.once('close', () => seen(true))
      stop.abort(reason)
    })
    await expect(world.client.apply({}, { signal: stop.signal })).rejects.toBe(reason)
    expect(await gone).toBe(true)
  })
})

describe('connections', () => {
  test('are few, are used again, and claims that wait do not keep others from theirs', async () => {
    const waiting: (() => void)[] = []
    await using world = await worldOf((request, response) => {
      if (request.url === '/v1/pools/jobs') return json(response, { name: 'jobs', network: 'br0', stats: {} })
      if (request.url === '/v1/networks') return json(response, { items: [] })
      if (request.url?.endsWith('/release')) {
        response.writeHead(204).end()
        waiting.shift()?.()
        return
      }
      waiting.push(() => json(response, namespace('job')))
    })
    const { client, daemon } = world
    await Promise.all(Array.from({ length: 500 }, () => client.listNetworks()))
    expect(daemon.connections.most).toBeLessThanOrEqual(32)
    const jobs = await client.findPool('jobs')
    const use = async () => {
      const claimed = await jobs?.claim()
      if (claimed) await jobs?.release(claimed)
    }
    const all = Promise.all(Array.from({ length: 300 }, use))
    while (waiting.length < 256) await new Promise(resolve => setImmediate(resolve))
    waiting.shift()?.()
    await all
    expect(daemon.connections.most).toBeLessThanOrEqual(32 + 256)
  })

  test('the longest time is not over at once', async () => {
    await using world = await worldOf(
      (request, response) => {
        if (request.method === 'GET') return json(response, { ...namespace('ns0'), stats: {} })
        setTimeout(() => json(response, request.url?.endsWith('/ping') ? { echoes: [] } : namespace('ns0')), 50)
      },
      { timeoutMs: 2 ** 31 - 1 },
    )
    const { client } = world
    expect(await (await client.findNamespace('ns0'))?.ping('192.168.0.1')).toEqual([])
    expect((await (await client.findPool('jobs'))?.claim({ timeoutMs: 2 ** 31 - 1 }))?.name).toBe('ns0')
  })

  test('closing ends what waits, and waits for the rest', async () => {
    let answer = () => {}
    await using world = await worldOf((request, response) => {
      if (request.url === '/v1/pools/jobs') return json(response, { name: 'jobs', network: 'br0', stats: {} })
      if (request.url === '/v1/networks') answer = () => json(response, { items: [] })
    })
    const { client, daemon } = world
    const jobs = await client.findPool('jobs')
    const [claim, listed] = [failure(jobs?.claim() as Promise<unknown>), client.listNetworks()]
    while (daemon.asked.length < 3) await new Promise(resolve => setImmediate(resolve))
    const closed = client.close()
    expect((await claim).code).toBe('EGRESSD_CLOSED')
    answer()
    expect(await listed).toEqual([])
    await closed
    expect((await failure(client.listNetworks())).code).toBe('EGRESSD_CLOSED')
  })
})

test('pages are read to the end, and not in a circle', async () => {
  const pages = new Map([
    [null, { items: [namespace('a'), namespace('b')], next: 'b' }],
    ['b', { items: [namespace('c')], next: null }],
  ])
  let circle = false
  await using world = await worldOf((request, response) => {
    const after = new URL(request.url as string, 'http://x').searchParams.get('after')
    json(response, circle ? { items: [], next: 'a' } : pages.get(after))
  })
  const found = await world.client.listNamespaces({ network: 'br0', labels: { a: 'b=c&d' } })
  expect(found.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  const { searchParams } = new URL((world.daemon.asked[0] as string).slice(4), 'http://x')
  expect([searchParams.getAll('label'), searchParams.get('network')]).toEqual([['a=b=c&d'], 'br0'])
  circle = true
  expect((await failure(world.client.listNamespaces())).code).toBe('EGRESSD_DAEMON_ANSWER')
})

test('what a request has in its body is sent as it is', async () => {
  const bodies: unknown[] = []
  await using world = await worldOf(async (request, response) => {
    bodies.push(JSON.parse(await bodyOf(request)))
    json(response, namespace('ns0'), 201)
  })
  const options = { interface: 'ceth0', addresses: ['192.168.0.2'], dns: { servers: ['8.8.8.8'] } }
  await world.br0.create({ name: 'ns0', ...options })
  expect(bodies).toEqual([{ network: 'br0', ...options }])
})

test('nothing that it loads knows the schemas, the addon or the engine', () => {
  const tree = readTree(join(import.meta.dirname, '../../src'), ['.ts'])
  const loaded = new Set<string>()
  const packages = new Set<string>()
  const load = (file: string) => {
    if (loaded.has(file)) return
    loaded.add(file)
    // Not what is imported when it is first needed.
    for (const name of valueImportsOf((tree.get(file) as string).replace(/\bimport\(/g, 'later('))) {
      if (name.startsWith('.')) load(join(file, '..', name).replace(/\.js$/, '.ts'))
      else packages.add(name)
    }
  }
  load('client.ts')
  expect([...packages].filter(name => !name.startsWith('node:'))).toEqual([])
  expect([...loaded].filter(file => !/^client(\/|\.ts$)/.test(file)).sort()).toEqual([
    'asserts.ts',
    'either.ts',
    'endable.ts',
    'errors.ts',
    'spec/names.ts',
    'tell.ts',
  ])
})

test('a process that forgets to close it ends all the same', async () => {
  await using daemon = await scriptedDaemon((_, response) => json(response, { items: [] }))
  const { spawn } = await import('node:child_process')
  const code = `import { connect } from 'egressd/client'
    const client = await connect({ socket: ${JSON.stringify(daemon.socket)} })
    console.log((await client.listNetworks()).length, process.report.getReport().sharedObjects.some(o => o.includes('egressd')))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: join(import.meta.dirname, '../..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', chunk => (text += chunk))
  const [status] = await once(child, 'close')
  expect([status, text]).toEqual([0, '0 false\n'])
})
