import { Findings, type Judgement } from './check.js'
import type { Files } from './files.js'
import type { View } from './view.js'

/** A mount at a path, from mountinfo (proc(5)). */
export interface Mount {
  /** Peer group of a shared mount; null: what is mounted below it is seen in this mount namespace only. */
  group: number | null
}

export interface Pins {
  path: string
  mount: Mount | null
  /** Mount namespaces, of this process and of process 1; null: may not be read. */
  own: string | null
  first: string | null
  /** That mount as process 1 has it; null: it has none, or may not be read. */
  firstMount: Mount | null
}

export function readPins({ files, netnsDir }: View): Pins {
  return {
    path: netnsDir,
    mount: mountAt(files, 'proc/self/mountinfo', netnsDir),
    own: files.link('proc/self/ns/mnt'),
    first: files.link('proc/1/ns/mnt'),
    firstMount: mountAt(files, 'proc/1/mountinfo', netnsDir),
  }
}

function mountAt(files: Files, table: string, path: string): Mount | null {
  const line = (files.read(table) ?? '').split('\n').findLast(text => text.split(' ')[4] === path)
  if (line === undefined) return null
  const [, group] = /^(?:\S+ ){6}.*?\bshared:(\d+).*? - /.exec(line) ?? []
  return { group: group === undefined ? null : Number(group) }
}

/** `ip netns` makes its folder a shared mount, so that what is pinned in one mount namespace is seen in others. */
export function judgePins({ path, mount, own, first, firstMount }: Pins): Judgement {
  const found = new Findings()
  if (!mount) found.saw(`${path} is no mount yet: the first namespace makes it a shared one, as "ip netns add" does`)
  else if (mount.group === null)
    found.note(`${path} is a mount, and not shared: egressd makes it so`, `mount --make-shared ${path}`)
  else found.saw(`${path} is a shared mount (peer group ${mount.group})`)
  if (own === null || first === null)
    return found.saw('whether process 1 has another mount namespace may not be read').judgement()
  if (own === first)
    return found.saw('process 1 has the same mount namespace: the host sees what is pinned').judgement()
  if (mount && mount.group !== null && mount.group === firstMount?.group)
    return found.saw('process 1 has another mount namespace, and shares that mount').judgement()
  return found
    .warning(
      `process 1 has another mount namespace (${first}; here ${own}): what is pinned here is hidden from the host, and gone with the last process here`,
      'no ProtectSystem, PrivateTmp, ProtectHome, ProtectKernel*, PrivateDevices or ProtectProc in the systemd unit',
    )
    .judgement()
}
