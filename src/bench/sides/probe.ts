import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Runs the commands that a side needs; its version is what the first `told` of them print. */
export async function needs(
  commands: readonly (readonly [string, ...string[]])[],
  told: number,
): Promise<{ version?: string; reason?: string }> {
  const versions: string[] = []
  for (const [command, ...args] of commands) {
    try {
      const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` }
      const { stdout } = await run(command, args, { env, timeout: 20_000 })
      versions.push(stdout.trim().split('\n')[0] ?? '')
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      return { reason: code === 'ENOENT' ? `${command} is not installed` : `${[command, ...args].join(' ')} failed` }
    }
  }
  const version = versions.slice(0, told).join(', ')
  return version ? { version } : {}
}
