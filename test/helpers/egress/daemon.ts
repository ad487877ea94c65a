// A daemon as a process of its own, for a host that the test made.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { DaemonInput } from '../../../src/daemon/config.js'
import { layInternet } from '../../../src/demo/topology.js'
import { main } from '../cli.js'
import { createHost, type TestHost } from '../host.js'

export interface TestDaemon extends AsyncDisposable {
  host: TestHost
  root: string
  netnsDir: string
  stateDir: string
  socket: string
  /** Descriptor of the internet's namespace. */
  internet: number
  readonly process: ChildProcess
  /** Lines of its log, as JSON. */
  readonly log: Record<string, unknown>[]
  /** Resolves once it serves. */
  start(config?: DaemonInput): Promise<void>
  /** Resolves with the exit status, or the name of the signal, once it has ended. */
  stop(signal?: NodeJS.Signals): Promise<number | string>
}

export async function createDaemon(config: DaemonInput = {}): Promise<TestDaemon> {
  const host = await createHost()
  const { fd: internet } = await layInternet(host.kernel)
  const root = mkdtempSync('/run/egressd-test-')
  const [netnsDir, stateDir, socket] = ['netns', 'state', 'socket'].map(name => join(root, name)) as [
    string,
    string,
    string,
  ]
  mkdirSync(netnsDir)
  let running: ChildProcess | null = null
  let given = config
  const log: Record<string, unknown>[] = []
  const daemon: TestDaemon = {
    host,
    root,
    netnsDir,
    stateDir,
    socket,
    internet,
    log,
    get process() {
      if (!running) throw new Error('the daemon does not run')
      return running
    },
    async start(changed = given) {
      given = changed
      const file = join(root, 'egressd.yaml')
      writeFileSync(file, JSON.stringify({ socket, stateDir, ...changed }))
      const places = ['--netns-dir', netnsDir, '--etc-netns-dir', join(root, 'etc')]
      const hostPath = `/proc/${process.pid}/fd/${host.kernel.hostFd}`
      const args = [main, 'daemon', '--config', file, '--host', hostPath, ...places]
      running = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'pipe'] })
      await ready(running, log)
    },
    async stop(signal = 'SIGTERM') {
      const child = daemon.process
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode ?? String(child.signalCode)
      child.kill(signal)
      const [code, by] = await once(child, 'exit')
      return code ?? by
    },
    async [Symbol.asyncDispose]() {
      if (running) await daemon.stop('SIGKILL')
      closeSync(internet)
      for (const name of readdirSync(netnsDir)) spawnSync('umount', ['-l', join(netnsDir, name)])
      spawnSync('umount', ['-l', netnsDir])
      rmSync(root, { recursive: true })
      await host[Symbol.asyncDispose]()
    },
  }
  try {
    await daemon.start()
    return daemon
  } catch (error) {
    await daemon[Symbol.asyncDispose]()
    throw error
  }
}

function ready(child: ChildProcess, log: Record<string, unknown>[]): Promise<void> {
  const other: string[] = []
  const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream })
  return new Promise((resolve, reject) => {
    lines.on('line', line => {
      try {
        const entry = JSON.parse(line) as Record<string, unknown>
        log.push(entry)
        if (entry.msg === 'ready') resolve()
      } catch {
        other.push(line)
      }
    })
    child.once('exit', () => reject(new Error(`the daemon ended: ${other.join('\n')} ${JSON.stringify(log.at(-1))}`)))
  })
}
