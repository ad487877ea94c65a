// The command as a process of its own, in a world made for one test.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

const root = join(import.meta.dirname, '../..')
/** dist/cli/main.js and all that it imports, in a few files (scripts/bundle.mjs); test/systemd and scripts/demo have it as it is shipped. */
export const main = join(process.env.EGRESSD_TEST_BUNDLE as string, 'main.js')

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  env?: NodeJS.ProcessEnv
  /** On standard input. */
  input?: string
  /** SIGINT comes at that line of the output, before anything else is done. */
  interruptAt?: RegExp
  /** In front of node. */
  before?: string[]
}

/** What is to be refused in the place of a namespace that a stranger took away by these lines, and with what. */
export const takenAway = [
  ['ip netns del ns0; ip netns add ns0', 'EGRESSD_NAME_TAKEN'],
  ['ip netns del ns0', 'EGRESSD_NOT_FOUND'],
] as const

/** Ways into ns0. */
export const entrances = [
  ['exec', 'ns0', '--', 'true'],
  ['shell', 'ns0'],
  ['connect', 'ns0', '10.64.0.1', '9'],
  ['ping', 'ns0', '10.64.0.1', '-c', '1'],
]

/** A host with an empty /run and nothing but lo. */
export interface FreshWorld extends AsyncDisposable {
  egressd(args: string[], options?: RunOptions): Promise<Outcome>
  /** Runs a line of shell in it. Throws where it fails. */
  sh(line: string): string
  /** What our commands could leave behind, as the tools of others see it. */
  census(): string
}

export async function freshWorld(): Promise<FreshWorld> {
  // NB: a namespace's pins need /run/netns to be a shared mount; made here, it is no difference between two censuses. And
  // what is written to /etc/netns is written to a copy of /etc. Pins of tests beside this one would go when these end.
  const prepare = `grep -o ' /run/[^ ]*' /proc/mounts | tac | xargs -r -n1 umount -l 2>/dev/null
    mount -t tmpfs tmpfs /run && ip link set lo up && ip netns add x && ip netns del x &&
    mkdir /run/etc && cp -a /etc/. /run/etc 2>/run/not-copied; mount --bind /run/etc /etc`
  const holder = spawn(
    'unshare',
    ['--net', '--mount', '--propagation', 'private', 'sh', '-c', `${prepare} && echo ready && exec sleep 300`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  await Promise.race([
    once(holder.stdout, 'data'),
    once(holder, 'exit').then(() => Promise.reject(new Error('no world could be made'))),
  ])
  const enter = ['--target', `${holder.pid}`, '--net', '--mount', `--wd=${root}`]
  const sh = (line: string) => {
    // A test that waits here in vain could not even be ended by its own limit.
    const options = { encoding: 'utf8', timeout: 100_000, killSignal: 'SIGKILL' } as const
    const done = spawnSync('nsenter', [...enter, 'sh', '-ec', line], options)
    if (done.status !== 0) throw new Error(`${line}: exit ${done.status ?? done.error}: ${done.stderr}`)
    return done.stdout
  }
  return {
    sh,
    census: () =>
      sh(`${noticed}; ip -o link; ip addr; ip route; ip -6 route; nft list ruleset; ls -A /run /run/netns; grep -c . /proc/mounts
        iptables-legacy-save -t nat | grep -v '^[#:]' || true; iptables-legacy-save -t filter | grep -v '^[#:]' || true`)
        .replace(/valid_lft.*| tentative/g, '') // what passes by itself
        .replace(/\S*xtables.lock\n/, ''),
    egressd: (args, options = {}) => run('nsenter', [...enter, ...command(args, options)], options),
    async [Symbol.asyncDispose]() {
      holder.kill('SIGKILL')
      if (holder.exitCode === null && holder.signalCode === null) await once(holder, 'exit')
    },
  }
}

/** Where the world need not be a fresh one. */
export const egressd = (args: string[], options: RunOptions = {}): Promise<Outcome> => {
  const [file, ...rest] = command(args, options)
  return run(file as string, rest, options)
}

const command = (args: string[], { before = [] }: RunOptions) => [...before, process.execPath, main, ...args]

async function run(file: string, args: string[], { env, input, interruptAt }: RunOptions): Promise<Outcome> {
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...(interruptAt && stopping(interruptAt)), ...env },
  })
  // One that ends without reading it leaves a broken pipe.
  child.stdin.on('error', () => {}).end(input)
  const output = { stdout: '', stderr: '' }
  const closed = once(child as ChildProcess, 'close')
  const interrupted = interruptAt && interrupt(child)
  child.stderr.on('data', chunk => {
    output.stderr += chunk
  })
  child.stdout.on('data', chunk => {
    output.stdout += chunk
  })
  const [code] = await closed
  await interrupted
  return { code, ...output }
}

const stopAt = pathToFileURL(join(import.meta.dirname, 'stop-at.mjs')).href
const stopping = (line: RegExp) => ({ NODE_OPTIONS: `--import ${stopAt}`, EGRESSD_TEST_STOP_AT: line.source })

/** Waits until the command, or what it runs, has stopped; interrupts the command; and has what stopped go on when that has come to it. */
async function interrupt(child: ChildProcess): Promise<void> {
  const over = () => child.exitCode !== null || child.signalCode !== null
  const holds = async (what: () => boolean) => {
    while (!over() && !what()) await sleep(10)
  }
  let stopped: number | undefined
  await holds(() => {
    stopped = pids().find(pid => statusOf(pid, 'State').startsWith('T') && isOf(pid, child.pid as number))
    return stopped !== undefined
  })
  if (stopped === undefined) return
  child.kill('SIGINT')
  const pid = stopped
  // SIGINT is 2, the second bit.
  await holds(() => (BigInt(`0x${statusOf(pid, 'ShdPnd')}`) & 2n) !== 0n)
  if (!over()) process.kill(pid, 'SIGCONT')
}

const pids = () => readdirSync('/proc').map(Number).filter(Number.isInteger)

/** Whether it is that one, or was begun by it or one of its own. */
const isOf = (pid: number, first: number): boolean =>
  pid === first || (pid > 1 && isOf(Number(statusOf(pid, 'PPid')), first))

const statusOf = (pid: number, field: string): string =>
  new RegExp(`^${field}:\\s+(\\S+)`, 'm').exec(read(`/proc/${pid}/status`))?.[1] ?? '0'

/** Nothing where that has ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Of a link that is asked for by itself, the kernel tells at once what else may become known a second later, or later still. */
export const noticed = `for each in $(ip -o link | cut -d: -f2 | cut -d@ -f1); do ip link show dev $each >/dev/null; done`

/** An uplink to an internet that owns 8.8.8.8, made by others' tools. */
export const layUplink = `
  ip netns add internet
  ip link add uplink0 type veth peer name wan0 netns internet
  ip addr add 203.0.113.2/24 dev uplink0; ip link set uplink0 up
  ip -n internet addr add 203.0.113.1/24 dev wan0; ip -n internet link set wan0 up
  ip -n internet addr add 8.8.8.8/32 dev lo; ip -n internet link set lo up
  ip route add default via 203.0.113.1
  ip link show dev uplink0 >/dev/null; ip -n internet link show dev wan0 >/dev/null # asked for by itself, each end carries at once
`
