// Steps of a scenario, each of which may be repeated: what is there already stays, what is gone stays gone.

/**
 * @param {import('../../src/egress.js').Egress} egress
 * @param {{ do: string, name?: string, network?: string, wait?: 'gone', options?: object }} step
 */
export async function takeStep(egress, { do: verb, name, network, wait, options }) {
  const find = (all, wanted) => all.find(one => one.name === wanted)
  if (verb === 'network') await egress.network(options)
  else if (verb === 'create') {
    const made = await find(egress.networks, network).create(options)
    return made.addresses
  } else if (verb === 'destroy') await find(egress.namespaces, name)?.destroy({ wait })
  else if (verb === 'remove') await find(egress.networks, name)?.destroy()
  else if (verb === 'apply') await egress.apply(options, { prune: true })
  else throw new Error(`no step is called ${verb}`)
  return null
}
