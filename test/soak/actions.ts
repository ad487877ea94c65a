// What clients of the daemon do, each checked by its answer. What an action is about is its own while it runs.
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { World } from '../helpers/daemon.js'
import { extraNetworks, type Model, type Network, type Standing } from './model.js'
import type { Service } from './service.js'

export interface Soak {
  world: World
  service: Service
  model: Model
  /** A whole number from 0 on, of the seed. NB: to be drawn before anything is waited for. */
  below(limit: number): number
  /** Names that an action of this round has. */
  taken: Set<string>
  /** For keys, each of which is used once. */
  count: number
}

/** What it will do, or null where there is nothing to do it with at the moment. */
export type Action = (soak: Soak) => (() => Promise<void>) | null

/** Names of a letter. */
const most = 30

export const pick = <T>({ below }: Soak, all: readonly T[]): T | undefined => all[below(all.length)]

/** One that stands, is nobody's in this round, and was not configured. */
export function free({ model, taken, below }: Soak, fits: (name: string) => boolean = () => true): string | undefined {
  const all = [...model.named.keys()].filter(name => /^[anv]/.test(name) && !taken.has(name) && fits(name))
  const name = all[below(all.length)]
  if (name !== undefined) taken.add(name)
  return name
}

function newName(soak: Soak, letter: string): string | undefined {
  const name = `${letter}${soak.below(most)}`
  if (soak.taken.has(name) || soak.model.named.has(name)) return undefined
  soak.taken.add(name)
  return name
}

function wanted(soak: Soak): { network: string } {
  const { model, taken, below } = soak
  const extra = [...model.extra.keys()].filter(name => !taken.has(name))
  const network = ['br0', 'br0', 'rt0', ...extra][below(3 + extra.length)] as string
  // A network that goes in this round gets nothing new.
  if (model.extra.has(network)) taken.add(`in ${network}`)
  return { network }
}

/** Holds the answer against what was asked and what stands already. */
function accept({ model }: Soak, name: string, body: Standing & { name: string }, asked: Partial<Standing>): void {
  const { subnets } = model.networks.find(each => each.name === body.network) as Network
  const others = [...model.named].filter(([other]) => other !== name).flatMap(([, { addresses }]) => addresses)
  if (body.addresses.length !== subnets.length) throw new Error(`${name} has ${body.addresses} in ${subnets}`)
  if (body.addresses.some(address => others.includes(address)))
    throw new Error(`${name} has ${body.addresses} of another`)
  if (asked.network !== body.network) throw new Error(`${name} is in ${body.network}, not in ${asked.network}`)
  const { network, addresses, labels, hostInterface } = body
  model.named.set(name, { network, addresses, labels, ...(network === 'pl0' && { hostInterface }) })
}

export const create: Action = soak => {
  const name = newName(soak, 'a')
  if (!name) return null
  const body = wanted(soak)
  return async () => {
    const reply = await soak.service.must([200, 201], 'PUT', `/v1/namespaces/${name}`, { body })
    accept(soak, name, reply.body, body)
  }
}

export const again: Action = soak => {
  const name = free(soak)
  if (!name) return null
  const { network, addresses } = soak.model.named.get(name) as Standing
  return async () => {
    const reply = await soak.service.must([200], 'PUT', `/v1/namespaces/${name}`, { body: { network } })
    if (String(reply.body.addresses) !== String(addresses))
      throw new Error(`${name} has other addresses: ${reply.text}`)
  }
}

export const destroy: Action = soak => {
  const name = free(soak)
  if (!name) return null
  const query = ['', '?wait=gone', '?wait=reusable'][soak.below(3)]
  return async () => {
    await soak.service.must([204], 'DELETE', `/v1/namespaces/${name}${query}`)
    soak.model.named.delete(name)
    soak.model.claimed.delete(name)
  }
}

export const batch: Action = soak => {
  const going = [free(soak), free(soak)].filter(name => name !== undefined)
  const coming = Array.from({ length: 5 }, () => newName(soak, 'n')).flatMap(name => name ?? [])
  const bodies = coming.map(name => ({ op: 'create', name, ...wanted(soak) }))
  const lines = [
    ...bodies,
    ...going.map(name => ({ op: 'destroy', name })),
    { op: 'create', network: 'br0', name: 'not a name' },
  ]
  return async () => {
    const reply = await soak.service.must([200], 'POST', '/v1/namespaces:batch', {
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.map(line => JSON.stringify(line)).join('\n'),
    })
    const results = reply.text
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    if (results.length !== lines.length) throw new Error(`${lines.length} lines were answered by ${results.length}`)
    for (const { index, ok, namespace, error } of results) {
      if (ok !== index < lines.length - 1) throw new Error(`line ${index} of a batch: ${JSON.stringify(error)}`)
      const body = bodies[index]
      if (body) accept(soak, body.name, namespace, body)
    }
    for (const name of going) {
      soak.model.named.delete(name)
      soak.model.claimed.delete(name)
    }
  }
}

export const anonymous: Action = soak => {
  const { network } = wanted(soak)
  const headers = { 'idempotency-key': `key-${soak.count++}` }
  return async () => {
    const { body, by } = await soak.service.must([201], 'POST', '/v1/namespaces', { body: { network }, headers })
    soak.model.anonymous.set(body.name, { network, by })
  }
}

export const noMore: Action = soak => {
  const name = pick(
    soak,
    [...soak.model.anonymous.keys()].filter(each => !soak.taken.has(each)),
  )
  if (!name) return null
  soak.taken.add(name)
  return async () => {
    await soak.service.must([204], 'DELETE', `/v1/namespaces/${name}`)
    soak.model.anonymous.delete(name)
    soak.model.claimed.delete(name)
  }
}

