import { describe, expect, test } from 'vitest'
import { FakeMachine } from '../../src/kernel/fake/fake.js'
import * as nft from '../../src/kernel/nft-rule.js'
import type { Op } from '../../src/kernel/ops.js'
import { wordOf } from '../helpers/conformance.js'
import { value, values } from '../helpers/host.js'

/** br0 at 192.168.0.1, and a namespace at 192.168.0.2 that goes out through it. */
const reference = (pin: string): Op[] => [
  { op: 'netns.create', as: 1, pin },
  { op: 'link.add', kind: 'bridge', name: 'br0', index: 10 },
  { op: 'address.add', index: 10, address: '192.168.0.1', prefix: 16 },
  { op: 'link.set', index: 10, up: true },
  { op: 'link.add', kind: 'veth', name: 'veth0', master: 10, peer: { name: 'ceth0', index: 2, netns: 1 } },
  { op: 'link.set', name: 'veth0', up: true },
  { op: 'link.set', in: 1, index: 2, up: true },
  { op: 'address.add', in: 1, index: 2, address: '192.168.0.2', prefix: 16 },
  { op: 'route.add', in: 1, family: 4, gateway: '192.168.0.1', index: 2 },
]

/** The host gets an uplink to an "internet" that owns 8.8.8.8. */
const uplink: Op[] = [
  { op: 'netns.create', as: 2, pin: '/run/netns/internet' },
  { op: 'link.add', kind: 'veth', name: 'up0', index: 20, peer: { name: 'up1', index: 2, netns: 2 } },
  { op: 'link.set', index: 20, up: true },
  { op: 'link.set', in: 2, index: 2, up: true },
  { op: 'address.add', index: 20, address: '203.0.113.2', prefix: 24 },
  { op: 'address.add', in: 2, index: 2, address: '203.0.113.1', prefix: 24 },
  { op: 'address.add', in: 2, index: 2, address: '8.8.8.8', prefix: 32 },
  { op: 'route.add', family: 4, gateway: '203.0.113.1', index: 20 },
]

const masquerade: Op = {
  op: 'nft.commit',
  changes: [
    { change: 'table.add', family: 'inet', name: 'egressd' },
    {
      change: 'chain.add',
      family: 'inet',
      table: 'egressd',
      name: 'out',
      type: 'nat',
      hook: 'postrouting',
      priority: 100,
    },
    { change: 'rule.add', family: 'inet', table: 'egressd', chain: 'out', exprs: nft.rule(nft.masquerade()) },
  ],
}

describe('a ping', () => {
  const from = { path: '/run/netns/ns0' }
  const outcome = async (machine: FakeMachine, target: string) => {
    const [echo] = await machine.open().ping({ target }, from)
    return echo?.errno ?? echo?.result
  }

  test('goes where routes, wires, forwarding and masquerade lead', async () => {
    const machine = new FakeMachine()
    const kernel = machine.open()
    const run = async (...ops: Op[]) => values(await kernel.run(ops))
    await run(...reference(from.path))
    expect(await outcome(machine, '192.168.0.2')).toBe('reply')
    expect(await outcome(machine, '192.168.0.1')).toBe('reply')
    expect(await outcome(machine, '192.168.0.9')).toBe('timeout')
    expect(await outcome(machine, 'fd00::1')).toBe('ENETUNREACH')
    await run(...uplink)
    expect(await outcome(machine, '8.8.8.8')).toBe('timeout') // nobody forwards
    await run({ op: 'sysctl.set', key: 'net/ipv4/ip_forward', value: '1' })
    expect(await outcome(machine, '8.8.8.8')).toBe('timeout') // no way back to 192.168.0.2
    await run(masquerade)
    expect(await outcome(machine, '8.8.8.8')).toBe('reply')
    await run({ op: 'link.set', name: 'veth0', up: false })
    expect(await outcome(machine, '8.8.8.8')).toBe('timeout')
  })

  test('comes back through a masquerade of xtables for its own sources', async () => {
    const machine = new FakeMachine()
    const kernel = machine.open()
    const rule = (address: string): Op => ({
      op: 'xt.edit',
      family: 4,
      table: 'nat',
      edits: [
        { edit: 'append', chain: 'POSTROUTING', rule: { source: { address, prefix: 16 }, target: 'MASQUERADE' } },
      ],
    })
    const forward: Op = { op: 'sysctl.set', key: 'net/ipv4/ip_forward', value: '1' }
    values(await kernel.run([...reference(from.path), ...uplink, forward, rule('10.0.0.0')] as Op[]))
    expect(await outcome(machine, '8.8.8.8')).toBe('timeout')
    values(await kernel.run([rule('192.168.0.0')]))
    expect(await outcome(machine, '8.8.8.8')).toBe('reply')
  })
})

