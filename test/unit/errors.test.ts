import { expect, test } from 'vitest'
import { EgressError, errorCodes, faultMessage, isEgressError, kernelError, show } from '../../src/errors.js'
import type { KernelFault } from '../../src/kernel/ops.js'

const exists: KernelFault = { op: 'link.add', call: 'RTM_NEWLINK', errno: 'EEXIST', number: 17, message: '' }

test('every code is ours, and says what it means and what to do', () => {
  for (const [code, [meaning, remedy]] of Object.entries(errorCodes)) {
    expect(code).toMatch(/^EGRESSD_[A-Z_]+$/)
    expect(meaning).toMatch(/^[^\n.]{8,90}$/)
    expect(remedy).toMatch(/^[^\n]{8,120}$/)
  }
})

test('a fault reads as subject, operation, errno and the words of the kernel', () => {
  expect(faultMessage(exists, 'veth0')).toBe('veth0: add link: File already exists (EEXIST)')
  const told = { ...exists, message: 'Attribute failed policy validation' }
  expect(faultMessage(told, 'veth0')).toBe(
    'veth0: add link: File already exists (EEXIST): "Attribute failed policy validation"',
  )
  expect(faultMessage({ ...exists, op: 'nft.commit', errno: 'ERESTART', number: 85 })).toBe('commit nft: ERESTART')
})

test('a refusal for want of a capability has its own code', () => {
  expect(kernelError(exists, 'veth0')).toMatchObject({ code: 'EGRESSD_KERNEL', fault: exists })
  const refused = kernelError({ ...exists, errno: 'EPERM', number: 1 }, 'veth0', { undone: ['bridge br0'] })
  expect(refused).toMatchObject({ code: 'EGRESSD_MISSING_CAPABILITY', undone: ['bridge br0'] })
})

test('where no thread is to be had it says what to set', () => {
  const fault = { ...exists, call: 'pthread_create', errno: 'EAGAIN', number: 11 }
  expect(kernelError(fault).remedy).toMatch(/TasksMax=.*pids\.max.*ulimit -u/)
})

test('the brand, not the class, makes an error ours', async () => {
  const ours = new EgressError('EGRESSD_CLOSED')
  expect(isEgressError(ours)).toBe(true)
  expect(ours).toBeInstanceOf(Error)
  expect(`${ours}`).toBe('EgressError: the handle was closed')
  expect(isEgressError(Object.assign(new Error('x'), { code: 'EGRESSD_CLOSED' }))).toBe(false)
  const copy = '../../src/errors.js?copy'
  const { EgressError: Other } = (await import(copy)) as typeof import('../../src/errors.js')
  expect(Other).not.toBe(EgressError)
  expect(isEgressError(new Other('EGRESSD_CLOSED'))).toBe(true)
  for (const value of [null, undefined, 1, 'EGRESSD_CLOSED', {}]) expect(isEgressError(value)).toBe(false)
})

test('JSON has all of it but the stack, whatever the value is', () => {
  const loop: Record<string, unknown> = { big: 1n }
  const error = new EgressError('EGRESSD_INVALID_SPEC', 'wrong', {
    field: 'mtu',
    value: { big: 2n, bytes: Uint8Array.of(1, 255) },
    details: { why: new Error('inner') },
    cause: new Error('not shown'),
  })
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    name: 'EgressError',
    code: 'EGRESSD_INVALID_SPEC',
    message: 'wrong',
    remedy: errorCodes.EGRESSD_INVALID_SPEC[1],
    field: 'mtu',
    value: { big: '2', bytes: '01ff' },
    details: { why: 'inner' },
  })
  expect(error.cause).toEqual(new Error('not shown'))
  loop.self = loop
  expect(JSON.parse(JSON.stringify(new EgressError('EGRESSD_CLOSED', 'x', { value: loop }))).value).toBe(
    '[object Object]',
  )
  expect(Object.keys(new EgressError('EGRESSD_CLOSED'))).toEqual(['code'])
})

test('a message shows the value on one line, and not all of a long one', () => {
  expect(new EgressError('EGRESSD_INVALID_NAME', undefined, { field: 'name', value: 'a\nb' }).message).toBe(
    'name: not the name of a network or namespace: "a\\nb"',
  )
  expect(show('x'.repeat(1000))).toHaveLength(120)
  expect([show(undefined), show(() => 1), show(3n), show([1])]).toEqual(['undefined', 'function', '"3"', '[1]'])
})
