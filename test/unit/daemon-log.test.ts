import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'

const script = (rest: string) => `
  const { openLog } = await import('${pathToFileURL(resolve('dist/daemon/log.js')).href}')
  const log = openLog('info')
  // More than a pipe holds: the write of it goes on until somebody reads.
  log.logger.info({ much: 'x'.repeat(1_000_000) }, 'first')
  ${rest}
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 60_000).unref()
  setTimeout(() => console.log('said'), 300)`
const start = (rest: string) =>
  spawn(process.execPath, ['--input-type=module', '-e', script(rest)], { stdio: ['ignore', 'pipe', 'pipe'] })

test('a line that comes while another is still being written is written too, though none comes after it', async () => {
  const child = start(`setTimeout(() => log.logger.info('last'), 100)`)
  const ended = once(child, 'close')
  await once(child.stdout, 'data')
  let said = ''
  for await (const chunk of child.stderr.setEncoding('utf8')) {
    said += chunk
    if (said.includes('"last"')) break
  }
  child.kill('SIGKILL')
  await ended
  const lines = said.trim().split('\n')
  expect(lines).toHaveLength(2)
  expect(JSON.parse(lines.at(-1) as string)).toMatchObject({ msg: 'last' })
})

test('what is said last is written last, and all of it before the process ends', async () => {
  // NB: by a timer, for the write of the first line to have begun.
  const child = start(`setTimeout(() => { log.logger.fatal('why'); log[Symbol.dispose]() }, 100)`)
  const ended = once(child, 'close')
  const said = child.stderr.setEncoding('utf8').toArray()
  const [status] = await ended
  const lines = (await said).join('').trim().split('\n')
  expect({ status, words: lines.map(line => JSON.parse(line).msg) }).toEqual({ status: 0, words: ['first', 'why'] })
})
