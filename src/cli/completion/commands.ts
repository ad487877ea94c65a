import { Argument, type Command } from 'commander'
import { act } from '../command/act.js'
import { leaf } from '../command/leaf.js'
import { type Shell, shells } from './scripts.js'

export function addCompletion(program: Command): void {
  leaf(program, {
    usage: 'completion',
    does: 'print what makes a shell complete commands, options, and names of networks and namespaces',
    examples: [
      ['source <(egressd completion bash)', 'in ~/.bashrc'],
      ['egressd completion zsh > "$fpath[1]/_egressd"', 'and begin a new shell'],
      ['egressd completion fish > ~/.config/fish/completions/egressd.fish', 'from the next shell on'],
    ],
    globals: false,
  })
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .action(
      act(async () => {
        const { printScript } = await import('./scripts.js')
        return (_: unknown, shell: Shell) => printScript(shell)
      }),
    )

  leaf(program, {
    usage: '__complete',
    does: 'candidates for the last of the words',
    examples: [['egressd __complete bash -- ns sh', 'what the scripts of "egressd completion" ask']],
    hidden: true,
  })
    .addArgument(new Argument('<shell>').choices(shells))
    .argument('[words...]')
    .passThroughOptions()
    .action(
      act(async () => {
        const { complete } = await import('./complete.js')
        return (globals: object, shell: Shell, words: string[]) => complete(program, globals, shell, words)
      }),
    )
}
