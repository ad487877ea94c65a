import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'

const script = `
  const { openLog } = await import('${pathToFileURL(resolve('dist/daemon/log.js')).href}')
  const log = openLog('info')
  // More than a pipe holds: the write of it goes on until somebody reads.
  log.logger.info({ much: 'x'.repeat(1_000_000) }, 'first')
  setTimeout(() => log.logger.info('last'), 100)
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 10_000)
  setTimeout(() => console.log('said'), 300)`

test('a line that comes while another is still being written is written too, though none comes after it', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] })
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
