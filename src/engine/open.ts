import { EgressError } from '../errors.js'
import { missingCapabilities } from '../exec/capabilities.js'
import { openKernel } from '../kernel/open.js'
import { StateDirectory } from '../state/directory.js'
import { adoptNamespaces, finishNamespaces } from './adopt.js'
import { checkOptions } from './check-options.js'
import { collectGarbage } from './garbage.js'
import { Host } from './host.js'
import { adoptNetwork, finishNetwork, settleNetwork } from './networks.js'
import type { EgressOptions } from './options.js'

/** The host with its state directory, and with what is recorded there taken up. Throws as `Egress.open()` says. */
export async function openHost(given: EgressOptions): Promise<Host> {
  const options = checkOptions(given)
  if (!options.kernel) {
    const missing = missingCapabilities(['CAP_NET_ADMIN', 'CAP_SYS_ADMIN', 'CAP_NET_RAW'])
    if (missing.length > 0)
      throw new EgressError('EGRESSD_MISSING_CAPABILITY', `the process lacks ${missing.join(', ')}: run it as root`, {
        details: { missing },
      })
  }
  const kernel = openKernel(options)
  let state: StateDirectory | undefined
  try {
    state = new StateDirectory(options.stateDir ?? '/run/egressd', kernel.host)
    const host = new Host(kernel, state, options)
    await takeUp(host)
    return host
  } catch (error) {
    state?.close()
    await kernel.close()
    throw error
  }
}

/** What is recorded: taken up as it is, then what is half finished or undone, and what is nobody's removed. */
async function takeUp(host: Host): Promise<void> {
  const [networks, namespaces] = [host.state.networks.all(), host.state.allNamespaces()]
  for (const record of networks) await adoptNetwork(host, record)
  await adoptNamespaces(host, namespaces)
  for (const record of networks) await finishNetwork(host, record)
  await finishNamespaces(host, namespaces)
  for (const network of host.networks.values()) await settleNetwork(host, network)
  if (host.options.collect ?? true) await collectGarbage(host)
}
