// Runs every command of docs/tour.md (`$` in blocks of `console`, with `>` before its further lines) in a sandbox that has an internet
// of its own, and puts what it prints behind it. With `--check` it says what has become different; of blocks that are marked `varies`
// only the exit status counts.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { layInternet } from '../dist/demo/topology.js'
import { runInSandbox } from '../dist/exec/sandbox.js'
import { nativeKernel } from '../dist/kernel/native.js'
import { bundle } from './bundle.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const page = join(root, 'docs/tour.md')
const [mode, folder] = process.argv.slice(2)

if (mode === '--inside') await inside(folder)
else process.exitCode = await outside(mode === '--check')

async function outside(check) {
  const scratch = mkdtempSync(join(tmpdir(), 'egressd-tour-'))
  try {
    const { code } = await runInSandbox([fileURLToPath(import.meta.url), '--inside', scratch])
    if (code !== 0) return code ?? 1
    const [before, after] = [readFileSync(page, 'utf8'), readFileSync(join(scratch, 'tour.md'), 'utf8')]
    if (!check) {
      writeFileSync(page, after)
      return 0
    }
    const differences = compare(blocksOf(before), blocksOf(after))
    for (const difference of differences) console.log(difference)
    return differences.length === 0 ? 0 : 1
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

async function inside(scratch) {
  const kernel = nativeKernel.open()
  const internet = await layInternet(kernel)
  const [bin, home] = [join(scratch, 'bin'), join(scratch, 'home')]
  for (const directory of [bin, home]) mkdirSync(directory)
  const line = `#!/bin/sh\nexec ${process.execPath} ${join(await bundle(), 'main.js')} "$@"\n`
  writeFileSync(join(bin, 'egressd'), line, { mode: 0o755 })
  const { EGRESSD_SOCKET: _, EGRESSD_STATE_DIR: __, ...rest } = process.env
  const env = { ...rest, PATH: `${bin}:${rest.PATH}:/usr/sbin:/sbin`, LC_ALL: 'C.UTF-8', COLUMNS: '100' }
  const shell = command => {
    const done = spawnSync('bash', ['-c', `exec 2>&1; ${command}`], {
      cwd: home,
      env,
      encoding: 'utf8',
      timeout: 60_000,
    })
    return steady(done.stdout) + (done.status === 0 ? '' : `[exit status ${done.status}]\n`)
  }
  const text = readFileSync(page, 'utf8').replace(
    /^```console( varies)?\n([\s\S]*?)^```$/gm,
    (_block, varies, body) => {
      const lines = commandsOf(body).map(({ typed, command }) => `${typed}\n${shell(command)}`)
      return `\`\`\`console${varies ?? ''}\n${lines.join('')}\`\`\``
    },
  )
  writeFileSync(join(scratch, 'tour.md'), text)
  endDaemon(join(home, 'daemon.pid'))
  await kernel.close()
  return internet
}

/** Where the page did not come to that. */
function endDaemon(file) {
  try {
    process.kill(Number(readFileSync(file, 'utf8')))
  } catch (error) {
    if (!['ENOENT', 'ESRCH'].includes(error.code)) throw error
  }
}

/** A command with its further lines, as typed and as the shell gets it. */
function commandsOf(body) {
  return [...body.matchAll(/^\$ .*(?:\n> .*)*/gm)].map(([typed]) => ({
    typed,
    command: typed.replace(/^[$>] /gm, ''),
  }))
}

/** Figures that are never twice the same. */
function steady(output) {
  return (
    output
      .replace(/"id":"[\w-]{12}"/g, '"id":"q4Xk0T2eJm1Z"')
      .replace(/time=[\d.]+ ms/g, 'time=0.1 ms')
      .replace(/= [\d.]+\/[\d.]+\/[\d.]+\/[\d.]+ ms/g, '= 0.1/0.1/0.1/0.0 ms')
      // A busy machine takes longer between one and the next.
      .replace(/^(\d+)( packets transmitted.* time )\d+ms$/gm, (_, n, rest) => `${n}${rest}${(n - 1) * 200}ms`)
      .replace(/ +$/gm, '')
      .replace(/@if\d+/g, '@if2')
      .replace(/^(job-17 .*) ve[0-9a-f]{12} /gm, '$1 ve73a262104f00 ')
  ) // it was made under another name
}

function blocksOf(text) {
  return [...text.matchAll(/^```console( varies)?\n([\s\S]*?)^```$/gm)].map(([, varies, body]) => ({ varies, body }))
}

function compare(before, after) {
  return before.flatMap(({ varies, body }, i) => {
    const [was, is] = [body, after[i]?.body ?? ''].map(text => (varies ? statusesOf(text) : text))
    return was === is ? [] : [`docs/tour.md has:\n${was}but now it is:\n${is}`]
  })
}

/** Of a block whose output is not compared: commands, and how they ended. */
function statusesOf(text) {
  return (text.match(/^(\$ |> |\[exit status ).*$/gm) ?? []).map(line => `${line}\n`).join('')
}
