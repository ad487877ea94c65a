import { isIP } from 'node:net'
import type { EgressApi } from '../../api.js'
import { mistake } from '../command/mistake.js'

/** An address as it is given, or the first one of a namespace. Throws EGRESSD_NOT_FOUND: no other names are looked up. */
export async function addressOf(api: EgressApi, from: string, target: string): Promise<string> {
  if (isIP(target.replace(/%.*$/, '')) > 0) return target
  const namespace = await api.findNamespace(target)
  const [address] = namespace?.addresses ?? []
  if (address !== undefined) return address
  throw mistake(
    'EGRESSD_NOT_FOUND',
    `${JSON.stringify(target)} is neither an IP address nor a namespace`,
    `names are not looked up inside; to do that: egressd ns exec ${from} -- getent hosts ${target}`,
    { field: 'target', value: target },
  )
}
