// What a person is told of an error, on standard error.
import { expect, test, vi } from 'vitest'
import { printError } from '../../src/cli/command/print-error.js'
import { EgressError, kernelError } from '../../src/errors.js'

function told(error: unknown): string {
  const spy = vi.spyOn(console, 'error').mockImplementation(() => {})
  try {
    printError(error)
    return spy.mock.calls.map(([line]) => String(line)).join('\n')
  } finally {
    spy.mockRestore()
  }
}

const fault = (errno: string, number: number, op = 'link.add') =>
  kernelError({ op, call: 'sendmsg', errno, number, message: '' } as never, 'br0')

test.each([
  ['what the kernel said, and who knows more', fault('EBUSY', 16), /EBUSY.*\nWhat to do: .*egressd doctor/],
  ['what to set, where that is known', fault('EMFILE', 24), /\nWhat to do: raise RLIMIT_NOFILE/],
  ['what is wrong, and no field of an object', new EgressError('EGRESSD_INVALID_SPEC', 'mtu: 1'), /^[^\n]*mtu: 1$/],
  [
    'that another value is wanted',
    new EgressError('EGRESSD_REFUSED_VALUE'),
    /\nWhat to do: give another value, or none$/,
  ],
  ['what to do', new EgressError('EGRESSD_NAME_TAKEN'), /\nWhat to do: choose another name/],
])('%s', (_what, error, words) => {
  const text = told(error)
  expect(text).toMatch(words)
  expect(text).not.toContain('`')
})
