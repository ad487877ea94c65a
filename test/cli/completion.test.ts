// Completion: what is offered, and that bash, zsh and fish offer it.
import { expect, test, vi } from 'vitest'
import { candidates } from '../../src/cli/completion/candidates.js'
import { buildProgram } from '../../src/cli/program.js'
import { type FreshWorld, freshWorld, main } from '../helpers/cli.js'

// Many processes, one after another.
vi.setConfig({ testTimeout: 120_000 })

const program = buildProgram()
const there = { network: ['br0', 'br1'], namespace: ['ns0', 'ns1', 'web'], pool: ['ci'] }
const offered = async (...words: string[]) => {
  const found = await candidates(program, words, async kind => there[kind])
  return typeof found === 'string' ? `:${found}` : found.map(({ value }) => value)
}

test.each<[string[], string[] | string]>([
  [['n'], ['network', 'ns']],
  [
    ['ns', 'sh'],
    ['show', 'shell'],
  ],
  [['namespace', 'sho'], ['show']],
  [
    ['ns', 'show', 'n'],
    ['ns0', 'ns1'],
  ],
  [['ns', 'show', 'ns0', ''], []],
  [
    ['ns', 'rm', 'ns0', ''],
    ['ns1', 'web'],
  ],
  [
    ['ns', 'add', 'new', '--network', ''],
    ['br0', 'br1'],
  ],
  [
    ['ns', 'add', 'new', '--network=br'],
    ['--network=br0', '--network=br1'],
  ],
  [
    ['network', 'add', 'x', '--mode', ''],
    ['bridge', 'routed'],
  ],
  [['graph', '--format', 's'], ['svg']],
  [['top', '--on'], ['--once']],
  [['top', '--once', '--on'], []],
  [['network', 'add', 'x', '--subnet', '10.64.0.0/16', '--sub'], ['--subnet']],
  [['--state-dir', '/x', 'ns', 'ex'], ['exec']],
  [['ns', 'ping', 'ns0', 'w'], ['web']],
  [['ns', 'ping', 'ns0', '8.8.8.8', ''], []],
  [
    ['ns', 'exec', ''],
    ['ns0', 'ns1', 'web'],
  ],
  [['ns', 'exec', 'ns0', '--', 'l'], ':commands'],
  [['ns', 'exec', 'ns0', 'l'], ':commands'],
  [['ns', 'exec', 'ns0', '--', 'ls', '-'], ':files'],
  [['apply', '-f', ''], ':files'],
  [['apply', '--file', 'x'], ':files'],
  [['--socket', ''], ':files'],
  [['pool', 'claim', ''], ['ci']],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['help', 'ne'], ['network']],
  [['help', 'ns', 'sho'], ['show']],
  [['ns', 'help', 'a'], ['add']],
  [['namesp'], ['namespace']],
  [['pool', 'release', 'ci', 'w'], ['web']],
  [['ns', 'rm', 'web', '--ig'], ['--ignore-missing']],
  [['__comp'], []],
  [['nonsense', 'x', ''], []],
])('%j offers %j', async (words, expected) => {
  expect(await offered(...words)).toEqual(expected)
})

/** A world that has names to offer, and `egressd` in its path. */
async function shellWorld(): Promise<FreshWorld> {
  const world = await freshWorld()
  await world.egressd(['network', 'add', 'br0', '--subnet', '10.64.0.0/16'])
  await world.egressd(['ns', 'add', 'ns0', 'ns1', 'web', '--network', 'br0'])
  world.sh(`mkdir /run/bin; printf '#!/bin/sh\\nexec ${process.execPath} ${main} "$@"\\n' >/run/bin/egressd; chmod +x /run/bin/egressd
    for shell in bash zsh fish; do /run/bin/egressd completion $shell >/run/completion.$shell; done`)
  return world
}

test('bash completes', async () => {
  await using world = await shellWorld()
  world.sh(`cat >/run/drive.bash <<'end'
source /run/completion.bash
complete -p egressd
ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _egressd; echo "$*: \${COMPREPLY[*]}"; }
ask egressd ns sh
ask egressd ns show n
ask egressd ns add x --network = b
ask egressd ns rm ns0 ''
ask egressd apply -f /etc/hostn
ask egressd apply --file = /etc/hostn
mkdir /run/files && touch /run/files/doc.yaml && cd /run/files && ask egressd apply --file =
ask egressd ns exec web -- pytho
end`)
  const told = world.sh('PATH=/run/bin:$PATH bash --norc /run/drive.bash').trim().split('\n')
  expect(told.slice(0, -1)).toEqual([
    'complete -F _egressd egressd',
    'egressd ns sh: show shell',
    'egressd ns show n: ns0 ns1',
    'egressd ns add x --network = b: br0',
    'egressd ns rm ns0 : ns1 web',
    'egressd apply -f /etc/hostn: /etc/hostname',
    'egressd apply --file = /etc/hostn: /etc/hostname',
    'egressd apply --file =: doc.yaml',
  ])
  expect(told.at(-1)).toContain('python3')
})

test('zsh and fish complete', async () => {
  await using world = await shellWorld()
  world.sh('bash -n /run/completion.bash; zsh -n /run/completion.zsh; fish -n /run/completion.fish')
  const fish = (line: string) =>
    world.sh(`PATH=/run/bin:$PATH fish --no-config -c 'source /run/completion.fish; complete -C "${line}"'`)
  expect(fish('egressd ns sh')).toBe(
    'show\tshow one namespace\nshell\trun a shell in a namespace: $SHELL, or /bin/sh\n',
  )
  expect(fish('egressd ns show n')).toBe('ns0\nns1\n')
  expect(fish('egressd apply -f /etc/hostn')).toBe('/etc/hostname\n')
  expect(fish('egressd apply --file=/etc/hostn')).toBe('--file=/etc/hostname\n')
  expect(fish('egressd --state-dir=/run/other ns show n')).toBe('')
  // As zsh calls it, but that what it offers is printed.
  world.sh(`cat >/run/drive.zsh <<'end'
compdef() { print -r -- "compdef $*" }
_describe() { print -rl -- \${(P)3} }
_files() { print files $PREFIX }
compset() { PREFIX=\${PREFIX#\${~2}} }
source /run/completion.zsh
words=(egressd ns sh) CURRENT=3; _egressd
words=(egressd ns show n) CURRENT=4; _egressd
words=(egressd apply -f x) CURRENT=4 PREFIX=x; _egressd
words=(egressd apply --file=x) CURRENT=3 PREFIX=--file=x; _egressd
end`)
  expect(world.sh('PATH=/run/bin:$PATH zsh -f /run/drive.zsh').trim().split('\n')).toEqual([
    'compdef _egressd egressd',
    'show:show one namespace',
    'shell:run a shell in a namespace: $SHELL, or /bin/sh',
    'ns0',
    'ns1',
    'files x',
    'files x',
  ])
})
