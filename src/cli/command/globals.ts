import type { Command } from 'commander'

/** What every command takes, before its name or behind it. */
export interface Globals {
  /** Path of the daemon's socket. */
  socket?: string
  /** Where records are kept when there is no daemon. */
  stateDir?: string
}

export const defaultStateDir = '/run/egressd'

/** Adds them to the program, or to one of its commands. */
export function addGlobals(command: Command): Command {
  // A heading of their own, behind those of the command.
  if (command.options.length > 0) command.optionsGroup('Which egressd:')
  return command
    .option('--socket <path>', 'of the daemon (default: $EGRESSD_SOCKET, or egressd.sock in the state directory)')
    .option('--state-dir <directory>', `of records (default: $EGRESSD_STATE_DIR, or ${defaultStateDir})`)
}

/** Where they are not given, what the environment says. */
export function readGlobals(command: Command): Globals {
  const { EGRESSD_SOCKET: socket, EGRESSD_STATE_DIR: stateDir } = process.env
  const chain: Globals[] = [{ ...(socket && { socket }), ...(stateDir && { stateDir }) }]
  const own: Globals[] = []
  for (let at: Command | null = command; at; at = at.parent) own.unshift(at.opts<Globals>())
  const merged: Globals = {}
  for (const each of [...chain, ...own])
    for (const name of ['socket', 'stateDir'] as const) if (each[name] !== undefined) merged[name] = each[name]
  return merged
}
