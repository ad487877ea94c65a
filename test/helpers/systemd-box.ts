// A real systemd in a box of its own, with nothing of this machine in it but its files. See systemd-box.sh.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Outcome } from './cli.js'

export interface Box extends AsyncDisposable {
  /** Where a path of the box is for this process. */
  path(inside: string): string
  write(inside: string, text: string, mode?: number): void
  read(inside: string): string
  /** Runs a command inside, which may fail. */
  run(argv: readonly string[], options?: RunOptions): Promise<Outcome>
  /** Runs a line of shell inside and returns what it printed. Throws where it fails. */
  sh(line: string): Promise<string>
  /** Starts a command that goes on; it ends with the box. */
  spawn(argv: readonly string[]): ChildProcess
}

interface RunOptions {
  input?: string
  /** After that it is killed. Default 180,000. */
  timeoutMs?: number
}

/** Why there can be none here; null where there can. */
export const noBox: string | null = (() => {
  const [, , users] = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/)
  if (process.getuid?.() !== 0 || Number(users) < 0xffff_ffff) return 'the user is not root'
  return existsSync('/lib/systemd/systemd') ? null : 'there is no systemd'
})()

const env = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  SYSTEMD_PAGER: '',
  SYSTEMD_COLORS: '0',
}

/** `binds`: `SOURCE:TARGET`, with `:ro` behind it where it is to be read only. */
export async function startBox(binds: readonly string[]): Promise<Box> {
  // NB: the box lives as long as this pipe is open: it ends with this process, however that ends.
  const holder = spawn(join(import.meta.dirname, 'systemd-box.sh'), binds, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(holder, 'exit')
  const first = once(createInterface({ input: holder.stdout }), 'line')
  const [line] = await Promise.race([first, ended.then(() => Promise.reject(new Error('the box did not boot')))])
  const [, pid, state] = /^up (\d+) (\w+)$/.exec(line) ?? []
  if (!pid || state !== 'running') throw new Error(`the box says: ${line}`)
  const enter = ['--target', pid, '--all', '--root', '--wd', '--']
  const path = (inside: string) => join(`/proc/${pid}/root`, inside)
  const start = (argv: readonly string[]) =>
    spawn('nsenter', [...enter, ...argv], { stdio: ['pipe', 'pipe', 'pipe'], env })

  const run: Box['run'] = async (argv, { input, timeoutMs = 180_000 } = {}) => {
    const child = start(argv)
    const output = { stdout: '', stderr: '' }
    child.stdin.on('error', () => {}).end(input)
    child.stdout.setEncoding('utf8').on('data', text => (output.stdout += text))
    child.stderr.setEncoding('utf8').on('data', text => (output.stderr += text))
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    const [code] = await once(child, 'close')
    clearTimeout(timer)
    return { code, ...output }
  }

  return {
    path,
    run,
    spawn: start,
    read: inside => readFileSync(path(inside), 'utf8'),
    write(inside, text, mode = 0o644) {
      mkdirSync(dirname(path(inside)), { recursive: true })
      writeFileSync(path(inside), text, { mode })
    },
    async sh(line) {
      const { code, stdout, stderr } = await run(['bash', '--norc', '-euc', line])
      if (code !== 0) throw new Error(`${line}: exit ${code}: ${stdout}${stderr}`)
      return stdout
    },
    async [Symbol.asyncDispose]() {
      holder.stdin.end()
      if (holder.exitCode === null && holder.signalCode === null) await ended
    },
  }
}
