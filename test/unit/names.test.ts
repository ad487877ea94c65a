import { expect, test } from 'vitest'
import {
  interfaceNameFault,
  maxNamespaceName,
  maxNetworkName,
  namespaceNameFault,
  networkNameFault,
} from '../../src/spec/names.js'
import { fc } from '../helpers/random.js'

test.each([
  ['', 'is empty'],
  ['abcdefghijklmnop', 'has 16 bytes; the kernel takes 15'],
  ['äöüäöüäö', 'has 16 bytes; the kernel takes 15'],
  ['.', 'is the name of a directory'],
  ['..', 'is the name of a directory'],
  ['all', 'is a name that the kernel keeps for itself'],
  ['default', 'is a name that the kernel keeps for itself'],
  ['a/b', 'has a slash'],
  ['eth0:1', 'has a colon'],
  ['veth%d', 'has a percent sign'],
  ['a b', 'has white space'],
  ['a\tb', 'has white space'],
  ['a\vb', 'has white space'],
  ['a\rb', 'has white space'],
  ['a\x08b', 'has a control character'],
  ['a\x0eb', 'has a control character'],
  ['a\x01b', 'has a control character'],
  ['a\x7f', 'has a control character'],
  ['à', 'has a character with the byte a0, white space to the kernel'],
  ['a\ud800', 'is not well-formed Unicode'],
  ['-a', 'begins with "-"'],
  ['veth+', 'ends with "+"'],
])('%j is no interface name: it %s', (name, fault) => {
  expect(interfaceNameFault(name)).toBe(fault)
})

test.each(['a', 'ceth0', 'abcdefghijklmno', 'br-lan.100', 'a..b', 'é', '!"#$', 'x+y'])(
  '%j is an interface name',
  name => {
    expect(interfaceNameFault(name)).toBeNull()
  },
)

test.each([
  ['', 'is empty'],
  ['..', 'has ".." in it'],
  ['a..b', 'has ".." in it'],
  ['.', 'does not begin with a letter, a digit or "_"'],
  ['-n', 'does not begin with a letter, a digit or "_"'],
  ['a/b', 'has "/" in it'],
  ['a b', 'has " " in it'],
  ['a\0', 'has "\\u0000" in it'],
  ['a\n', 'has "\\n" in it'],
  ['aé', 'has "é" in it'],
  ['a😀', 'has "😀" in it'],
])('%j is no name: it %s', (name, fault) => {
  expect(networkNameFault(name)).toBe(fault)
  expect(namespaceNameFault(name)).toBe(fault)
})

test('names have a longest', () => {
  expect(networkNameFault('a'.repeat(maxNetworkName))).toBeNull()
  expect(networkNameFault('a'.repeat(maxNetworkName + 1))).toBe('has 65 characters; the most is 64')
  expect(namespaceNameFault('a'.repeat(maxNamespaceName))).toBeNull()
  expect(namespaceNameFault('a'.repeat(maxNamespaceName + 1))).toBe('has 129 characters; the most is 128')
  // IFALIASZ is 256 with the closing NUL.
  expect('egressd:/'.length + maxNetworkName + maxNamespaceName).toBeLessThanOrEqual(255)
})

test('a name that is taken needs no quoting in a shell, a path or an nft file', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 10 }), fc.string({ maxLength: 10 })), name => {
      if (namespaceNameFault(name) === null) expect(name).toMatch(/^\w(?!.*\.\.)[\w.@+=-]*$/)
    }),
  )
})
