import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ServiceManager } from '../../src/daemon/systemd.js'

/** A manager of which is known what it was sent, and what was warned of. */
function fake(env: NodeJS.ProcessEnv = {}, notify?: (path: string, state: string) => void) {
  const sent: string[] = []
  const warned: string[] = []
  const full = { NOTIFY_SOCKET: '/run/systemd/notify', ...env }
  const manager = new ServiceManager({
    log: { warn: (_fields, message) => void warned.push(message) },
    env: full,
    notify: notify ?? ((path, state) => void sent.push(`${path} ${state}`)),
  })
  const states = () => sent.map(line => line.replace('/run/systemd/notify ', ''))
  return { manager, states, sent, warned, env: full }
}

test('says what sd_notify(3) has words for', () => {
  const { manager, sent } = fake()
  manager.status('taking up what stands')
  manager.ready('2 networks')
  manager.stopping('stopping')
  expect(sent).toEqual([
    '/run/systemd/notify STATUS=taking up what stands',
    '/run/systemd/notify READY=1\nSTATUS=2 networks',
    '/run/systemd/notify STOPPING=1\nSTATUS=stopping',
  ])
})

test('a reload begins at a time of the monotonic clock, in microseconds', () => {
  const { manager, states } = fake()
  const before = process.hrtime.bigint() / 1000n
  manager.reloading('reading')
  const [, time] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)\nSTATUS=reading$/.exec(states()[0] as string) ?? []
  expect(BigInt(time as string)).toBeGreaterThanOrEqual(before)
  expect(BigInt(time as string)).toBeLessThanOrEqual(process.hrtime.bigint() / 1000n)
})

test('a status is one line, whatever is in it, and no datagram that systemd would not take', () => {
  const { manager, states } = fake()
  manager.status('a\nMAINPID=1\r\n  b')
  manager.status('ä'.repeat(10_000))
  expect(states()[0]).toBe('STATUS=a MAINPID=1 b')
  expect(states()[1]).toMatch(/^STATUS=ä{512}…$/)
})

test('the variables are taken, so that no child speaks for this process', () => {
  const { env } = fake({ WATCHDOG_USEC: '1000000', WATCHDOG_PID: String(process.pid), OTHER: 'x' })
  expect(env).toEqual({ OTHER: 'x' })
})

test('without a manager nobody is told, and nothing is asked', () => {
  const { manager, sent, warned } = fake({ NOTIFY_SOCKET: '', WATCHDOG_USEC: '1000000' })
  manager.ready('x')
  manager.watchdog(() => Promise.reject(new Error('was asked')))
  manager.stop()
  expect([sent, warned]).toEqual([[], []])
})

test('a manager that is not there is a warning, and no more', () => {
  const { manager, warned } = fake({}, () => {
    throw new Error('ECONNREFUSED')
  })
  manager.ready('x')
  expect(warned).toEqual(['the service manager could not be told'])
})

test('after its end it says nothing any more', () => {
  const { manager, sent } = fake()
  manager.stop()
  manager.stop()
  manager.ready('x')
  expect(sent).toEqual([])
})

describe('the watchdog', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())
  const asked = { WATCHDOG_USEC: '10000000', WATCHDOG_PID: String(process.pid) }
  const fed = (states: string[]) => states.filter(state => state === 'WATCHDOG=1').length

  test('is fed at once and twice in its interval', async () => {
    const { manager, states } = fake(asked)
    manager.watchdog(async () => {})
    await vi.advanceTimersByTimeAsync(0)
    expect(fed(states())).toBe(1)
    await vi.advanceTimersByTimeAsync(4_999)
    expect(fed(states())).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(fed(states())).toBe(2)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(fed(states())).toBe(6)
    manager.stop()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(fed(states())).toBe(6)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('starves while the engine does not answer, is told once of each question, and is fed again once it does', async () => {
    const { manager, states, warned } = fake(asked)
    let answer = () => {}
    let questions = 0
    manager.watchdog(() => {
      questions++
      return new Promise(done => (answer = done))
    })
    await vi.advanceTimersByTimeAsync(60_000)
    expect([questions, fed(states()), warned]).toEqual([1, 0, ['the engine does not answer']])
    answer()
    await vi.advanceTimersByTimeAsync(5_000)
    expect([questions, fed(states())]).toEqual([2, 1])
    manager.stop()
  })

  test('starves while the engine answers with an error', async () => {
    const { manager, states, warned } = fake(asked)
    let broken = true
    manager.watchdog(async () => {
      if (broken) throw new Error('EIO')
    })
    await vi.advanceTimersByTimeAsync(9_999)
    expect([fed(states()), warned.length]).toEqual([0, 2])
    broken = false
    await vi.advanceTimersByTimeAsync(1)
    expect(fed(states())).toBe(1)
    manager.stop()
  })

  test.each([
    ['another process is meant', { ...asked, WATCHDOG_PID: '1' }],
    ['there is none', {}],
    ['its interval is none', { ...asked, WATCHDOG_USEC: '0' }],
    ['its interval is no number', { ...asked, WATCHDOG_USEC: '1e6' }],
  ])('is not fed where %s', async (_why, env) => {
    const { manager, sent } = fake(env)
    const alive = vi.fn(async () => {})
    manager.watchdog(alive)
    await vi.advanceTimersByTimeAsync(60_000)
    expect([sent, alive.mock.calls.length]).toEqual([[], 0])
  })

  test('an interval that no timer takes is asked for as late as there are timers', async () => {
    const { manager, states } = fake({ ...asked, WATCHDOG_USEC: '9000000000000' })
    manager.watchdog(async () => {})
    await vi.advanceTimersByTimeAsync(2 ** 30)
    expect(fed(states())).toBe(2)
    manager.stop()
  })
})

test('a real socket gets it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'egressd-notify-'))
  const listener = spawn('python3', [resolve('test/helpers/notify-socket.py'), join(folder, 'socket')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: listener.stdout })[Symbol.asyncIterator]()
  expect((await lines.next()).value).toBe('listening')
  const log = { warn: (fields: object) => expect.unreachable(JSON.stringify(fields)) }
  new ServiceManager({ log, env: { NOTIFY_SOCKET: join(folder, 'socket') } }).ready('here')
  const got = JSON.parse((await lines.next()).value as string)
  expect(got).toMatchObject({ state: 'READY=1\nSTATUS=here', pid: process.pid })
  rmSync(folder, { recursive: true })
})
