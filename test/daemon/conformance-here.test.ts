import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { Egress } from '../../src/egress.js'
import { FakeMachine } from '../../src/kernel/fake/fake.js'
import { network, poolName, type Subject, type SubjectOptions } from '../helpers/egress/subject.js'
import { egressConformance } from '../helpers/egress-conformance.js'
import { createLibrary } from '../helpers/library.js'

async function prepare(egress: Egress, { pool }: SubjectOptions): Promise<void> {
  if (pool) (await egress.network(network)).pool({ name: poolName, ...pool })
}

describe('in this process, on the kernel', () => {
  const open = async (options: SubjectOptions = {}): Promise<Subject> => {
    const library = await createLibrary()
    await prepare(library.egress, options)
    const { egress, host, netnsDir } = library
    return { api: egress, host, netnsDir, [Symbol.asyncDispose]: () => library[Symbol.asyncDispose]() }
  }
  egressConformance({ real: true, open })
})

describe('in this process, on the fake kernel', () => {
  const open = async (options: SubjectOptions = {}): Promise<Subject> => {
    const stateDir = mkdtempSync(join(tmpdir(), 'egressd-fake-'))
    const folders = { stateDir, netnsDir: '/run/netns', etcNetnsDir: join(stateDir, 'etc') }
    const egress = await Egress.open({ kernel: new FakeMachine(), ...folders })
    await prepare(egress, options)
    return {
      api: egress,
      host: null,
      netnsDir: '/run/netns',
      async [Symbol.asyncDispose]() {
        await egress.close()
        rmSync(stateDir, { recursive: true, force: true })
      },
    }
  }
  egressConformance({ real: false, open })
})
