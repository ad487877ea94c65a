/** A section of a file like systemd's or NetworkManager's: keys in order, as often as they are given. */
export interface Section {
  name: string
  entries: { key: string; value: string }[]
}

/** systemd.syntax(7), without its specifiers: lines that end with a backslash go on. */
export function parseIni(text: string): Section[] {
  const sections: Section[] = []
  for (const line of text.replace(/\\\n/g, ' ').split('\n')) {
    const heading = /^\s*\[(.+)\]\s*$/.exec(line)
    if (heading) sections.push({ name: heading[1] as string, entries: [] })
    const [, key, value] = /^\s*([^#;=[\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (key !== undefined && value !== undefined) sections.at(-1)?.entries.push({ key, value })
  }
  return sections
}

/** All values of a key in sections of that name. An empty one takes back those before it, as in systemd. */
export function valuesOf(sections: readonly Section[], section: string, key: string): string[] {
  let values: string[] = []
  for (const { name, entries } of sections)
    if (name === section)
      for (const entry of entries) if (entry.key === key) values = entry.value === '' ? [] : [...values, entry.value]
  return values
}

/** fnmatch(3) without classes but `[a-z]` and `[!a-z]`. */
export function globMatches(glob: string, text: string): boolean {
  let pattern = ''
  for (let i = 0; i < glob.length; i++) {
    const c = glob[i] as string
    const close = c === '[' ? glob.indexOf(']', i + 2) : -1
    if (c === '*') pattern += '.*'
    else if (c === '?') pattern += '.'
    else if (close > 0) {
      const inside = glob.slice(i + 1, close).replaceAll('\\', '\\\\')
      pattern += `[${inside.startsWith('!') ? `^${inside.slice(1)}` : inside.replace(/^\^/, '\\^')}]`
      i = close
    } else pattern += c.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  }
  try {
    return new RegExp(`^${pattern}$`).test(text)
  } catch {
    return false
  }
}
