import { fstatSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { daemonSchema, parseConfig } from '../../src/daemon/config.js'
import { isJournal, priorityOf } from '../../src/daemon/log.js'
import { groupNumber, mayWrite } from '../../src/daemon/peers.js'
import { inheritedSocket } from '../../src/daemon/socket.js'
import { type EgressError, isEgressError } from '../../src/errors.js'

const br0 = { name: 'br0', subnets: ['192.168.0.0/16'] }

function refused(input: unknown): EgressError {
  try {
    parseConfig(input)
  } catch (error) {
    if (isEgressError(error)) return error
    throw error
  }
  throw new Error('it was taken')
}
const fieldsOf = (error: EgressError) => error.problems?.map(({ field }) => field)

describe('a configuration', () => {
  test('that says nothing has every default', () => {
    expect(parseConfig({})).toEqual({
      socket: '/run/egressd/egressd.sock',
      stateDir: '/run/egressd',
      read: 'none',
      log: { level: 'info' },
      metrics: true,
      watch: 'repair',
      firewall: 'auto',
      limits: {
        connections: 1_024,
        writes: 256,
        streams: 64,
        bodyBytes: 4 * 1024 * 1024,
        bodiesBytes: 64 * 1024 * 1024,
        slowMs: 30_000,
        drainMs: 10_000,
      },
      pools: [],
      spec: { networks: undefined, namespaces: undefined },
    })
  })

  test('keeps its document as it was given, so that what is open there stays open', () => {
    expect(parseConfig({ networks: [br0], limits: { writes: 7 } })).toMatchObject({
      limits: { writes: 7, streams: 64 },
      spec: { networks: [br0] },
    })
  })

  test('is refused with all that is wrong with it, each by its field', () => {
    const error = refused({
      socket: 'run/x',
      group: -1,
      read: 'some',
      log: { level: 'loud', file: '/x' },
      limits: { connections: 0 },
      networks: [br0, { ...br0, name: 'br1' }, { name: 'b/2', subnets: [] }],
      namespaces: [{ name: 'a', network: 'none' }],
      pools: [
        { name: 'p', network: 'br0', size: 1, high: 0 },
        { name: 'p', network: 'nowhere', size: 2 },
        { name: 'q', network: 'br0', size: 1, low: 2 },
        { name: 'r', network: 'br0', size: 1, prepare: 'x' },
      ],
      unknown: true,
    })
    expect(error.code).toBe('EGRESSD_INVALID_SPEC')
    expect(fieldsOf(error)?.sort()).toEqual([
      'group',
      'limits.connections',
      'log.file',
      'log.level',
      'namespaces[0].network',
      'networks[1].subnets',
      'networks[2].name',
      'networks[2].subnets',
      'pools[0].high',
      'pools[1].name',
      'pools[1].network',
      'pools[2].low',
      'pools[3].prepare',
      'read',
      'socket',
      'unknown',
    ])
  })

  test.each([
    ['nothing', null],
    ['a text', 'networks'],
    ['a list', []],
    ['networks that are no list', { networks: 'br0' }],
    ['a pool that is none', { pools: [null] }],
    ['a socket that is too long', { socket: `/${'x'.repeat(97)}` }],
  ])('is not %s', (_what, input) => {
    expect(fieldsOf(refused(input))).toHaveLength(1)
  })

  test('the example is one, and the schema is of what is taken', () => {
    const schema = daemonSchema() as { properties: Record<string, unknown>; additionalProperties: unknown }
    expect(Object.keys(schema.properties).sort()).toEqual(
      'firewall group limits log metrics namespaces networks pools read socket stateDir watch'.split(' '),
    )
    expect(schema.additionalProperties).toBe(false)
    const page = readFileSync(new URL('../../docs/daemon.md', import.meta.url), 'utf8')
    for (const key of Object.keys(schema.properties)) expect(page).toContain(`\`${key}\``)
  })
})

test('root and members of the group may write, and nobody else', () => {
  const peer = { pid: 1, uid: 1234, gid: 1234, groups: [5, 6] }
  expect(mayWrite({ ...peer, uid: 0 }, null)).toBe(true)
  expect(mayWrite(peer, null)).toBe(false)
  expect(mayWrite(peer, 6)).toBe(true)
  expect(mayWrite(peer, 1234)).toBe(true)
  expect(mayWrite(peer, 0)).toBe(false)
})

test('a group is found by its name, or is a number', () => {
  expect(groupNumber(7)).toBe(7)
  expect(groupNumber('7')).toBe(7)
  expect(groupNumber('root')).toBe(0)
  expect(() => groupNumber('no such')).toThrow(/there is no group "no such"/)
})

test('a socket is taken from the service manager only where it is meant for this process', () => {
  const own = { LISTEN_PID: String(process.pid), LISTEN_FDS: '1' }
  const env = { ...own }
  expect(inheritedSocket(env)).toBe(3)
  expect(env).toEqual({})
  expect(inheritedSocket({ ...own, LISTEN_PID: '1' })).toBeNull()
  expect(inheritedSocket({ ...own, LISTEN_FDS: '0' })).toBeNull()
  expect(inheritedSocket({})).toBeNull()
  expect(inheritedSocket({ ...own, LISTEN_FDS: '2', LISTEN_FDNAMES: 'stored:egressd.socket' })).toBe(4)
  expect(() => inheritedSocket({ ...own, LISTEN_FDS: '2', LISTEN_FDNAMES: 'a.socket:b.socket' })).toThrow(/2 sockets/)
})

test('levels are those of syslog where the journal reads', () => {
  expect([10, 20, 30, 40, 50, 60].map(priorityOf)).toEqual([7, 7, 6, 4, 3, 2])
  const { dev, ino } = fstatSync(2)
  expect(isJournal(2, { JOURNAL_STREAM: `${dev}:${ino}` })).toBe(true)
  expect(isJournal(2, { JOURNAL_STREAM: `${dev}:${ino + 1}` })).toBe(false)
  expect(isJournal(2, { JOURNAL_STREAM: 'x' })).toBe(false)
  expect(isJournal(2, {})).toBe(false)
})
