// A program of somebody who installed the package: compiled against it by TypeScript 5.9, never run.
import {
  type ApplyResult,
  diagnose,
  Egress,
  type EgressApi,
  EgressError,
  errorCodes,
  isEgressError,
  type NetworkInput,
  type SpecInput,
  specSchema,
} from 'egressd'
import { connect, type EgressClient } from 'egressd/client'

const input: NetworkInput = { name: 'br0', subnets: ['192.168.0.0/16'] }
const spec: SpecInput = { networks: [input], namespaces: [{ name: 'ns0', network: 'br0' }] }

export async function here(signal: AbortSignal): Promise<ApplyResult> {
  await using egress = await Egress.open()
  const network = await egress.network(input)
  const namespace = await network.create({ name: 'ns0' })
  const [echo] = await namespace.ping('8.8.8.8')
  const result: string | undefined = echo?.result
  // @ts-expect-error a name is a string
  await network.create({ name: 5 })
  await namespace.destroy()
  console.log(result, specSchema(), Object.keys(errorCodes))
  return egress.apply(spec, { prune: true, signal })
}

export async function there(): Promise<void> {
  const client: EgressClient = await connect()
  await everywhere(client)
  await client.close()
}

async function everywhere(egress: EgressApi): Promise<void> {
  try {
    await egress.findNetwork('br0')
  } catch (error) {
    if (isEgressError(error)) console.log(error.code, error.field, error instanceof EgressError)
  }
  const diagnosis = await diagnose()
  // @ts-expect-error what is there is known
  console.log(diagnosis.nonsense)
}
