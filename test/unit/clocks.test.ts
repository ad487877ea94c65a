// The wall clock can be set. Whatever waits, rests, expires or is measured goes by one that cannot.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

function uses(folder: string, ending: RegExp, wall: RegExp): string[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter(name => ending.test(name))
  expect(names.length).toBeGreaterThan(20)
  return names.sort().flatMap(name =>
    readFileSync(join(root, folder, name), 'utf8')
      .split('\n')
      .filter(line => wall.test(line) && !/^\s*(\/\/|\*|\/\*)/.test(line))
      .map(line => `${name}: ${line.trim()}`),
  )
}

test('TypeScript asks for the time of day to tell it to people, and for nothing else', () => {
  const stamp =
    /\btime: new Date\(\)\.toISOString\(\)|, started\] = \[performance\.now\(\), new Date\(\)\.toISOString\(\)\]$/
  const found = uses('src', /\.ts$/, /\bDate\b(?!:)/)
  expect(found.filter(line => !stamp.test(line))).toEqual([])
  expect(found.map(line => line.split(':')[0])).toEqual([
    'bench/run.ts',
    'cli/watch/top.ts',
    'client/follow.ts',
    'engine/events.ts',
    'engine/events.ts',
  ])
})

test('C++ does where the kernel stamps a packet by it', () => {
  const wall = /CLOCK_REALTIME|system_clock|gettimeofday|\btime\((?:nullptr|NULL|0)\)|pthread_\w*timed/
  expect(uses('native', /\.(cc|h|c)$/, wall).filter(line => !line.startsWith('test/'))).toEqual([
    'net/icmp-socket.cc: clock_gettime(CLOCK_REALTIME, &answer.received);',
    'net/icmp-socket.h: timespec received;          // CLOCK_REALTIME, stamped by the kernel as the packet came in',
    'net/ping.cc: clock_gettime(CLOCK_REALTIME, &now);',
    "net/ping.cc: nanoseconds wall;  // CLOCK_REALTIME, which the kernel's stamp is in",
  ])
})
