import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'

/** In a process that has nothing else to do. The event comes as the kernel's do: by a handle that keeps no process alive. */
function inChild(script: string): { status: number | null; stdout: string; stderr: string } {
  const about = `import { channel } from 'node:diagnostics_channel'; import { EventLog } from '${pathToFileURL(resolve('dist/engine/events.js')).href}';
    const log = new EventLog('/run/mine');
    setTimeout(() => channel('egressd:event').publish({ stateDir: '/run/mine', type: 'drift' }), 300).unref();`
  const options = { encoding: 'utf8', timeout: 60_000 } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', about + script], options)
  return { status, stdout, stderr }
}

test('a process that waits for an event lives until it comes', () => {
  const script = 'for await (const { type } of log.read()) { console.log(type); break }'
  expect(inChild(script)).toEqual({ status: 0, stdout: 'drift\n', stderr: '' })
})

test('and no longer: one that has stopped waiting, or was ended, keeps nothing', () => {
  const script = `const signal = AbortSignal.timeout(0); setTimeout(() => {}, 20);
    for await (const { type } of log.read({ signal })) console.log(type);
    const ended = log.read().next(); log[Symbol.dispose](); console.log((await ended).done)`
  expect(inChild(script)).toEqual({ status: 0, stdout: 'true\n', stderr: '' })
})