export const claim: Action = soak => {
  const pool = ['fresh', 'again'][soak.below(2)] as string
  const name = soak.below(3) === 0 ? null : newName(soak, 'a')
  if (name === undefined) return null
  const headers = { 'idempotency-key': `key-${soak.count++}` }
  const labels = { of: headers['idempotency-key'] }
  return async () => {
    const { model, service } = soak
    const body = name === null ? { labels } : { name, labels }
    let reply = await service.must([200, 409], 'POST', `/v1/pools/${pool}/claim`, { body, headers })
    // The one before was killed when it had named it.
    if (reply.status === 409) {
      reply = await service.must([200], 'GET', `/v1/namespaces/${name}`)
      if (reply.body.labels.of !== labels.of) throw new Error(`${name} was taken: ${reply.text}`)
    } else model.claimed.set(reply.body.name, { pool, by: reply.by })
    if (name === null) model.anonymous.set(reply.body.name, { network: 'pl0', by: reply.by })
    else accept(soak, name, reply.body, { network: 'pl0' })
  }
}

export const release: Action = soak => {
  const name = pick(
    soak,
    [...soak.model.claimed.keys()].filter(each => !soak.taken.has(each)),
  )
  if (!name) return null
  soak.taken.add(name)
  const { pool, by } = soak.model.claimed.get(name) as { pool: string; by: number }
  return async () => {
    const { model, service } = soak
    const reply = await service.ask('POST', `/v1/pools/${pool}/release`, { body: { namespace: name } })
    // Of a daemon that is no more: no pool knows it.
    if (reply.by !== by) await service.must([204], 'DELETE', `/v1/namespaces/${name}`)
    else if (reply.status !== 204) throw new Error(`release of ${name}: ${reply.text}`)
    for (const names of [model.named, model.anonymous, model.claimed]) names.delete(name)
  }
}

export const network: Action = soak => {
  const { model, taken, service } = soak
  const one = pick(soak, extraNetworks) as Network
  const { name, ...body } = one
  const used = [...model.named.values(), ...model.anonymous.values()].some(each => each.network === name)
  if (taken.has(name) || taken.has(`in ${name}`)) return null
  taken.add(name)
  if (!model.extra.has(name))
    return async () => {
      await service.must([200, 201], 'PUT', `/v1/networks/${name}`, { body })
      model.extra.set(name, one)
    }
  if (used) return null
  return async () => {
    await service.must([204], 'DELETE', `/v1/networks/${name}`)
    model.extra.delete(name)
  }
}

/** Some more by a document, or the whole by one that prunes: then nothing else may go on. */
export const apply: Action = soak => {
  const { model, service, below } = soak
  const whole = soak.taken.size === 0
  const document = model.document() as { networks: Network[]; namespaces: ({ name: string } & Partial<Standing>)[] }
  let going: string[] = []
  if (whole) {
    going = [free(soak), free(soak), free(soak)].filter(name => name !== undefined)
    document.namespaces = document.namespaces.filter(({ name }) => !going.includes(name))
    const moved = free(soak, name => model.named.get(name)?.network === 'br0')
    if (moved) {
      const last = `${20 + below(2)}.${1 + below(250)}`
      const namespace = document.namespaces.find(({ name }) => name === moved) as Standing
      const addresses = [`192.168.${last}`, `fd00::${last.replace('.', ':')}`]
      const used = [...model.named.values()].some(each => each.addresses.some(address => addresses.includes(address)))
      if (!used) namespace.addresses = addresses
    }
    soak.taken.add('everything')
  } else document.namespaces = []
  const coming = Array.from({ length: 3 }, () => newName(soak, 'a')).flatMap(name => name ?? [])
  const added = coming.map(name => ({ name, ...wanted(soak) }))
  document.namespaces.push(...added)
  if (!whole) {
    const used = new Set(added.map(each => each.network))
    document.networks = document.networks.filter(({ name }) => used.has(name))
  }
  return async () => {
    const reply = await service.must([200], 'POST', '/v1/apply', { body: { spec: document, prune: whole } })
    const failed = reply.body.changes.filter(({ result }: { result: string }) => result !== 'done')
    if (failed.length > 0) throw new Error(`apply: ${JSON.stringify(failed)}`)
    for (const name of going) {
      model.named.delete(name)
      model.claimed.delete(name)
    }
    for (const { name, ...asked } of document.namespaces) {
      const { body } = await service.must([200], 'GET', `/v1/namespaces/${name}`)
      accept(soak, name, body, { network: asked.network as string })
    }
  }
}

/** A client that is gone before it is answered, or in the middle of its request: that which it asked for whole is done. */
export const vanish: Action = soak => {
  const name = newName(soak, 'v')
  if (!name) return null
  const body = wanted(soak)
  const [half, after] = [soak.below(2) === 0, soak.below(4)]
  return async () => {
    const text = JSON.stringify(body)
    const sent = http.request({
      socketPath: soak.world.socket,
      method: 'PUT',
      path: `/v1/namespaces/${name}`,
      agent: false,
      headers: { 'content-type': 'application/json', 'content-length': text.length },
    })
    sent.on('error', () => {})
    if (half) sent.write(text.slice(0, 5))
    else sent.end(text)
    await sleep(after)
    sent.destroy()
    if (half) return
    const reply = await soak.service.must([200, 201], 'PUT', `/v1/namespaces/${name}`, { body })
    accept(soak, name, reply.body, body)
  }
}

export const paths = [
  '/v1/networks',
  '/v1/namespaces?limit=5',
  '/v1/pools',
  '/v1/traffic',
  '/metrics',
  '/healthz',
  '/readyz',
]

export const read: Action = soak => {
  const path = pick(soak, paths) as string
  return async () => {
    await soak.service.must([200], 'GET', path)
  }
}