describe('namespaces', () => {
  test('live while a pin, a descriptor or a door holds them, and take both ends of their veths along', async () => {
    const machine = new FakeMachine()
    const kernel = machine.open()
    const before = machine.census()
    const [made] = await kernel.run([
      { op: 'netns.create', as: 1, hold: true, pin: '/run/netns/a' },
      { op: 'link.add', kind: 'veth', name: 'v', peer: { name: 'w', netns: 1 } },
    ])
    const fd = value(made).fd as number
    const names = async () => values(await kernel.run([{ op: 'link.list' }]))[0].map(({ name }) => name)
    values(await kernel.run([{ op: 'netns.unpin', path: '/run/netns/a' }]))
    expect(await names()).toEqual(['lo', 'v'])
    const inside = machine.open({ fd })
    expect(inside.host).toEqual({ device: value(made).device, inode: value(made).inode })
    kernel.closeFd(fd)
    expect(await names()).toEqual(['lo', 'v'])
    await inside.close()
    expect(await names()).toEqual(['lo'])
    expect(machine.census()).toEqual(before)
    expect(() => kernel.closeFd(fd)).toThrow('EBADF')
  })

  test('are found by path, by descriptor and by our own pid', async () => {
    const machine = new FakeMachine()
    const kernel = machine.open()
    const word = async (from: { path: string } | { fd: number } | { pid: number }) =>
      wordOf((await kernel.run([{ op: 'netns.open', as: 1, from }]))[0])
    expect(await word({ path: '/run/netns/none' })).toBe('ENOENT')
    expect(await word({ fd: 77 })).toBe('EBADF')
    expect(await word({ pid: 1 })).toBe('ENOENT')
    const [own] = await kernel.run([{ op: 'netns.open', as: 1, from: { pid: process.pid } }])
    expect(value(own)).toEqual({ ...kernel.host, since: 0n, fd: null })
    expect(wordOf((await kernel.run([{ op: 'netns.unpin', path: '/run/netns/none' }]))[0])).toBe('ENOENT')
    const pin = { op: 'netns.create', pin: '/run/netns/a' } as const
    const twice = await kernel.run([
      { ...pin, as: 1 },
      { ...pin, as: 2 },
    ])
    expect(twice.map(wordOf)).toEqual(['ok', 'EEXIST'])
  })

  test('whose slot is taken are not left behind', async () => {
    const machine = new FakeMachine()
    const kernel = machine.open()
    const before = machine.census()
    const verdicts = await kernel.run([
      { op: 'netns.create', as: 1 },
      { op: 'netns.create', as: 1, pin: '/run/netns/a' },
      { op: 'link.list' },
    ])
    expect(verdicts.map(wordOf)).toEqual(['ok', 'EEXIST', 'skipped'])
    expect(wordOf((await kernel.run([{ op: 'link.list', in: 1 }]))[0])).toBe('ENOENT')
    expect(machine.census()).toEqual(before)
  })
})

