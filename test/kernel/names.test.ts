import { expect, test } from 'vitest'
import { interfaceNameFault, namespaceNameFault } from '../../src/spec/names.js'
import { createHost, type TestHost, value } from '../helpers/host.js'
import { fc } from '../helpers/random.js'

/** What the kernel makes of each name: the interface's name, or the errno. */
async function madeOf(host: TestHost, names: string[]): Promise<string[]> {
  const made: string[] = []
  for (const [i, name] of names.entries()) {
    const [add, get] = await host.kernel.run([
      { op: 'link.add', kind: 'bridge', name, index: 100 + i, group: 7 },
      { op: 'link.get', index: 100 + i },
    ])
    made.push(add.ok ? value(get).name : add.skipped ? 'skipped' : add.fault.errno)
  }
  await host.kernel.run([{ op: 'link.delete', group: 7 }])
  return made
}

// Characters around every edge of the kernel's rules, and any others.
const edges = 'a0Z.%:/-+_ \t\n\v\f\r\x01\x1f\x7f\u0080\u00a0\u00e0\u00e9\u2020\u20ac\ufffd😀d'
const unit = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...edges) }, fc.string({ minLength: 1, maxLength: 1 }))
const given = ['all', 'default', '.', '..', '...', 'a..b', 'veth%d', '%', 'lo', 'abcdefghijklmno', 'abcdefghijklmnop']
const name = fc.oneof(
  { weight: 5, arbitrary: fc.string({ unit, minLength: 1, maxLength: 6 }) },
  fc.string({ unit, minLength: 10, maxLength: 17 }),
  fc.constantFrom(...given),
)
// Ours alone: what the kernel would take, and we do not.
const ours = ['has a control character', 'begins with "-"', 'ends with "+"']

test('the kernel takes the interface names that we take, and of the others only what we say', async () => {
  await using host = await createHost()
  let [taken, refused] = [0, 0]
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(name, { minLength: 20, maxLength: 20 }), async names => {
      const made = await madeOf(host, names)
      for (const [i, text] of names.entries()) {
        const fault = interfaceNameFault(text)
        if (fault && ours.includes(fault)) continue
        // A name with a percent sign is refused, or read as a template for another name.
        const same = made[i] === text || (text === 'lo' && made[i] === 'EEXIST')
        expect({ text, fault, same }).toEqual({ text, fault, same: fault === null })
        if (fault) refused++
        else taken++
      }
    }),
    { numRuns: 15, examples: [[given], [edges.split('').map(character => `x${character}y`)]] },
  )
  // The test would pass too if all went one way.
  expect(Math.min(taken, refused)).toBeGreaterThan(30)
})

test('what only we refuse, the kernel takes', async () => {
  await using host = await createHost()
  const names = ['a\x01', '\x7f', '-a', '-', 'a+', '+']
  for (const text of names) expect(ours).toContain(interfaceNameFault(text))
  expect(await madeOf(host, names)).toEqual(names)
})

test('a name of a namespace that we take can be pinned, and ip(8) lists it', async () => {
  await using host = await createHost()
  const unit = fc.constantFrom(...'aZ09_.@+=-')
  const names = fc.sample(
    fc.oneof(fc.string({ unit, minLength: 1, maxLength: 8 }), fc.string({ unit, minLength: 128, maxLength: 128 })),
    60,
  )
  const taken = [...new Set(names.filter(text => namespaceNameFault(text) === null))]
  expect(taken.length).toBeGreaterThan(10)
  for (const text of taken) {
    const path = `/run/netns/${text}`
    value((await host.kernel.run([{ op: 'netns.create', as: 1, pin: path }]))[0])
    try {
      const listed = host.tool('ip', ['netns', 'list']).split('\n')
      expect(listed.map(line => line.replace(/ \(id: \d+\)$/, ''))).toContain(text)
    } finally {
      value((await host.kernel.run([{ op: 'netns.unpin', path }]))[0])
    }
  }
})
