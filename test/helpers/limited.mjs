// A process on a host of its own, in a user namespace, which its parent gives limits to: it does what it is told, one message each.
import { isEgressError } from '../../dist/errors.js'
import { Egress } from '../../dist/index.js'

let egress
let network
const made = new Map()
let pool
const plain = error =>
  isEgressError(error)
    ? {
        code: error.code,
        message: error.message,
        remedy: error.remedy,
        fault: error.fault ?? null,
        left: error.left ?? [],
      }
    : { code: null, message: String(error?.stack ?? error), left: [] }
const told = result => (result.ok ? { ok: true } : { ok: false, error: plain(result.error) })

const acts = {
  async open(options) {
    egress = await Egress.open(options)
    network = await egress.network({ name: 'br0', subnets: ['10.64.0.0/16'] })
    // What is opened once only, is.
    await (await network.create({ name: 'first' })).destroy({ wait: 'gone' })
  },
  create: async spec => void made.set(spec.name, await network.create(spec)),
  async createMany(specs) {
    const results = await network.createMany(specs)
    for (const [i, result] of results.entries()) if (result.ok) made.set(specs[i].name, result.namespace)
    return results.map(told)
  },
  destroyMany: async names =>
    void (await network.destroyMany(
      names.map(name => made.get(name)),
      { wait: 'gone' },
    )),
  destroy: async name => void (await made.get(name).destroy({ wait: 'gone' })),
  async pool(options) {
    pool = network.pool(options)
  },
  async stats() {
    const { lastError, ...counts } = pool.stats
    return { ...counts, lastError: lastError && plain(lastError) }
  },
  async claim(options) {
    const claimed = await pool.claim(options)
    made.set(options.name ?? made.size, claimed)
  },
  async release() {
    for (const each of made.values()) await pool.release(each)
    made.clear()
  },
  closePool: async () => void (await pool.close()),
  down: async () => void (await egress.down()),
}

process.on('message', ({ id, act, given }) => {
  acts[act](given).then(
    value => process.send({ id, value: value ?? null }),
    error => process.send({ id, error: plain(error) }),
  )
})
process.send({ ready: true })
