// What the other side of a connection sees.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { expect } from 'vitest'
import { netnsPath } from './host.js'

/** Sends one echo once the far side listens; who it says the echo is from, and what came of it. */
export async function seen(fd: number, family: 4 | 6, send: () => Promise<{ result: string }[]>) {
  const script = resolve('test/helpers/far-side.py')
  const listener = spawn('nsenter', [`--net=${netnsPath({ fd })}`, 'python3', script, `${family}`, '30'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(listener, 'exit')
  const lines = createInterface({ input: listener.stdout })[Symbol.asyncIterator]()
  expect((await lines.next()).value).toBe('listening')
  const [echo] = await send()
  const source = (await lines.next()).value
  await exited
  return { source, result: echo?.result }
}
