// Steps of a scenario, each of which may be repeated: what is there already stays, what is gone stays gone.

const fail = error => {
  throw error
}

/**
 * @param {import('../../src/egress.js').Egress} egress
 * @param {{ do: string, name?: string, network?: string, wait?: 'gone', options?: any }} step
 */
export async function takeStep(egress, { do: verb, name, network, wait, options }) {
  const find = (all, wanted) => all.find(one => one.name === wanted)
  if (verb === 'network') await egress.network(options)
  else if (verb === 'create') {
    const made = await find(egress.networks, network).create(options)
    return made.addresses
  } else if (verb === 'destroy') await find(egress.namespaces, name)?.destroy({ wait })
  else if (verb === 'createMany') {
    const made = await find(egress.networks, network).createMany(options)
    return made.map(result => (result.ok ? result.namespace.addresses : fail(result.error)))
  } else if (verb === 'destroyMany') {
    const going = egress.namespaces.filter(one => options.includes(one.name))
    const done = await find(egress.networks, network).destroyMany(going, { wait })
    for (const result of done) if (!result.ok) fail(result.error)
  } else if (verb === 'claim') {
    // A name that it has already was claimed by a process that was killed after it was pinned.
    const pool = find(egress.networks, network).pool({ size: 2, ...options })
    if (!find(egress.namespaces, name)) {
      const claimed = await pool.claim({ name, labels: { of: 'the sweep' }, ...claimedAs(options) })
      if (options?.recycle) await pool.release(claimed)
      if (options?.recycle && pool.stats.recycled !== 1) throw new Error('it was not recycled')
    }
    await pool.close()
  } else if (verb === 'remove') await find(egress.networks, name)?.destroy()
  else if (verb === 'apply') await egress.apply(options, { prune: true })
  else throw new Error(`no step is called ${verb}`)
  return null
}

/** What it wants. A setting inside is a difference from a fresh one: with it, it would not be recycled. */
export const claimedAs = ({ recycle } = {}) => ({
  dns: { servers: ['9.9.9.9'] },
  ...(!recycle && { sysctls: { 'net.ipv4.ip_default_ttl': 77 } }),
})
