// Random edits of few rules in few chains, so that they often meet.

import type { XtEdit, XtRule } from '../../src/kernel/ops-xt.js'
import { fc } from './random.js'

const rule = fc.constantFrom<XtRule>(
  { target: 'ACCEPT' },
  { source: { address: '192.168.0.0', prefix: 16 }, target: 'ACCEPT' },
  { source: { address: '192.168.0.0', prefix: 16, invert: false }, target: 'ACCEPT' },
  { destination: { address: '10.0.0.0', prefix: 8, invert: true }, input: { name: 'br0' }, target: 'DROP' },
  { output: { name: 'br+', invert: true }, comment: 'egressd:br0', target: 'RETURN' },
  { ctstate: ['RELATED', 'ESTABLISHED'], target: 'ACCEPT' },
  { ctstate: ['ESTABLISHED', 'RELATED'], target: 'ACCEPT' },
)

export const edits: fc.Arbitrary<XtEdit[]> = fc.array(
  fc.record({
    edit: fc.constantFrom('insert' as const, 'append' as const, 'delete' as const),
    chain: fc.constantFrom('INPUT', 'FORWARD', 'FORWARD', 'NONE'),
    rule,
  }),
  { minLength: 1, maxLength: 3 },
)
