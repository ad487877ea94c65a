import { describe } from 'vitest'
import { connect } from '../../src/client.js'
import { createDaemon } from '../helpers/egress/daemon.js'
import { network, poolName, type Subject, type SubjectOptions } from '../helpers/egress/subject.js'
import { egressConformance } from '../helpers/egress-conformance.js'

describe('the client, of a daemon on the kernel', () => {
  const open = async ({ pool }: SubjectOptions = {}): Promise<Subject> => {
    const pools = pool && [{ name: poolName, network: 'br0', ...pool }]
    const daemon = await createDaemon(pools ? { networks: [network], pools } : {})
    const api = await connect({ socket: daemon.socket })
    return {
      api,
      host: daemon.host,
      netnsDir: daemon.netnsDir,
      async [Symbol.asyncDispose]() {
        await api.close()
        await daemon[Symbol.asyncDispose]()
      },
    }
  }
  egressConformance({ real: true, open })
})
