import type { HelperReport } from './status.js'

/** Settings that forbid namespaces to ordinary users: how they read then, and what to set instead. */
const forbidding: [setting: string, value: string, remedy: string][] = [
  ['user.max_user_namespaces', '0', 'user.max_user_namespaces=15000'],
  ['user.max_net_namespaces', '0', 'user.max_net_namespaces=15000'],
  ['user.max_mnt_namespaces', '0', 'user.max_mnt_namespaces=15000'],
  ['kernel.unprivileged_userns_clone', '0', 'kernel.unprivileged_userns_clone=1'],
  ['kernel.apparmor_restrict_unprivileged_userns', '1', 'kernel.apparmor_restrict_unprivileged_userns=0'],
]

/** What hinders a sandbox here and what to do about it. */
export function explain({ stage, errno, message }: HelperReport, mapRoot: boolean): string {
  const found = forbidding.find(([name, value]) => ` ${message} `.includes(` ${name}=${value} `))
  const what = mapRoot ? 'a private network as an ordinary user' : 'private network and mount namespaces'
  const why = found ? switchedOff(found) : message.startsWith('/proc/self/uid_map') ? rootOnly : other(errno, mapRoot)
  return `cannot make ${what}: ${stage}: ${errno}. ${why}`
}

/** user_namespaces(7): since Linux 5.12, to map user 0 one must have had that capability when the namespace was made. */
const rootOnly =
  'Root without CAP_SETFCAP may not make a user namespace for itself: run as an ordinary user, or as root with ' +
  'CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_NET_RAW.'

function switchedOff([name, value, remedy]: (typeof forbidding)[number]): string {
  return `The kernel setting ${name}=${value} forbids it: run as root, or set it with "sysctl -w ${remedy}".`
}

function other(errno: string, mapRoot: boolean): string {
  switch (errno) {
    case 'ENOSPC':
    case 'EUSERS':
      return 'A limit on namespaces is reached: see user.max_*_namespaces in sysctl, and end processes that hold some.'
    case 'EINVAL':
    case 'ENOSYS':
      return 'The kernel lacks namespaces: it needs CONFIG_NET_NS=y, and CONFIG_USER_NS=y for ordinary users.'
    default:
      return `${mapRoot ? 'User namespaces are forbidden to' : 'Privileges are withheld from'} this process, as containers and \
chroot environments do: run as root outside, or give the container CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_NET_RAW (--privileged).`
  }
}
