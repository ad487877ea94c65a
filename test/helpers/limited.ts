// A process with a host of its own, in a user, network and mount namespace, whose limits a test sets while it runs.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Told {
  code: string | null
  message: string
  remedy: string
  fault: { errno: string; call: string } | null
  left: string[]
}
export type Item = { ok: true } | { ok: false; error: Told }
export interface Stats {
  ready: number
  making: number
  refusals: number
  lastError: Told | null
}

const script = fileURLToPath(new URL('./limited.mjs', import.meta.url))
/** Directories on file systems that are theirs alone, so that they may be filled. */
export const places = { stateDir: '/run/small/state', netnsDir: '/run/small/netns' }
const lay = `mount -t tmpfs tmpfs /run; mkdir -p ${Object.values(places).join(' ')}
for each in ${Object.values(places).join(' ')}; do mount -t tmpfs -o size=1m,nr_inodes=60,mode=755 tmpfs $each; done; exec "$@"`

export class Limited implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Told): void }>()
  #last = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', ({ id, value, error }: { id: number; value?: unknown; error?: Told }) => {
      if (error) this.#waiting.get(id)?.reject(error)
      else this.#waiting.get(id)?.resolve(value)
      this.#waiting.delete(id)
    })
  }

  static async start(): Promise<Limited> {
    const argv = ['--user', '--map-root-user', '--net', '--mount', 'sh', '-c', lay, 'sh', process.execPath, script]
    const child = spawn('unshare', argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    await once(child, 'message')
    const limited = new Limited(child)
    await limited.ask('open', places)
    return limited
  }

  /** Rejects with the error as it is told. */
  ask<T = null>(act: string, given?: unknown): Promise<T> {
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject })
      this.#child.send({ id, act, given })
    })
  }

  /** What came of it: null where all went well. */
  async refusal(act: string, given?: unknown): Promise<Told | null> {
    return this.ask(act, given).then(
      () => null,
      (error: Told) => error,
    )
  }

  /** A command of a shell there, as root of that host. */
  sh(command: string): string {
    const argv = ['-t', String(this.#child.pid), '-U', '-n', '-m', '--preserve-credentials', 'sh', '-c', command]
    return execFileSync('nsenter', argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }

  /** RLIMIT_NOFILE of the process, so that just as many more fit; null: as many as there may be. */
  spareDescriptors(count: number | null): void {
    const used = new Set(readdirSync(`/proc/${this.#child.pid}/fd`).map(Number))
    let limit = 0
    for (let free = 0; count !== null && (free < count || used.has(limit)); limit++) if (!used.has(limit)) free++
    const soft = count === null ? 4096 : limit
    execFileSync('prlimit', ['--pid', String(this.#child.pid), `--nofile=${soft}:`])
  }

  /** How many network namespaces its user namespace may have beside those that it has. */
  spareNamespaces(count: number): void {
    // Each of its own is counted, the host is one of them; so is one that the kernel has not let go of yet.
    this.sh(`echo ${count + 1} > /proc/sys/user/max_net_namespaces`)
  }

  /** Fills the file system of a directory but for so many inodes, or pages; null: empties it again. */
  spareRoom(place: keyof typeof places, room: { inodes: number } | { pages: number } | null): void {
    const at = places[place]
    if (room === null) this.sh(`rm -rf ${at}/.filler`)
    else if ('inodes' in room)
      this.sh(
        `mkdir ${at}/.filler; i=0; while true 2>/dev/null >${at}/.filler/$i; do i=$((i+1)); done; n=0; while [ $n -lt ${room.inodes} ]; do i=$((i-1)); rm ${at}/.filler/$i; n=$((n+1)); done`,
      )
    else
      this.sh(
        `mkdir ${at}/.filler; dd if=/dev/zero of=${at}/.filler/x bs=4096 2>/dev/null; truncate -s -${room.pages * 4096} ${at}/.filler/x`,
      )
  }

  /** All that stands, by the tools and files; what comes and goes by itself left out. */
  census(): string {
    const state = `cd ${places.stateDir} && find . -path ./.filler -prune -o -type f -print | sort`
    const pins = `ls -A ${places.netnsDir}; grep ${places.netnsDir}/ /proc/self/mounts || true`
    return this.sh(
      `ip -o -br link | cut -d' ' -f1 | sort; ip -o addr; ip route | sed 's/ linkdown//'; nft -s list ruleset; ${state}; ${pins}`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}
