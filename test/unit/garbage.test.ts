// What is remains and what is not: nothing is read here.
import { describe, expect, test } from 'vitest'
import { dyingGroup } from '../../src/plan/desired.js'
import { type GarbageFacts, type MarkedLink, planGarbage } from '../../src/plan/garbage.js'

const bridge: MarkedLink = {
  index: 3,
  name: 'br0',
  kind: 'bridge',
  alias: 'egressd:net',
  group: 0,
  master: null,
  mac: '02:65:aa:00:00:01',
  elsewhere: false,
}
const veth: MarkedLink = {
  index: 9,
  name: 've9',
  kind: 'veth',
  alias: 'egressd:net/lost',
  group: 0,
  master: 3,
  mac: '02:65:aa:00:00:09',
  elsewhere: false,
}
const facts = (links: MarkedLink[], more: Partial<GarbageFacts> = {}): GarbageFacts => ({
  links: [bridge, ...links],
  namespaces: [],
  networks: [{ name: 'net', bridge: 'br0', index: 3, mac: '02:65:aa:00:00:01' }],
  known: new Set(['egressd:net', 'egressd:net/ns0']),
  pid: 77,
  commands: new Map(),
  others: [],
  ...more,
})
const other = { network: 'net', stateDir: '/run/other', pid: 5 }
const inside = { index: 9, pin: '/run/netns/lost', pids: [], addresses: ['10.0.0.9'] }

describe('goes', () => {
  test.each([
    ['a link on our bridge', facts([veth]), {}],
    ['even where another state directory has a network of that name', facts([veth], { others: [other] }), {}],
    ['one that is on no bridge, of a network of ours', facts([{ ...veth, master: null }]), {}],
    [
      'of another network, where all is asked for',
      facts([{ ...veth, alias: 'egressd:net9/lost', master: null }]),
      { all: true },
    ],
    ['of another process’s anonymous namespace', facts([{ ...veth, alias: 'egressd:net/anonymous-76-1' }]), {}],
    [
      'one that processes run in, where that is asked for',
      facts([veth], { namespaces: [{ ...inside, pids: [8] }] }),
      { force: true },
    ],
    ['our bridge under another name, when there is one again', facts([{ ...bridge, index: 9, name: 'old' }]), {}],
  ])('%s', (_what, given, choice) => {
    const { remove, kept } = planGarbage(given, choice)
    expect(kept).toEqual([])
    expect(remove).toMatchObject([{ links: [{ index: 9 }] }])
  })

  test('with its pin, and what conntrack knows', () => {
    expect(planGarbage(facts([veth], { namespaces: [inside] })).remove).toEqual([
      {
        alias: 'egressd:net/lost',
        links: [{ index: 9, name: 've9' }],
        pins: ['/run/netns/lost'],
        pids: [],
        addresses: ['10.0.0.9'],
      },
    ])
  })

  test('links of destroyed namespaces, together and whatever they are marked with', () => {
    const dying = [
      { ...veth, group: dyingGroup },
      { ...veth, index: 10, alias: null, group: dyingGroup },
    ]
    expect(planGarbage(facts(dying)).remove).toMatchObject([{ alias: null, links: [{ index: 9 }, { index: 10 }] }])
    expect(planGarbage(facts(dying.slice(0, 1))).remove).toMatchObject([{ alias: null, links: [{ index: 9 }] }])
  })

  test('two links of one mark, together, where one of them is on our bridge', () => {
    const given = facts([veth, { ...veth, index: 10, master: null }], { others: [other], namespaces: [inside] })
    expect(planGarbage(given)).toMatchObject({
      remove: [{ links: [{ index: 9 }, { index: 10 }], pins: ['/run/netns/lost'], addresses: ['10.0.0.9'] }],
      kept: [],
    })
  })
})

describe('stays, and is told', () => {
  test.each([
    ['on a bridge that is not ours', facts([{ ...veth, master: 4 }]), {}, 'by what it is attached to'],
    [
      'with routes into other subnets',
      facts([{ ...veth, master: null, elsewhere: true }]),
      {},
      'by what it is attached to',
    ],
    ['of a network that is not recorded', facts([{ ...veth, alias: 'egressd:net9/lost' }]), {}, 'not recorded here'],
    [
      'of a state directory that is locked',
      facts([{ ...veth, master: 4 }], { others: [other] }),
      { all: true, force: true },
      'of /run/other, which process 5 has',
    ],
    [
      'with processes in it',
      facts([veth], { namespaces: [{ ...inside, pids: [8, 9] }], commands: new Map([[8, 'nginx']]) }),
      {},
      'processes 8 (nginx), 9 still run in it',
    ],
    [
      'with a process in it',
      facts([veth], { namespaces: [{ ...inside, pids: [8] }], commands: new Map([[8, 'nginx']]) }),
      {},
      'process 8 (nginx) still runs in it',
    ],
  ])('%s', (_what, given, choice, why) => {
    const { remove, kept } = planGarbage(given, choice)
    expect(remove).toEqual([])
    expect(kept).toMatchObject([{ links: [{ index: 9 }], why: expect.stringContaining(why) }])
  })
})

test('stays: two links of one mark, where one of them is on a bridge that is not ours', () => {
  const { remove, kept } = planGarbage(facts([veth, { ...veth, index: 10, master: 4 }]))
  expect(remove).toEqual([])
  expect(kept).toMatchObject([
    { links: [{ index: 9 }, { index: 10 }], why: 'of another state directory, by what it is attached to' },
  ])
})

describe('is no remains', () => {
  test.each([
    ['a link of a namespace that stands', facts([{ ...veth, alias: 'egressd:net/ns0' }])],
    [
      'an anonymous namespace of this process, in the making',
      facts([{ ...veth, alias: 'egressd:net/anonymous-77-1' }]),
    ],
    [
      'a stranger',
      facts([
        { ...veth, alias: 'mine' },
        { ...veth, alias: null },
      ]),
    ],
    [
      'our bridge under another name, while there is no other',
      facts([{ ...bridge, index: 9, name: 'old' }], {
        networks: [{ name: 'net', bridge: 'br0', index: 0, mac: '02:65:aa:00:00:01' }],
      }),
    ],
    [
      'one with ports on it',
      facts([
        { ...bridge, index: 9, name: 'old' },
        { ...veth, index: 11, alias: 'egressd:net/ns0', master: 9 },
      ]),
    ],
    [
      'a bridge of another network of that name',
      facts([{ ...bridge, index: 9, name: 'br1', mac: '02:65:bb:00:00:01' }]),
    ],
  ])('%s', (_what, given) => expect(planGarbage(given, { force: true, all: true })).toEqual({ remove: [], kept: [] }))
})
