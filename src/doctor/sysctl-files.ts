import type { Files } from './files.js'

/** A line of sysctl.d(5). */
export interface Setting {
  /** With slashes, as below /proc/sys. */
  key: string
  value: string
  file: string
}

// By rising priority; of two files with one name, only that of the later folder counts.
const folders = ['usr/lib/sysctl.d', 'usr/local/lib/sysctl.d', 'run/sysctl.d', 'etc/sysctl.d']

/** What the files set, in the order in which they are applied: the last one of a key wins. */
export function readSettings(files: Files): Setting[] {
  const byName = new Map<string, string>()
  for (const folder of folders)
    for (const name of files.list(folder)) if (name.endsWith('.conf')) byName.set(name, `${folder}/${name}`)
  const paths = [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path)
  return [...paths, 'etc/sysctl.conf'].flatMap(path => parseSettings(files.read(path) ?? '', `/${path}`))
}

export function parseSettings(text: string, file: string): Setting[] {
  return text.split('\n').flatMap(line => {
    const [, name, value] = /^\s*-?\s*([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (name === undefined || value === undefined) return []
    // The first separator says which is meant: net.ipv4.conf.eth0/1.x and net/ipv4/conf/eth0.1/x are one.
    const slashes = (name.match(/[./]/)?.[0] ?? '.') === '/'
    const key = slashes ? name : name.replace(/[./]/g, c => (c === '.' ? '/' : '.'))
    return [{ key, value, file }]
  })
}
