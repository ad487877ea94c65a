/** One token for another. Types are not looked at: most of what they would forbid is not made, and tests run without them. */
const operators = [
  [/ === /g, ' !== '],
  [/ !== /g, ' === '],
  [/ && /g, ' || '],
  [/ \|\| /g, ' && '],
  [/ >= /g, ' > '],
  [/ <= /g, ' < '],
  [/ > (?=[\w(])/g, ' >= '],
  [/ < (?=[\w(])/g, ' <= '],
  [/ \+ /g, ' - '],
  [/ - (?=[\w(])/g, ' + '],
  [/\btrue\b/g, 'false'],
  [/\bfalse\b/g, 'true'],
  [/\bif \((?!!)/g, 'if (!'],
  [/\.filter\(/g, '.map('],
  [/\.some\(/g, '.every('],
  [/\.every\(/g, '.some('],
  [/'accept'/g, "'drop'"],
  [/'drop'/g, "'accept'"],
  [/\b0\b(?!x)/g, '1'],
  [/\b1\b(?!n)/g, '2'],
]

/** Where it is code of ours that decides something: not a type, not a comment, not a text for people. */
const skipped = [
  /^\s*(\/\/|\/?\*|import |.*Parameters<|export type |type |.*Parameters<|interface |export interface |does:|message:)/,
  /: (true|false)$/,
  /^\s*\w+\??: [\w<>[\] |]+$/,
  /^\s*(\| |\w+\??: ('[\w-]+'|\d|true|false)( \| |$))/, // a case of a union, or a field that has one
]

/** All of them, in order: `number` is that of the line, `at` the place of `from` in the file. */
export function mutantsOf(file, source) {
  const mutants = []
  let offset = 0
  for (const [i, line] of source.split('\n').entries()) {
    if (!skipped.some(pattern => pattern.test(line))) {
      const code = line.replace(/ \/\/ .*$/, '')
      for (const [pattern, to] of operators)
        for (const { 0: from, index } of code.matchAll(pattern)) {
          if (isText(code, index, from)) continue
          mutants.push({
            file,
            number: i + 1,
            line,
            at: offset + index,
            from,
            to,
            does: `${from.trim()} becomes ${to.trim()}`,
          })
        }
    }
    offset += line.length + 1
  }
  return mutants
}

/** Inside of a text, which is told by the quotes before it. */
function isText(line, index, from) {
  if (from.startsWith("'")) return false
  const before = line.slice(0, index)
  return (before.split("'").length - 1) % 2 === 1 || (before.split('`').length - 1) % 2 === 1
}
