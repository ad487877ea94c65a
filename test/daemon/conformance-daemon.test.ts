import { afterAll, describe } from 'vitest'
import { connect } from '../../src/client.js'
import { createWorld, type World } from '../helpers/daemon.js'
import { network, poolName, type Subject, type SubjectOptions } from '../helpers/egress/subject.js'
import { egressConformance } from '../helpers/egress-conformance.js'

/** One that was used and has nothing any more: to start a daemon takes longer than most tests. */
let spare: World | null = null
afterAll(async () => spare?.[Symbol.asyncDispose]())

async function worldOf({ pool, fresh }: SubjectOptions): Promise<World> {
  if (spare && !pool && !fresh) {
    const world = spare
    spare = null
    return world
  }
  const pools = pool && [{ name: poolName, network: 'br0', ...pool }]
  const world = await createWorld({ watch: 'off', ...(pools && { networks: [network], pools }) })
  await world.start()
  return world
}

/** Keeps it for the next test where it is as new. */
async function putBack(world: World): Promise<void> {
  await using api = await connect({ socket: world.socket })
  await api.down()
  const links = world.host.json<{ ifname: string }[]>('ip', ['-j', 'link'])
  if (!spare && links.map(({ ifname }) => ifname).join() === 'lo,uplink0') spare = world
  else await world[Symbol.asyncDispose]()
}

describe('the client, of a daemon on the kernel', () => {
  const open = async (options: SubjectOptions = {}): Promise<Subject> => {
    const world = await worldOf(options)
    const api = await connect({ socket: world.socket })
    const { host, netnsDir } = world
    return {
      api,
      host,
      netnsDir,
      async [Symbol.asyncDispose]() {
        await api.close()
        await (options.pool ? world[Symbol.asyncDispose]() : putBack(world))
      },
    }
  }
  egressConformance({ real: true, open })
})
