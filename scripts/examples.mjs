// `<!-- examples/NAME.ts -->` in docs/guide.md is followed by that file and what it prints, as they were when this ran: each
// compiled, and run as a process on a host of its own that has an internet.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { layInternet } from '../dist/demo/topology.js'
import { runInSandbox } from '../dist/exec/sandbox.js'
import { nativeKernel } from '../dist/kernel/native.js'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const page = 'docs/guide.md'
const self = fileURLToPath(import.meta.url)
const [mode, ...rest] = process.argv.slice(2)

const markOf = name => `<!-- examples/${name}.ts -->`
const sectionOf = name =>
  new RegExp(`${markOf(name)}\\n(\`\`\`ts\\n[\\s\\S]*?^\`\`\`\\n\`\`\`console\\n[\\s\\S]*?^\`\`\`\\n)?`, 'm')

if (mode === '--inside') await inside(rest[0], rest[1])
else process.exitCode = await outside(mode === '--check', mode === '--check' ? rest : process.argv.slice(2))

async function outside(check, wanted) {
  const built = spawnSync('npx', ['--no-install', 'tsc', '-p', 'examples'], { stdio: 'inherit' })
  if (built.status !== 0) return 1
  const all = readdirSync('examples').flatMap(name => (name.endsWith('.ts') ? [name.slice(0, -3)] : []))
  const text = readFileSync(page, 'utf8')
  const faults = all.filter(name => !text.includes(markOf(name))).map(name => `${page} has no ${markOf(name)}`)
  let made = text
  for (const name of wanted.length > 0 ? wanted : all) {
    const output = `build-examples/${name}.txt`
    const { code } = await runInSandbox([self, '--inside', name, output])
    if (code !== 0) faults.push(`${name}: exit status ${code}\n${readFileSync(output, 'utf8')}`)
    made = made.replace(sectionOf(name), () => show(name, readFileSync(output, 'utf8')))
  }
  if (!check) writeFileSync(page, made)
  else if (made !== text) faults.push(...differences(text, made))
  for (const fault of faults) console.log(fault)
  return faults.length > 0 ? 1 : 0
}

async function inside(name, output) {
  const kernel = nativeKernel.open()
  await layInternet(kernel)
  const daemon = name === 'client' ? await startDaemon() : null
  const { status, stdout, error } = spawnSync(
    'sh',
    ['-c', `exec "$0" build-examples/${name}.js 2>&1`, process.execPath],
    {
      encoding: 'utf8',
      timeout: 60_000,
    },
  )
  writeFileSync(output, `${steady(stdout)}${error ? `${error.message}\n` : ''}`)
  daemon?.kill()
  await kernel.close()
  process.exitCode = status ?? 1
}

/** Resolves once it serves. */
async function startDaemon() {
  writeFileSync('build-examples/egressd.yaml', '{}\n')
  const line = ['dist/cli/main.js', 'daemon', '--config', 'build-examples/egressd.yaml']
  const daemon = spawn(process.execPath, line, { stdio: 'ignore' })
  for (const until = Date.now() + 20_000; !existsSync('/run/egressd/egressd.sock'); await sleep(20))
    if (daemon.exitCode !== null || Date.now() > until) throw new Error('the daemon did not start')
  return daemon
}

function show(name, printed) {
  const source = readFileSync(`examples/${name}.ts`, 'utf8')
  return `${markOf(name)}\n\`\`\`ts\n${source}\`\`\`\n\`\`\`console\n$ node ${name}.js\n${printed}\`\`\`\n`
}

/** Names and numbers that are never twice the same. */
function steady(printed) {
  return printed
    .replace(/anonymous-\d+-\d+/g, 'anonymous-4711-1')
    .replace(/@if\d+/g, '@if2')
    .replace(/(?:[0-9a-f]{2}:){5}[0-9a-f]{2}/g, '02:42:c0:a8:00:02')
    .replace(/ +$/gm, '')
}

function differences(was, is) {
  const blocks = text => text.split(/(?=^```)/m)
  return blocks(was).flatMap((block, i) => {
    const now = blocks(is)[i]
    return block === now ? [] : [`${page} has:\n${block}but now it is:\n${now}`]
  })
}
