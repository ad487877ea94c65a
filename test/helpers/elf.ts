// What an ELF file asks of the machine that it is loaded on, as readelf sees it.
import { execFileSync } from 'node:child_process'

export interface Elf {
  machine: string
  /** Names that others may ask it for. */
  exported: string[]
  /** Names that it wants of others, without their versions. */
  undefined: string[]
  /** Libraries it wants; empty where it is static. */
  needed: string[]
  /** The highest version of each kind among the symbols it wants: `GLIBC`, `GLIBCXX`, `CXXABI`. */
  floor: Record<string, string>
  /** Without symbols for debuggers and linkers. */
  stripped: boolean
}

export function readElf(file: string): Elf {
  const readelf = (...options: string[]) => execFileSync('readelf', ['--wide', ...options, file], { encoding: 'utf8' })
  const matches = (text: string, pattern: RegExp) =>
    [...text.matchAll(pattern)].map(match => match.slice(1) as string[])
  const floor: Record<string, string> = {}
  for (const [kind = '', version = ''] of matches(readelf('--version-info'), /Name: ([A-Z]+)_([\d.]+)\b/g))
    if (!floor[kind] || compareVersions(version, floor[kind]) > 0) floor[kind] = version
  const symbols = readelf('--dyn-syms')
  // Num: Value Size Type Bind Vis Ndx Name
  return {
    machine: matches(readelf('--file-header'), /Machine:\s+(.*)/g)[0]?.[0] ?? '',
    exported: matches(symbols, /(?:GLOBAL|WEAK|UNIQUE)\s+DEFAULT\s+(?:\d+|ABS) (\S+)/g)
      .flat()
      .sort(),
    undefined: matches(symbols, /(?:GLOBAL|WEAK)\s+DEFAULT\s+UND ([^\s@]+)/g)
      .flat()
      .sort(),
    needed: matches(readelf('--dynamic'), /\(NEEDED\).*\[(.*)\]/g).flat(),
    floor,
    stripped: !/ \.symtab /.test(readelf('--sections')),
  }
}

/** As `sort -V` has them. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map(version => version.split('.').map(Number)) as [number[], number[]]
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
