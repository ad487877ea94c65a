import { Findings, type Judgement, sysctlFix, sysctlName } from './check.js'
import { numberOf } from './files.js'
import { roomFor } from './tables.js'
import { machineNumber, type View } from './view.js'

/** BR_MAX_PORTS (net/bridge/br_private.h) is 1024, and number 0 is not given. */
export const bridgePorts = 1023

export interface Ports {
  namespaces: number
  networks: { name: string; mode: string; namespaces: number }[]
}

export function readPorts({ namespaces, records }: View): Ports {
  return {
    namespaces,
    networks: records.networks.map(({ spec: { name, mode } }) => ({
      name,
      mode,
      namespaces: records.namespaces.filter(({ network }) => network === name).length,
    })),
  }
}

export function judgePorts({ namespaces, networks }: Ports): Judgement {
  const found = new Findings().saw(`a bridge takes ${bridgePorts} ports, one a namespace; a routed network any number`)
  for (const { name, mode, namespaces: has } of networks) found.saw(`network ${name} (${mode}) has ${has}`)
  const bridges = networks.filter(({ mode }) => mode === 'bridge').length
  const routed = networks.some(({ mode }) => mode === 'routed')
  if (routed || namespaces <= bridgePorts * Math.max(bridges, 1)) return found.judgement()
  return found
    .warning(
      `${namespaces} namespaces do not fit ${Math.max(bridges, 1) === 1 ? 'one bridge' : `${bridges} bridges`}`,
      'mode: routed   # for a network of that size',
    )
    .judgement()
}

export interface Descriptors {
  namespaces: number
  soft: number
  hard: number
}

export function readDescriptors({ namespaces, files }: View): Descriptors {
  const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(files.read('proc/self/limits') ?? '') ?? []
  return { namespaces, soft: limit(soft), hard: limit(hard) }
}

const limit = (text: string | undefined): number => numberOf(text ?? null) ?? Number.POSITIVE_INFINITY

/** Of the process itself: Node's own, sockets of the door, log files. */
const spare = 256

/** Node raises its own limit to the hard one when it starts. */
export function judgeDescriptors({ namespaces, soft, hard }: Descriptors): Judgement {
  const found = new Findings().saw(`RLIMIT_NOFILE is ${soft}, at most ${hard} (/proc/self/limits)`)
  const need = namespaces + spare
  if (soft >= need) return found.judgement()
  const fix = [
    `LimitNOFILE=${roomFor(need)}   # in [Service] of a systemd unit`,
    `prlimit --nofile=${roomFor(need)} egressd …`,
  ]
  if (soft < spare) return found.stop(`${spare} are needed to work at all`, ...fix).judgement()
  return found
    .warning(`${namespaces} anonymous namespaces hold a descriptor each; named ones hold none`, ...fix)
    .judgement()
}

export interface Memory {
  namespaces: number
  /** Bytes; null where /proc/meminfo does not say. */
  available: number | null
}

/** Measured: kernel memory of a namespace with its veth pair. */
const each = 350 * 1024

export function readMemory({ namespaces, files, records }: View): Memory {
  const [, kilobytes] = /^MemAvailable:\s+(\d+) kB/m.exec(files.read('proc/meminfo') ?? '') ?? []
  // Those that stand have theirs already.
  return {
    namespaces: Math.max(namespaces - records.namespaces.length, 0),
    available: kilobytes === undefined ? null : Number(kilobytes) * 1024,
  }
}

const megabytes = (bytes: number) => `${Math.ceil(bytes / 1024 / 1024)} MB`

export function judgeMemory({ namespaces, available }: Memory): Judgement {
  const found = new Findings()
  if (available === null) return found.saw('/proc/meminfo does not say what is available').judgement()
  const need = namespaces * each
  found.saw(
    `${namespaces} more namespaces take ${megabytes(need)} of kernel memory, 350 KB each; ${megabytes(available)} are available (/proc/meminfo)`,
  )
  const fix = `at most ${Math.floor(available / 2 / each)} namespaces, or more memory`
  if (need > available) found.stop('that is more than there is', fix)
  else if (need > available / 2) found.warning('that is more than half of it', fix)
  return found.judgement()
}

export interface Limits {
  namespaces: number
  /** Those that are recorded stand already. */
  standing: number
  maxNamespaces: number | null
  maxMounts: number | null
  mounts: number
}

export function readLimits({ namespaces, files, records }: View): Limits {
  return {
    namespaces,
    standing: records.namespaces.length,
    maxNamespaces: files.number('proc/sys/user/max_net_namespaces'),
    maxMounts: files.number('proc/sys/fs/mount-max'),
    mounts: (files.read('proc/self/mountinfo') ?? '').split('\n').length - 1,
  }
}

export function judgeLimits({ namespaces, standing, maxNamespaces, maxMounts, mounts }: Limits): Judgement {
  const found = new Findings()
  const more = Math.max(namespaces - standing, 0)
  if (maxNamespaces !== null) {
    found.saw(`user.max_net_namespaces = ${maxNamespaces}`)
    if (namespaces >= maxNamespaces)
      found.stop(
        `${namespaces} namespaces are more than that`,
        sysctlFix('user/max_net_namespaces', roomFor(namespaces * 2)),
      )
  }
  if (maxMounts !== null) {
    found.saw(`fs.mount-max = ${maxMounts}, and there are ${mounts} mounts; each named namespace is one`)
    if (mounts + more > maxMounts)
      found.stop(`${more} more do not fit`, sysctlFix('fs/mount-max', roomFor(mounts + more * 2)))
  }
  return found.judgement()
}

export interface Backlog {
  namespaces: number
  bridges: boolean
  backlog: number | null
}

const backlogKey = 'net/core/netdev_max_backlog'

export async function readBacklog(view: View): Promise<Backlog> {
  const { networks } = view.records
  return {
    namespaces: view.namespaces,
    bridges: networks.length === 0 || networks.some(({ spec }) => spec.mode === 'bridge'),
    backlog: await machineNumber(view, backlogKey),
  }
}

/** A broadcast on a bridge is a packet to each port, and all of them wait in the queue of one processor. */
export function judgeBacklog({ namespaces, bridges, backlog }: Backlog): Judgement {
  const found = new Findings()
  if (backlog === null) return found.saw(`${sysctlName(backlogKey)} is not to be seen from here`).judgement()
  found.saw(`${sysctlName(backlogKey)} = ${backlog} packets a processor`)
  const ports = Math.min(namespaces, bridgePorts)
  if (bridges && ports * 2 > backlog)
    found.warning(
      `two broadcasts on a bridge of ${ports} ports overflow it, and ARP is lost`,
      sysctlFix(backlogKey, roomFor(ports * 8)),
    )
  return found.judgement()
}
