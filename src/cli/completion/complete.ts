import type { Command } from 'commander'
import type { Globals } from '../command/globals.js'
import { type Candidate, candidates } from './candidates.js'
import { readNames } from './names.js'
import type { Shell } from './scripts.js'

/** Prints candidates for the last word. Silent where something fails: it is asked in the middle of somebody's typing. */
export async function complete(
  program: Command,
  globals: Globals,
  shell: Shell,
  given: readonly string[],
): Promise<number> {
  const typed = given[0] === '--' ? given.slice(1) : given
  // bash makes words of the signs that it breaks words at.
  const words = shell === 'bash' ? typed.map(word => (word === '=' ? null : word)).filter(word => word !== null) : typed
  const found = await candidates(program, typed.at(-1) === '=' && shell === 'bash' ? [...words, ''] : words, kind =>
    readNames({ ...globals, ...globalsIn(words) }, kind),
  )
  if (typeof found === 'string') console.log(`:${found}`)
  else for (const each of found) console.log(written(each, shell))
  return 0
}

/** What the line says of the socket and the directory. */
function globalsIn(words: readonly string[]): Globals {
  const behind = (flag: string) => {
    const typed = words.slice(0, -1)
    const at = typed.indexOf(flag)
    const joined = typed.find(word => word.startsWith(`${flag}=`))
    return joined?.slice(flag.length + 1) ?? (at >= 0 ? typed[at + 1] : undefined)
  }
  const [socket, stateDir] = [behind('--socket'), behind('--state-dir')]
  return { ...(socket && { socket }), ...(stateDir && { stateDir }) }
}

function written({ value, about }: Candidate, shell: Shell): string {
  if (shell === 'bash' || about === '') return value
  return shell === 'fish' ? `${value}\t${about}` : `${value.replaceAll(':', '\\:')}:${about}`
}
