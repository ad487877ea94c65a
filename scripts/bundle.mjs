// dist/ in a few files, for the processes that the tests start by the hundred: reading 280 modules is two thirds of the time that
// a short command takes. The places that modules know of themselves stay those in dist/, so that what they start again is that.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))
const input = { main: 'dist/cli/main.js', index: 'dist/index.js' }

/** The folder that has `main.js` and `index.js`; made where dist/ is not what it was made of. */
export async function bundle() {
  const under = join(root, 'build/bundles')
  const folder = join(under, stateOf(join(root, 'dist')))
  if (existsSync(folder)) return folder
  mkdirSync(under, { recursive: true })
  const old = readdirSync(under).filter(name => !name.startsWith('begun-') && join(under, name) !== folder)
  const made = mkdtempSync(join(under, 'begun-'))
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    ssr: { noExternal: true },
    plugins: [{ name: 'places', transform: inPlace }],
    build: {
      ssr: true,
      outDir: made,
      emptyOutDir: false,
      minify: false,
      target: 'node20',
      rolldownOptions: { input, output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' } },
    },
  })
  try {
    renameSync(made, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
    rmSync(made, { recursive: true }) // somebody beside us was first
  }
  for (const name of old) rmSync(join(under, name), { recursive: true, force: true })
  return folder
}

const inPlace = (code, id) =>
  id.startsWith(root) ? code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href)) : null

/** Of the place too: it is in what is made. */
function stateOf(folder) {
  const hash = createHash('sha256').update(folder)
  for (const name of readdirSync(folder, { encoding: 'utf8', recursive: true }).sort()) {
    if (!name.endsWith('.js')) continue
    const { size, mtimeMs } = statSync(join(folder, name))
    hash.update(`${name} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex').slice(0, 16)
}
