import { expect, test } from 'vitest'
import { explain } from '../../src/exec/explain.js'
import { parseReports } from '../../src/exec/status.js'

const fail = (stage: string, errno: string, message = '') => ({
  kind: 'fail' as const,
  stage,
  errno,
  number: 1,
  message,
})

test.each([
  ['user.max_user_namespaces=0', 'sysctl -w user.max_user_namespaces=15000'],
  ['user.max_user_namespaces=100 kernel.unprivileged_userns_clone=0', 'sysctl -w kernel.unprivileged_userns_clone=1'],
  [
    '/proc/self/uid_map user.max_user_namespaces=100 kernel.apparmor_restrict_unprivileged_userns=1',
    'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  ],
])('%s: the remedy is the setting', (settings, remedy) => {
  expect(explain(fail('unshare(CLONE_NEWUSER)', 'EPERM', settings), true)).toContain(remedy)
})

test.each([
  ['ENOSPC', 'user.max_user_namespaces=100', 'limit'],
  ['EINVAL', 'user.max_user_namespaces=100 kernel.unprivileged_userns_clone=1', 'CONFIG_USER_NS'],
  ['EPERM', 'kernel.apparmor_restrict_unprivileged_userns=0', '--privileged'],
])('%s without such a setting: the cause by its errno', (errno, settings, words) => {
  const text = explain(fail('unshare(CLONE_NEWUSER)', errno, settings), true)
  expect(text).toContain(words)
  expect(text).toContain(`unshare(CLONE_NEWUSER): ${errno}`)
})

test('reports: one a line, a tab inside the message, anything else left out', () => {
  const text = 'note\tmount sysfs\t1\t/sys\nrubbish\nfail\texec\t2\ta\tb\nfail\tcut'
  expect(parseReports(text)).toEqual([
    { kind: 'note', stage: 'mount sysfs', errno: 'EPERM', number: 1, message: '/sys' },
    { kind: 'fail', stage: 'exec', errno: 'ENOENT', number: 2, message: 'a\tb' },
  ])
})
