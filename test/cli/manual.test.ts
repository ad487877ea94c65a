// Help, the manual page and docs/cli.md: made of the commands, and true of them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command, CommanderError } from 'commander'
import { describe, expect, test, vi } from 'vitest'
import { readExamples } from '../../src/cli/command/leaf.js'
import { distance, nearest } from '../../src/cli/command/nearest.js'
import { manualFiles } from '../../src/cli/manual/files.js'
import { entriesOf } from '../../src/cli/manual/tree.js'
import { buildProgram } from '../../src/cli/program.js'
import { egressd } from '../helpers/cli.js'

vi.setConfig({ testTimeout: 120_000 })

const root = join(import.meta.dirname, '../..')
const leaves = (command: Command): Command[] =>
  command.commands.length > 0 ? command.commands.flatMap(leaves) : [command]

test.each(manualFiles().map(({ path, text }) => [path.slice(root.length + 1), text]))(
  '%s is as scripts/reference makes it',
  (path, text) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(text)
  },
)

test('every command that was asked for is there', () => {
  const names = entriesOf(buildProgram()).map(({ name }) => name.replace('egressd ', ''))
  const wanted = `demo apply plan check gc down doctor bench schema network\u00a0ls network\u00a0show network\u00a0add network\u00a0rm
    ns\u00a0ls ns\u00a0show ns\u00a0add ns\u00a0rm ns\u00a0exec ns\u00a0shell ns\u00a0ping ns\u00a0connect pool\u00a0ls pool\u00a0claim pool\u00a0release
    events top graph completion`
  expect(names).toEqual(expect.arrayContaining(wanted.split(/[ \n]+/).map(name => name.replace('\u00a0', ' '))))
})

/** The words of the first `egressd …` in a line of shell; quotes are taken off, substitutions and what is behind a pipe are left out. */
function wordsOf(line: string): string[] | null {
  const [, rest] = /(?:^|[ (=|'])egressd ((?:[^|;<>&')]|'[^']*'|"[^"]*")*)/.exec(line) ?? []
  return rest === undefined
    ? null
    : [...rest.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '')
}

describe('examples come first, and can be typed', () => {
  const all = leaves(buildProgram()).map(leaf => [leaf.name(), leaf] as const)
  test.each(all)('of %s', (_name, leaf) => {
    const examples = readExamples(leaf)
    expect(examples.length).toBeGreaterThan(0)
    for (const [line, does] of examples) {
      expect(does).not.toBe('')
      const words = wordsOf(line)
      expect(words, line).not.toBeNull()
      const program = buildProgram()
      const silent = { writeErr: () => {}, writeOut: () => {} }
      const ran: string[] = []
      const prepare = (command: Command): void => {
        command.configureOutput(silent)
        if (command.commands.length === 0) command.action(() => void ran.push(command.name()))
        for (const each of command.commands) prepare(each)
      }
      prepare(program)
      try {
        program.parse(words as string[], { from: 'user' })
      } catch (error) {
        throw new Error(`${line}: ${(error as CommanderError).message}`, { cause: error })
      }
      expect(ran, line).toHaveLength(1)
    }
  })
})

test('help begins with examples, tells JSON and exit statuses, and is no failure', async () => {
  const { code, stdout, stderr } = await egressd(['ns', 'ping', '--help'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^Examples:\n {2}egressd ns ping ns0 8\.8\.8\.8 /)
  expect(stdout).toMatch(/\nUsage: egressd ns ping \[options\] <namespace> <target>\n/)
  expect(stdout).toMatch(/Which egressd:\n {2}--socket/)
  expect(stdout).toMatch(/Exit status: 0 where an answer came, 1 where none did\.\nWith --json: \{ namespace, target, /)
  for (const args of [[], ['network'], ['ns'], ['pool']]) {
    const above = await egressd([...args, '--help'])
    expect(above).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^Examples:\n {2}egressd /) })
    // Each is the example of a command, which is run above.
    const [block = ''] = above.stdout.split('\n\n')
    const known = entriesOf(buildProgram()).flatMap(({ examples }) => examples.map(([line]) => line))
    for (const [, line = ''] of block.matchAll(/^ {2}(egressd .*)/gm))
      expect(known.filter(command => line.startsWith(command)).length, line).toBeGreaterThan(0)
  }
  expect((await egressd([])).code).toBe(2)
  expect(await egressd(['--version'])).toMatchObject({ code: 0, stdout: '0.1.0\n' })
})

test('what JSON is promised is what is in the source of the types', () => {
  // Spot checks against the shapes: a field that is renamed there must be renamed here.
  const told = (name: string) =>
    entriesOf(buildProgram())
      .find(entry => entry.name === name)
      ?.paragraphs.join(' ')
  for (const field of ['name', 'network', 'labels', 'anonymous', 'path', 'interface', 'hostInterface', 'addresses'])
    expect(told('egressd ns show')).toContain(field)
})

test('a slip of the hand is known from another name', () => {
  expect([distance('ns0', 'ns0'), distance('nsO', 'ns0'), distance('sn0', 'ns0'), distance('', 'abc')]).toEqual([
    0, 1, 1, 3,
  ])
  expect(nearest('netwrok', ['ns', 'network', 'pool'])).toBe('network')
  expect(nearest('ns00', ['ns1', 'ns0'])).toBe('ns0')
  expect(nearest('q', ['a', 'b'])).toBeUndefined()
  expect(nearest('build-7', ['web', 'db'])).toBeUndefined()
  expect(nearest('x', [])).toBeUndefined()
})
