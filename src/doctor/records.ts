import { join } from 'node:path'
import type { HostRecord, NamespaceRecord, NetworkRecord } from '../state/directory.js'
import { readJson } from '../state/files.js'
import type { Files } from './files.js'

/** What a state directory says, read beside whoever owns it: no lock is taken and no folder made. */
export interface Records {
  path: string
  host: HostRecord | null
  networks: NetworkRecord[]
  namespaces: NamespaceRecord[]
  /** Files that are not JSON. */
  broken: string[]
  /** Files of a write that was not finished. */
  unfinished: string[]
  /** Who has it; null: nobody. */
  owner: number | null
}

/** `files` is for /proc and the names in the directory; the directory itself is where it says. */
export function readRecords(path: string, files: Files, directory: Files): Records {
  const broken: string[] = []
  const parse = <T>(file: string): T | null => {
    try {
      return readJson<T>(file)
    } catch {
      broken.push(file)
      return null
    }
  }
  const all = <T>(folder: string) =>
    directory
      .list(join(path, folder))
      .filter(name => name.endsWith('.json'))
      .map(name => parse<T>(join(path, folder, name)))
      .filter(record => record !== null)
  const unfinished = ['', 'networks', 'namespaces', 'making'].flatMap(folder =>
    directory
      .list(join(path, folder))
      .filter(name => name.endsWith('.new'))
      .map(name => join(path, folder, name)),
  )
  // One that is not whole is being written, or was when its process was killed: nothing has been done of it. NB: these are read first,
  // for one that is done meanwhile goes over to the others.
  const making = directory.list(join(path, 'making')).flatMap(name => {
    try {
      return readJson<NamespaceRecord>(join(path, 'making', name)) ?? []
    } catch {
      return []
    }
  })
  const lock = directory.identity(join(path, 'lock'))
  return {
    path,
    host: parse<HostRecord>(join(path, 'host.json')),
    networks: all<NetworkRecord>('networks'),
    namespaces: [
      ...all<NamespaceRecord>('namespaces'),
      ...making.map(record => ({ ...record, status: 'making' as const })),
    ],
    broken,
    unfinished,
    owner: lock && holderOf(files.read('proc/locks') ?? '', lock),
  }
}

/** From /proc/locks (proc(5)): `1: FLOCK  ADVISORY  WRITE 708 00:13:1234 0 EOF`, the device in hexadecimal. */
export function holderOf(locks: string, file: { device: number; inode: number }): number | null {
  for (const line of locks.split('\n')) {
    const [, pid, major, minor, inode] = /FLOCK\s+ADVISORY\s+WRITE\s+(-?\d+)\s+(\w+):(\w+):(\d+)\s/.exec(line) ?? []
    if (Number(inode) !== file.inode) continue
    if (deviceOf(parseInt(major ?? '', 16), parseInt(minor ?? '', 16)) === file.device) return Number(pid)
  }
  return null
}

/** makedev(3), as glibc packs it: 12 bits of the major number, 20 of the minor. */
function deviceOf(major: number, minor: number): number {
  return (major & 0xfff) * 256 + (minor & 0xff) + (minor >>> 8) * 0x100000
}
