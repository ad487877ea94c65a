import { expect, test } from 'vitest'
import { type Fault, faults } from '../helpers/faults.js'
import { backends, createLibrary, dual, type Library, named, refusal } from '../helpers/library.js'

const kinds = [faults.ENOBUFS, faults.EPERM, faults.ENOMEM] as const
/** More than any of it writes; each test finds the end by itself. */
const most = 60

/** Makes each write fail in turn until none is left to; `check` sees each error. Returns how many there were. */
async function failEach(library: Library, what: (n: number) => Fault | 'rejected', work: () => Promise<unknown>) {
  const before = library.census()
  for (let n = 0; n < most; n++) {
    library.watch.reset()
    library.watch.mishap = { at: n, what: what(n) }
    const asked = work()
    const error = await asked.then(
      () => null,
      (reason: Error & { undone?: string[]; left?: string[]; fault?: { errno: string } }) => reason,
    )
    const { writes } = library.watch
    library.watch.reset()
    if (!error) {
      expect(writes.length).toBe(n)
      return n
    }
    const at = `write ${n}, ${writes[n]}: ${error.message}`
    expect([at, error.left ?? []]).toEqual([at, []])
    expect([at, library.census()]).toEqual([at, before])
    const fault = what(n)
    if (typeof fault !== 'string') expect([at, error.fault?.errno]).toEqual([at, fault.errno])
  }
  throw new Error(`it writes more than ${most} times`)
}

const mishaps = [
  ['fails', (n: number) => kinds[n % kinds.length] as Fault],
  ['is rejected', () => 'rejected' as const],
] as const
const cases = backends.flatMap(firewall => mishaps.map(([how, what]) => [firewall, how, what] as const))

test.each(cases)('%s: nothing is left of a network whose n-th write %s', async (firewall, _how, what) => {
  await using library = await createLibrary()
  const count = await failEach(library, what, () => library.egress.network({ ...dual, firewall }))
  expect(count).toBeGreaterThan(5)
})

test.each(cases)('%s: nothing is left of a namespace whose n-th write %s', async (firewall, _how, what) => {
  await using library = await createLibrary()
  const network = await library.egress.network({ ...dual, firewall })
  expect(await failEach(library, what, () => network.create(named))).toBeGreaterThan(what(0) === 'rejected' ? 0 : 8)
  expect(await failEach(library, what, () => network.create())).toBeGreaterThan(what(0) === 'rejected' ? 0 : 8)
})

test('the error says what was undone, newest first', async () => {
  await using library = await createLibrary()
  library.watch.always = { 'nft.commit': faults.ENOMEM }
  const refused = await refusal(library.egress.network({ ...dual, firewall: 'nftables' }))
  expect(refused).toMatchObject({ code: 'EGRESSD_KERNEL', fault: { op: 'nft.commit', errno: 'ENOMEM' } })
  library.watch.reset()
  library.watch.always = { 'sysctl.set': faults.EPERM }
  const error = await refusal(library.egress.network({ ...dual, firewall: 'nftables' }))
  expect(error.code).toBe('EGRESSD_MISSING_CAPABILITY')
  expect(error.undone).toEqual([
    'give br0 fe80::1/64',
    'give br0 fd00::1/64',
    'give br0 192.168.0.1/16',
    'make bridge br0',
  ])

  library.watch.reset()
  const network = await library.egress.network(dual)
  library.watch.always = { 'route.add': faults.ENOBUFS }
  const half = await refusal(network.create(named))
  expect(half).toMatchObject({ code: 'EGRESSD_KERNEL', fault: { op: 'route.add', errno: 'ENOBUFS' } })
  expect(half.undone).toEqual([
    'make veth veth0 on the bridge, with ceth0 inside ns0',
    'let ns0 send as itself, and as nobody else',
    'make namespace ns0',
    'write down that ns0 is made',
  ])
})

test('an address is free again when its namespace fails', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network({ name: 'br0', subnets: ['192.168.0.0/30'] })
  for (let i = 0; i < 3; i++) {
    library.watch.always = { 'address.add': faults.ENOBUFS }
    await refusal(network.create())
    await refusal(network.create({ addresses: ['192.168.0.2'] }))
  }
  library.watch.reset()
  expect((await network.create()).addresses).toEqual(['192.168.0.2'])
})

test.each(backends)(
  '%s: with the door closed in the midst, the first error stands and says what is left',
  async firewall => {
    await using library = await createLibrary()
    for (let n = 0; n < most; n++) {
      library.watch.reset()
      library.watch.mishap = { at: n, what: 'closed' }
      const error = await library.egress.network({ ...dual, firewall }).then(
        () => null,
        (reason: Error & { left?: string[] }) => reason,
      )
      library.watch.reset()
      if (!error) break
      expect(error.message).toBe('the door is closed')
      // What could not be undone is known to the records, so that the next start can see to it.
      await library.restart()
      await library.egress.down()
      await library.restart()
      const { links } = library.census() as { links: string[][] }
      expect(links.map(link => link[1])).toEqual(['lo', 'uplink0'])
    }
  },
)

test.each(['link.get', 'address.list', 'route.list', 'neighbour.list'] as const)(
  'what cannot be read is not taken for gone: %s',
  async op => {
    await using library = await createLibrary()
    const network = await library.egress.network({ ...dual, mode: 'routed' })
    const spec = { networks: [{ ...dual, mode: 'routed' as const }], namespaces: [{ ...named, network: 'br0' }] }
    await network.create(named)
    const before = library.census()
    library.watch.reset()
    library.watch.always = { [op]: faults.ENOMEM }
    for (const work of [() => network.create(named), () => library.egress.apply(spec)])
      expect(await refusal(work())).toMatchObject({ code: 'EGRESSD_KERNEL', fault: { errno: 'ENOMEM' } })
    expect(library.watch.writes).toEqual([])
    library.watch.reset()
    expect((await library.egress.apply(spec)).changed).toBe(false)
    expect(library.census()).toEqual(before)
  },
)
