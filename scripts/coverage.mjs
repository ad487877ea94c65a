// The figures of scripts/coverage, by folder: lines that were run, of those that can be.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const typescript = Object.entries(JSON.parse(readFileSync('coverage/typescript/coverage-summary.json', 'utf8')))
  .filter(([path]) => path !== 'total')
  .map(([path, { lines }]) => ({ path: relative('.', path), run: lines.covered, all: lines.total }))
print('TypeScript', typescript)

const profiles = readdirSync('build-coverage/profile').map(name => `build-coverage/profile/${name}`)
const merged = 'build-coverage/all.profdata'
execFileSync('llvm-profdata', ['merge', '--sparse', '-o', merged, ...profiles])
const programs = ['egressd.node', 'egressd-exec', 'wire_test', 'net_test'].map(name => `build-coverage/Debug/${name}`)
const objects = programs.flatMap((program, i) => (i === 0 ? [program] : ['--object', program]))
const exported = execFileSync('llvm-cov', ['export', '--summary-only', '--instr-profile', merged, ...objects], {
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
})
const native = JSON.parse(exported)
  .data[0].files.map(({ filename, summary }) => ({ path: relative('.', filename), ...summary.lines }))
  .filter(({ path }) => /^native\/(?!test\/)/.test(path))
  .map(({ path, covered, count }) => ({ path, run: covered, all: count }))
print('C++', native)
const show = ['show', '--format', 'html', '--output-dir', 'coverage/native', '--instr-profile', merged, ...objects]
execFileSync('llvm-cov', [...show, 'native'], { stdio: 'ignore' })

function print(title, files) {
  const folders = groupBy(files)
  const rows = [...folders].sort(([a], [b]) => (a < b ? -1 : 1)).map(([folder, some]) => [folder, sum(some)])
  console.log(`${title}: ${show100(sum(files))}`)
  for (const [folder, figures] of rows) console.log(`  ${folder.padEnd(16)} ${show100(figures)}`)
}

function groupBy(files) {
  const groups = new Map()
  for (const file of files) groups.set(folderOf(file), [...(groups.get(folderOf(file)) ?? []), file])
  return groups
}

function folderOf({ path }) {
  const [, folder = '', file] = path.split('/')
  return file === undefined ? 'others' : folder
}

function sum(files) {
  return files.reduce(({ run, all }, file) => ({ run: run + file.run, all: all + file.all }), { run: 0, all: 0 })
}

function show100({ run, all }) {
  return `${((100 * run) / all).toFixed(1)} % of ${all} lines`
}
