// The daemon as a process of its own, in a private host with an uplink to a private internet, and a plain client of its socket.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { layInternet } from '../../src/demo/topology.js'
import { main } from './cli.js'
import { createHost, type TestHost } from './host.js'

export interface Reply {
  status: number
  headers: http.IncomingHttpHeaders
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever the daemon says is what is looked at
  body: any // oxlint-disable-line typescript/no-explicit-any
}

export interface Ask {
  body?: unknown
  headers?: http.OutgoingHttpHeaders
  agent?: http.Agent
}

export type LogLine = { level: string; msg: string } & Record<string, unknown>

export interface World extends AsyncDisposable {
  host: TestHost
  internet: number
  root: string
  stateDir: string
  netnsDir: string
  socket: string
  configFile: string
  /** Path of the host's namespace, for `nsenter --net=`. */
  netns: string
  configure(config: object): void
  /** Starts the daemon and waits for its line that it serves. */
  start(options?: StartOptions): Promise<Daemon>
}

export interface StartOptions {
  env?: NodeJS.ProcessEnv
  /** In front of node. */
  before?: string[]
  args?: string[]
  /** Of the child, from the third on; `ipc`: a channel for messages. */
  fds?: (number | 'ipc')[]
}

export interface Daemon extends AsyncDisposable {
  child: ChildProcess
  pid: number
  log: LogLine[]
  /** What was written to standard error and was no JSON. */
  rest: string[]
  ask(method: string, path: string, options?: Ask): Promise<Reply>
  /** The next line of its log, or one that is there already, that fits. */
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>
  /** Sends the signal and waits for the end. The exit status, or the signal. */
  end(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>
  /** Bytes of memory that it has. */
  memory(): number
}

export async function createWorld(config: object = {}): Promise<World> {
  const host = await createHost()
  const { fd: internet } = await layInternet(host.kernel)
  const root = mkdtempSync('/run/egressd-daemon-')
  const [stateDir, netnsDir, socket, configFile] = ['state', 'netns', 'sock', 'egressd.yaml'].map(name =>
    join(root, name),
  ) as [string, string, string, string]
  mkdirSync(netnsDir)
  const running = new Set<Daemon>()
  const netns = `/proc/${process.pid}/fd/${host.kernel.hostFd}`
  const world: World = {
    host,
    internet,
    root,
    stateDir,
    netnsDir,
    socket,
    configFile,
    netns,
    configure: wanted => writeFileSync(configFile, JSON.stringify({ socket, stateDir, ...wanted })),
    async start(options = {}) {
      const daemon = run(world, options)
      running.add(daemon)
      await daemon.logged(({ msg }) => msg === 'ready')
      return daemon
    },
    async [Symbol.asyncDispose]() {
      for (const daemon of running) await daemon[Symbol.asyncDispose]()
      closeSync(internet)
      for (const name of existsSync(netnsDir) ? readdirSync(netnsDir) : [])
        spawnSync('umount', ['-l', join(netnsDir, name)])
      for (const path of [netnsDir, stateDir]) spawnSync('umount', ['-l', path])
      rmSync(root, { recursive: true, force: true })
      await host[Symbol.asyncDispose]()
    },
  }
  world.configure(config)
  return world
}

/** Starts it, and does not wait. */
export function run(world: World, { env, before = [], args = [], fds = [] }: StartOptions = {}): Daemon {
  const { configFile, netns, netnsDir, root } = world
  const options = ['--host', netns, '--netns-dir', netnsDir, '--etc-netns-dir', join(root, 'etc'), ...args]
  const [file, ...rest] = [...before, process.execPath, main, 'daemon', '--config', configFile, ...options]
  const child = spawn(file as string, rest, {
    stdio: ['ignore', 'pipe', 'pipe', ...fds],
    env: { ...process.env, ...env },
  })
  const log: LogLine[] = []
  const other: string[] = []
  const waiting = new Set<() => void>()
  let part = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    const lines = (part + chunk).split('\n')
    part = lines.pop() as string
    for (const line of lines)
      if (line.startsWith('{')) log.push(JSON.parse(line))
      else other.push(line)
    for (const look of waiting) look()
  })
  const ended = new Promise<number | NodeJS.Signals>(resolve => {
    child.once('close', (code, signal) => {
      resolve(signal ?? (code as number))
      for (const look of waiting) look()
    })
  })
  let over = false
  void ended.then(() => (over = true))
  const daemon: Daemon = {
    child,
    pid: child.pid as number,
    log,
    rest: other,
    ask: (method, path, ask) => request(world.socket, method, path, ask),
    logged: fits =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = log.find(fits)
          if (found) resolve(found)
          else if (over) reject(new Error(`it ended: ${JSON.stringify(log)} ${other.join('\n')}`))
          else return
          waiting.delete(look)
        }
        waiting.add(look)
        look()
        void ended.then(() => setImmediate(look))
      }),
    async end(signal = 'SIGTERM') {
      if (!over) child.kill(signal)
      return ended
    },
    memory: () => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) * 1024,
    async [Symbol.asyncDispose]() {
      if (!over) child.kill('SIGKILL')
      await ended
    },
  }
  return daemon
}

export async function request(socketPath: string, method: string, path: string, ask: Ask = {}): Promise<Reply> {
  const { body, headers, agent } = ask
  const text = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  const sent = http.request({
    socketPath,
    method,
    path,
    agent: agent ?? false,
    headers: { ...(text !== undefined && { 'content-type': 'application/json' }), ...headers },
  })
  sent.end(text)
  const [answer] = (await once(sent, 'response')) as [http.IncomingMessage]
  return readReply(answer)
}

export async function readReply(answer: http.IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk)
  const all = Buffer.concat(chunks).toString()
  const isJson = /[/+]json$/.test(answer.headers['content-type'] ?? '')
  return {
    status: answer.statusCode as number,
    headers: answer.headers,
    text: all,
    body: isJson && all !== '' ? JSON.parse(all) : undefined,
  }
}

/** An answer that goes on: its lines as they come, without empty ones. */
export async function* linesOf(answer: http.IncomingMessage): AsyncGenerator<string, void> {
  let part = ''
  for await (const chunk of answer) {
    const lines = (part + chunk).split('\n')
    part = lines.pop() as string
    for (const line of lines) if (line !== '') yield line
  }
}

/** Opens a request whose answer, or body, goes on. */
export async function openRequest(
  socketPath: string,
  method: string,
  path: string,
  headers: http.OutgoingHttpHeaders = {},
): Promise<{ sent: http.ClientRequest; answer: Promise<http.IncomingMessage> }> {
  const sent = http.request({ socketPath, method, path, agent: false, headers })
  const answer = once(sent, 'response').then(([each]) => each as http.IncomingMessage)
  answer.catch(() => {})
  sent.on('error', () => {})
  return { sent, answer }
}

/** Waits until it holds, for half a minute at most. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const begin = performance.now()
  while (!(await holds())) {
    if (performance.now() - begin > 30_000) throw new Error(`it never came: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
