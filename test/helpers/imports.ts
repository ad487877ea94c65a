// Who imports whom, held against a table of storeys. It reads text, not syntax trees: imports at the beginning of a line,
// as the formatter leaves them, and dynamic ones.
import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, posix } from 'node:path'

/** One place in the table. */
export interface Unit {
  name: string
  /** Beginnings of its files' paths, below the root that the table is for. */
  files: string[]
  /** Knows no clock, no process and no module but these packages. */
  pure?: string[]
  /** C++ only: system headers that no unit includes which does not say so. */
  headers?: string[]
}

/** Bottom storey first: a unit imports itself and lower storeys, never a neighbour. */
export type Storeys = Unit[][]
/** Path below the root to text. */
export type Tree = Map<string, string>

export function readTree(root: string, endings: string[]): Tree {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()
  const wanted = names.filter(name => endings.some(ending => name.endsWith(ending)))
  return new Map(wanted.map(name => [name, readFileSync(join(root, name), 'utf8')]))
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

/** The modules that a TypeScript file names. */
export function importsOf(text: string): string[] {
  const code = withoutComments(text)
  const forms = [
    /^(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]/gm,
    /^import\s*['"]([^'"]+)['"]/gm,
    /\b(?:import|require|require\.resolve)\(\s*['"]([^'"]+)['"]/g,
  ]
  return forms.flatMap(form => [...code.matchAll(form)].map(match => match[1] as string))
}

/** Those of them that are there when it runs: not `import type`. */
export function valueImportsOf(text: string): string[] {
  return importsOf(text.replace(/^(?:import|export) type\b[^'";]*?\bfrom\s*['"][^'"]+['"]/gm, ''))
}

/** The headers that a C++ file includes: `"wire/link.h"` and `<napi.h>`, with their quotes. */
export function includesOf(text: string): string[] {
  return [...text.matchAll(/^\s*#\s*include\s*(["<][^">]+[">])/gm)].map(match => match[1] as string)
}

/** Where a file stands in the table; null where it does not. */
function place(storeys: Storeys, file: string): { unit: Unit; storey: number } | null {
  for (const [storey, units] of storeys.entries()) {
    const unit = units.find(({ files }) => files.some(start => file.startsWith(start)))
    if (unit) return { unit, storey }
  }
  return null
}

function placed(storeys: Storeys, tree: Tree): string[] {
  const lost = [...tree.keys()].filter(file => !place(storeys, file))
  return lost.map(file => `${file}: is in no unit of the table; give it a place`)
}

function upward(storeys: Storeys, file: string, target: string): string[] {
  const from = place(storeys, file)
  const to = place(storeys, target)
  if (!from || !to || from.unit === to.unit || to.storey < from.storey) return []
  return [`${file} (${from.unit.name}): imports ${target} (${to.unit.name}), which is not below it`]
}

/** Everything in `src/` that is against the rules, a line each. `packages` are those that it may name. */
export function sourceFaults(storeys: Storeys, tree: Tree, packages: string[]): string[] {
  const edges = new Map<string, string[]>()
  const faults = [...tree].flatMap(([file, text]) => {
    const imports = importsOf(text)
    const resolve = (names: string[]) =>
      names
        .filter(name => name.startsWith('.'))
        .map(name => posix.join(posix.dirname(file), name).replace(/\.js$/, '.ts'))
    const targets = resolve(imports)
    // Handles know each other's types; what runs may not go in a circle.
    edges.set(file, resolve(valueImportsOf(text)))
    const pure = place(storeys, file)?.unit.pure
    const outside = imports.filter(name => !name.startsWith('.'))
    return [
      ...targets.flatMap(target => (tree.has(target) ? upward(storeys, file, target) : [`${file}: no ${target}`])),
      ...outside.flatMap(name => moduleFault(name, pure, packages)).map(fault => `${file}: ${fault}`),
      ...formFaults(file, withoutComments(text), pure !== undefined),
    ]
  })
  return [...placed(storeys, tree), ...faults, ...circles(edges)]
}

function moduleFault(name: string, pure: string[] | undefined, packages: string[]): string[] {
  const bare = name.replace(/^((?:@[^/]+\/)?[^/]+).*$/, '$1')
  if (pure && !pure.includes(bare)) return [`imports ${name}, and is pure`]
  if (name.startsWith('node:') || packages.includes(bare)) return []
  return [builtinModules.includes(bare) ? `imports ${name} without node:` : `imports ${name}, no runtime dependency`]
}

/** What a package's users import: these hand on what others have. */
const entries = ['index.ts', 'client.ts']

function formFaults(file: string, code: string, pure: boolean): string[] {
  const impure =
    /\b(?:Date\.now|new Date|performance\.|process\.|setTimeout\(|setInterval\(|setImmediate\(|Math\.random)/.exec(code)
  return [
    ...(pure && impure ? [`${file}: has ${impure[0]}, and is pure`] : []),
    // Node keeps a trace of each in the signals that it was made of.
    ...(/\bAbortSignal\.any\(/.test(code) ? [`${file}: has AbortSignal.any, and not Either`] : []),
    ...(/^export\s+default\b/m.test(code) ? [`${file}: has a default export`] : []),
    ...(!entries.includes(file) && /^export\b[^'"=;]*?\bfrom\s*['"]/m.test(code)
      ? [`${file}: exports what others have`]
      : []),
  ]
}

// Depth first; each circle is told once, by its first file.
function circles(edges: Map<string, string[]>): string[] {
  const done = new Set<string>()
  const faults: string[] = []
  const walk = (file: string, way: string[]) => {
    const seen = way.indexOf(file)
    if (seen >= 0) faults.push(`${[...way.slice(seen), file].join(' > ')}: a circle of imports`)
    if (seen >= 0 || done.has(file)) return
    for (const target of edges.get(file) ?? []) walk(target, [...way, file])
    done.add(file)
  }
  for (const file of edges.keys()) walk(file, [])
  return faults
}

/** The same for `native/`. */
export function nativeFaults(storeys: Storeys, tree: Tree): string[] {
  const kept = storeys.flat().flatMap(unit => (unit.headers ?? []).map(header => ({ header, unit })))
  const faults = [...tree].flatMap(([file, text]) =>
    includesOf(text).flatMap(include => {
      const name = include.slice(1, -1)
      if (include.startsWith('"')) return tree.has(name) ? upward(storeys, file, name) : [`${file}: no ${name}`]
      const keepers = kept.filter(({ header }) => header === name)
      const keeper = keepers[0]
      const good = !keeper || keepers.some(({ unit }) => unit === place(storeys, file)?.unit)
      return good ? [] : [`${file}: includes ${name}, which only ${keeper.unit.name} does`]
    }),
  )
  return [...placed(storeys, tree), ...faults]
}