describe('the machine', () => {
  test('counts reads and writes, and logs each operation with what came of it', async () => {
    const machine = new FakeMachine()
    const kernel = machine.open()
    await kernel.run([
      { op: 'link.get', index: 1 },
      { op: 'link.set', index: 1, up: true },
      { op: 'link.set', index: 9, up: true },
      { op: 'link.list' },
    ])
    expect([machine.reads, machine.writes]).toEqual([1, 2])
    expect(machine.log.map(({ op, errno }) => [op.op, errno])).toEqual([
      ['link.get', null],
      ['link.set', null],
      ['link.set', 'ENODEV'],
    ])
  })

  test('fails the n-th operation of all, of the writes or of a name, without effect', async () => {
    const machine = new FakeMachine()
    const kernel = machine.open()
    const up: Op = { op: 'link.set', index: 1, up: true }
    machine.fail({ nth: 2, errno: 'ENOMEM', message: 'no more', only: 'writes' })
    expect((await kernel.run([{ op: 'link.list' }, up])).map(wordOf)).toEqual(['ok', 'ok'])
    const [failed] = await kernel.run([{ op: 'link.set', index: 1, up: false }])
    expect(failed).toEqual({
      ok: false,
      skipped: false,
      fault: { op: 'link.set', call: 'fake link.set', errno: 'ENOMEM', number: 12, message: 'no more' },
    })
    expect(values(await kernel.run([{ op: 'link.get', index: 1 }]))[0].up).toBe(true)
    machine.fail({ nth: 1, errno: 'EIO', only: 'link.list' })
    machine.fail({ nth: 1, errno: 'ENOBUFS' })
    expect(wordOf((await kernel.run([up]))[0])).toBe('ENOBUFS')
    expect(wordOf((await kernel.run([{ op: 'link.list' }]))[0])).toBe('EIO')
    expect(wordOf((await kernel.run([{ op: 'link.list' }]))[0])).toBe('ok')
  })

  test('may lack a firewall', async () => {
    const kernel = new FakeMachine({ without: ['nft', 'xt'] }).open()
    expect(wordOf((await kernel.run([{ op: 'nft.list' }]))[0])).toBe('EINVAL')
    expect(wordOf((await kernel.run([{ op: 'xt.list', family: 4, table: 'nat' }]))[0])).toBe('ENOENT')
  })

  test('tells everything there is', async () => {
    const machine = new FakeMachine()
    const kernel = machine.open()
    await kernel.run([
      ...reference('/run/netns/ns0'),
      masquerade,
      { op: 'neighbour.add', index: 10, address: '192.168.0.9', mac: '02:00:00:00:00:09' },
      {
        op: 'xt.edit',
        family: 4,
        table: 'filter',
        edits: [{ edit: 'append', chain: 'INPUT', rule: { target: 'DROP' } }],
      },
    ] as Op[])
    expect(machine.census()).toEqual([
      'fd 1000001: netns 0',
      'netns 0: address 192.168.0.1/16 on br0',
      'netns 0: link br0 bridge up master nothing',
      'netns 0: link veth0 veth up master br0',
      'netns 0: neighbour 192.168.0.9 02:00:00:00:00:09 on br0',
      'netns 0: nft inet egressd: 1 chains, 1 rules, 0 sets, 0 elements',
      'netns 0: xtables 4 filter INPUT: {"target":"DROP"}',
      'netns 1',
      'netns 1: address 192.168.0.2/16 on ceth0',
      'netns 1: link ceth0 veth up master nothing',
      'netns 1: route default/0 by ceth0',
      'pin /run/netns/ns0: netns 1',
    ])
  })
})

describe('a door', () => {
  test('that is closed refuses everything, and closing again is well', async () => {
    const kernel = new FakeMachine().open()
    await kernel.close()
    await kernel.close()
    await expect(kernel.run([])).rejects.toMatchObject({ code: 'EGRESSD_CLOSED' })
    await expect(kernel.ping({ target: '127.0.0.1' })).rejects.toMatchObject({ code: 'EGRESSD_CLOSED' })
  })

  test('runs nothing of a job with an operation that it does not know', async () => {
    const machine = new FakeMachine()
    const job = [{ op: 'link.list' }, { op: 'link.paint' }] as unknown as Op[]
    await expect(machine.open().run(job)).rejects.toMatchObject({
      code: 'EGRESSD_INVALID_OPERATION',
      message: 'ops[1].op: no operation is called "link.paint"',
    })
    expect(machine.log).toEqual([])
  })

  test('hands out copies', async () => {
    const kernel = new FakeMachine().open()
    await kernel.run([{ op: 'link.set', index: 1, up: true }, masquerade] as Op[])
    const read = () => kernel.run([{ op: 'link.list' }, { op: 'address.list' }, { op: 'nft.list' }])
    const [links, addresses, rules] = values(await read())
    const before = structuredClone([links, addresses, rules])
    Object.assign(links[0] as object, { name: 'spoilt' })
    Object.assign(addresses[0] as object, { prefix: 0 })
    rules.rules.length = 0
    expect(values(await read())).toEqual(before)
  })

  test('has no sockets and no connections', async () => {
    const kernel = new FakeMachine().open()
    expect(wordOf((await kernel.run([{ op: 'socket.open', family: 4, type: 'stream' }]))[0])).toBe('EOPNOTSUPP')
    const [listed, gone] = values(
      await kernel.run([{ op: 'conntrack.list' }, { op: 'conntrack.delete', address: '192.168.0.2' }]),
    )
    expect([listed, gone]).toEqual([[], 0])
  })
})
