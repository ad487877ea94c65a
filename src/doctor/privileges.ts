import type { KernelFault } from '../kernel/ops.js'
import { Findings, type Judgement } from './check.js'
import type { Files } from './files.js'
import type { View } from './view.js'

/** Bit numbers of <linux/capability.h>. */
const wanted = { CAP_NET_ADMIN: 12n, CAP_SYS_ADMIN: 21n, CAP_NET_RAW: 13n } as const

export interface Privileges {
  /** CapEff of /proc/PID/status, in hexadecimal. */
  effective: string
  /** /proc/self/uid_map maps something other than everything to itself. */
  userNamespace: boolean
  /** Why the kernel would not let us see to the firewall of the host namespace; null where it would. */
  refused: KernelFault | null
}

export async function readPrivileges({ kernel, files }: View): Promise<Privileges> {
  // nfnetlink answers nobody, not even a reader, who lacks CAP_NET_ADMIN over that very namespace.
  const [asked] = await kernel.run([{ op: 'nft.generation' }])
  return { ...readOwn(files), refused: asked.ok || asked.skipped ? null : asked.fault }
}

export function readOwn(files: Files): Omit<Privileges, 'refused'> {
  const status = files.read('proc/thread-self/status') ?? files.read('proc/self/status') ?? ''
  return {
    effective: /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0',
    userNamespace: !/^\s*0\s+0\s+4294967295\s*$/.test(files.read('proc/self/uid_map') ?? '0 0 4294967295'),
  }
}

const grant = [
  'sudo egressd …   # run it as root',
  'AmbientCapabilities=CAP_NET_ADMIN CAP_SYS_ADMIN CAP_NET_RAW   # in [Service] of a systemd unit',
]

export const lacking = (effective: string): string[] =>
  Object.entries(wanted)
    .filter(([, bit]) => (BigInt(`0x${effective}`) & (1n << bit)) === 0n)
    .map(([name]) => name)

export function judgePrivileges({ effective, userNamespace, refused }: Privileges): Judgement {
  const found = new Findings()
  const missing = lacking(effective)
  found.saw(`CapEff is ${effective} (/proc/self/status)`)
  if (missing.length > 0) found.stop(`this process lacks ${missing.join(', ')}`, ...grant)
  else if (refused?.errno === 'EPERM')
    found.stop(
      `the capabilities do not count here: the kernel refuses ${refused.call} with EPERM, as the host network namespace belongs to another user namespace`,
      'unshare --user --map-root-user --net …   # a network namespace of that user namespace',
      'sudo egressd …   # or run it as root',
    )
  else found.saw('CAP_NET_ADMIN, CAP_SYS_ADMIN and CAP_NET_RAW are there')
  if (userNamespace) found.saw('in a user namespace (/proc/self/uid_map): root of that one, and of what is made in it')
  return found.judgement()
}
