import { EgressError } from '../../errors.js'
import { missingCapabilities } from '../../exec/capabilities.js'
import { helperPath } from '../../exec/helper.js'
import { replaceProcess } from '../../kernel/process.js'
import type { Globals } from '../command/globals.js'
import { mistake } from '../command/mistake.js'
import { findNamespace } from '../find.js'
import { openApi } from '../open-api.js'
import { namespaceViewOf } from '../views.js'

type Entrance = ReturnType<typeof namespaceViewOf> & { path: string }

/** Never returns: the command is in the place of this process. */
export async function exec(globals: Globals, name: string, words: readonly string[]): Promise<number> {
  const command = words[0] === '--' ? words.slice(1) : words
  if (command.length === 0)
    throw mistake('EGRESSD_INVALID_SPEC', 'which command?', `put it behind "--": egressd ns exec ${name} -- ip addr`)
  return replaceBy(await findEntrance(globals, name), command)
}

/** Never returns. */
export async function shell(globals: Globals, name: string): Promise<number> {
  const entrance = await findEntrance(globals, name)
  if (process.stderr.isTTY)
    console.error(
      `In namespace ${name} (${entrance.addresses.join(', ')}) of network ${entrance.network}. Leave it by "exit".`,
    )
  return replaceBy(entrance, [process.env.SHELL || '/bin/sh'])
}

/** NB: the state directory is nobody's again when this is done: what runs inside may run for long. */
async function findEntrance(globals: Globals, name: string): Promise<Entrance> {
  await using opened = await openApi(globals, { collect: false })
  const namespace = await findNamespace(opened.api, name)
  const view = namespaceViewOf(namespace)
  // setns(2), and a mount namespace for /sys and /etc/netns.
  const missing = missingCapabilities(['CAP_SYS_ADMIN'])
  if (missing.length > 0)
    throw mistake(
      'EGRESSD_MISSING_CAPABILITY',
      `namespace ${name}: to enter it, this process needs ${missing.join(', ')}`,
      'run it as root: sudo egressd …',
    )
  if (view.path === null) throw new EgressError('EGRESSD_NOT_FOUND', `namespace ${name}: it has no path to enter it by`)
  await namespace.assertPinned()
  return { ...view, path: view.path }
}

/** The program of `namespace.spawn`; but what execve(2) keeps need not be forwarded: pid, terminal, descriptors, job control. */
function replaceBy({ name, path, anonymous }: Entrance, command: readonly string[]): never {
  // The first descriptor that is not the command's: none of those that this process has not marked as its own.
  const keep = ['--keep-fds', String(0x7fff_ffff)]
  const etc = anonymous ? [] : ['--etc', name]
  const env = { ...process.env, EGRESSD_NAMESPACE: name }
  replaceProcess(helperPath(), ['enter', '--netns', path, ...keep, ...etc, '--', ...command], env)
}
