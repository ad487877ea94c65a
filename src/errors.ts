import { getSystemErrorMap } from 'node:util'
import type { KernelFault } from './kernel/ops.js'

/** Every code, with what it means and what to do about it. Codes are stable: programs may switch on them. */
export const errorCodes = {
  EGRESSD_ABORTED: ['the caller aborted it', 'nothing: what was made has been undone'],
  EGRESSD_ADDRESSES_EXHAUSTED: ['the subnet has no free address', 'destroy namespaces or use a larger subnet'],
  EGRESSD_ADDRESS_IN_USE: ['another namespace or the host has the address', 'give another address, or none'],
  EGRESSD_ADDRESS_OUTSIDE_SUBNET: ['the address is in no subnet of the network', 'give an address of a subnet'],
  EGRESSD_ADDRESS_RESERVED: ['the address is a network, broadcast or gateway address', 'give another address, or none'],
  EGRESSD_BENCHMARK: [
    'a side of the benchmark did not do its work',
    'look at the message: it has that side’s own words',
  ],
  EGRESSD_BUSY: ['the daemon has as much to do as it takes on', 'try again a little later'],
  EGRESSD_CLOSED: ['the handle was closed', 'open a new one'],
  EGRESSD_DAEMON_ANSWER: [
    'the answer of the daemon is not of a form that this client knows',
    'use a client and a daemon of the same version',
  ],
  EGRESSD_DAEMON_UNREACHABLE: [
    'the daemon cannot be reached',
    'see that it runs ("systemctl status egressd"), that this is its socket, and that you are root or in its group',
  ],
  EGRESSD_DUPLICATE: ['the same thing is given twice', 'give it once'],
  EGRESSD_FAMILY_MISMATCH: ['IPv4 and IPv6 are mixed', 'give an address of the family of the subnet'],
  EGRESSD_FORBIDDEN: [
    'the daemon does not let this user do that',
    'be root or in the group of its socket; what others may is the setting "read"',
  ],
  EGRESSD_INTERNAL: ['something went wrong inside of egressd', 'report it: the log of the daemon has the rest'],
  EGRESSD_INVALID_ADDRESS: ['not an IP address that a host may have', 'give one like 192.168.0.2 or fd00::2'],
  EGRESSD_INVALID_INTERFACE_NAME: [
    'the kernel does not accept it as the name of an interface',
    'use 1 to 15 bytes without slash, colon, white space, percent sign or control characters',
  ],
  EGRESSD_INVALID_NAME: [
    'not the name of a network or namespace',
    'use letters, digits, ".", "_", "-", "@", "+" and "="; the first a letter, digit or "_"; no ".."',
  ],
  EGRESSD_INVALID_OPERATION: ['an operation is not of its form', 'report it: this is a fault of egressd'],
  EGRESSD_INVALID_REQUEST: ['the request is not one of HTTP with JSON as the daemon reads it', 'look at the message'],
  EGRESSD_INVALID_SPEC: ['the input is not of its form', 'look at `problems`: each names its field'],
  EGRESSD_INVALID_SUBNET: ['not a subnet', 'give the network address and prefix, like 192.168.0.0/16 or fd00::/64'],
  EGRESSD_KERNEL: ['the kernel refused an operation', 'look at `fault`: it has the operation and the kernel’s words'],
  EGRESSD_KEY_REUSED: ['the Idempotency-Key came with another request before', 'give each request a key of its own'],
  EGRESSD_METHOD_NOT_ALLOWED: ['the path does not take this method', 'use one of those that "Allow" names'],
  EGRESSD_MISMATCH: ['it exists already, but not as asked', 'destroy it first, or ask for it as it is'],
  EGRESSD_MISSING_CAPABILITY: ['the process lacks a capability', 'run as root or give it the capability'],
  EGRESSD_MISSING_FEATURE: ['the kernel lacks a feature', 'load the module or use a kernel that has it'],
  EGRESSD_MISSING_PACKAGE: ['a package that is optional is not installed', 'install it: the message says how'],
  EGRESSD_NAME_TAKEN: ['something that is not ours has the name', 'choose another name, or remove the other one'],
  EGRESSD_NETWORK_FULL: [
    'the bridge of the network takes no more namespaces: 1,023 is the most',
    'give the network "mode: routed", which has no such limit, or put further namespaces into another network',
  ],
  EGRESSD_NOT_FOUND: ['there is no such thing', 'look at what there is'],
  EGRESSD_POOL_EXHAUSTED: [
    'the pool has nothing ready, and as many claims wait for it as may',
    'release namespaces, or give the pool a larger "size", "high" or "maxWaiting"',
  ],
  EGRESSD_PREPARE_FAILED: ['the "prepare" of a pool failed', 'look at its cause: it is what your function threw'],
  EGRESSD_REFUSED_VALUE: [
    'the kernel does not take what is asked for',
    'look at `field`, and at the kernel’s words in `fault`; give another value, or none',
  ],
  EGRESSD_REPLACED: [
    'it is not the one that was meant: it is gone, and another may have its name',
    'look at what there is now',
  ],
  EGRESSD_SANDBOX_UNAVAILABLE: [
    'no private namespaces can be made here',
    'run as root, or allow user namespaces (user.max_user_namespaces, kernel.unprivileged_userns_clone)',
  ],
  EGRESSD_SPAWN_FAILED: ['the command could not be started', 'check that it exists and may be executed'],
  EGRESSD_STATE_INVALID: ['a record in the state directory cannot be read', 'move the file away'],
  EGRESSD_STATE_LOCKED: ['another process has the state directory', 'stop it, or use another state directory'],
  EGRESSD_STATE_WRITE_FAILED: [
    'a record in the state directory cannot be read, written or removed',
    'look at the message; make room, or put the permissions right',
  ],
  EGRESSD_SOCKET_IN_USE: ['the path of the socket cannot be taken', 'stop what has it, or give another "socket"'],
  EGRESSD_SUBNET_OVERLAP: ['the subnet overlaps a route of the host', 'use another subnet'],
  EGRESSD_TIMEOUT: ['it took too long', 'try again, or allow more time'],
  EGRESSD_TOO_LARGE: ['the request is larger than the daemon takes', 'send less at once, or raise the limit'],
  EGRESSD_TOO_SLOW: ['the request did not arrive in time', 'send it faster, or raise the limit'],
  EGRESSD_UNSAFE_PATH: [
    'others may put files of their own there',
    'make it root’s own ("chown root", "chmod go-w"), or use another path',
  ],
  EGRESSD_UNSUPPORTED_MEDIA: [
    'the body is of another kind than the path takes',
    'send it with the content type that is named',
  ],
} as const satisfies Record<string, readonly [meaning: string, remedy: string]>

/** One of those of {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes

/** One thing wrong with the input. */
export interface Problem {
  /** Path, such as `name` or `namespaces[0].addresses[1]`; empty for the whole. */
  field: string
  /** As it was given; undefined where it is missing. */
  value: unknown
  /** What is wrong with it, for programs. */
  code: ErrorCode
  /** The same for people; it begins with the field. */
  message: string
}

/** What an error carries besides its code and message; each where it applies. */
export interface ErrorFields {
  /** Path of the field at fault, such as `name` or `namespaces[0].name`. */
  field?: string
  /** The value at fault, as given. */
  value?: unknown
  /** What the kernel refused. */
  fault?: KernelFault
  /** What had been made and was undone, one line each, in the order of undoing. */
  undone?: string[]
  /** What had been made and could not be undone. */
  left?: string[]
  /** Every problem of the input, where validation failed. */
  problems?: Problem[]
  /** More for programs, specific to the code. */
  details?: Record<string, unknown>
}

const brand = Symbol.for('egressd.error')

/** What everything here throws. Recognise it with {@link isEgressError}, not with `instanceof`: two copies may be loaded. */
export class EgressError extends Error implements ErrorFields {
  /** Stable: programs may switch on it. */
  declare readonly code: ErrorCode
  declare readonly field?: string
  declare readonly value?: unknown
  declare readonly fault?: KernelFault
  declare readonly undone?: string[]
  declare readonly left?: string[]
  declare readonly problems?: Problem[]
  declare readonly details?: Record<string, unknown>

  /** `message` defaults to the meaning of the code, with field and value. */
  constructor(code: ErrorCode, message?: string, fields: ErrorFields & ErrorOptions = {}) {
    const { cause, ...own } = fields
    super(message ?? defaultMessage(code, own), cause === undefined ? undefined : { cause })
    const given = Object.entries(own).filter(([, value]) => value !== undefined)
    Object.assign(this, { code, ...Object.fromEntries(given) })
  }

  /** What to do about it. */
  get remedy(): string {
    return (this.fault && settingRemedy(this.fault)) ?? poolsRemedy(this.details) ?? errorCodes[this.code][1]
  }

  /** Everything but the stack and the cause; big integers and bytes as text. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, remedy } = this
    const own = Object.entries(this).map(([key, value]) => [key, plain(value)])
    return { name, code, message, remedy, ...Object.fromEntries(own) }
  }
}
Object.defineProperties(EgressError.prototype, {
  name: { value: 'EgressError', configurable: true, writable: true },
  [brand]: { value: true },
})

/** True for an error of ours, whichever copy of egressd made it. */
export function isEgressError(error: unknown): error is EgressError {
  return typeof error === 'object' && error !== null && (error as Record<symbol, unknown>)[brand] === true
}

/** EGRESSD_KERNEL, or a clearer code for a fault that has one; `subject` is the link, namespace or file it is about. */
export function kernelError(
  fault: KernelFault,
  subject?: string,
  fields: ErrorFields & ErrorOptions = {},
): EgressError {
  if (fault.op.startsWith('file.'))
    return new EgressError('EGRESSD_STATE_WRITE_FAILED', faultMessage(fault, subject), {
      value: fault.message,
      ...fields,
      fault,
    })
  const code = fault.errno === 'EPERM' ? 'EGRESSD_MISSING_CAPABILITY' : 'EGRESSD_KERNEL'
  return new EgressError(code, faultMessage(fault, subject), { ...fields, fault })
}

/** What to set where a limit was met, or a switch. unshare(2), mount(2): ENOSPC is no matter of disks there. */
function settingRemedy({ errno, call, op }: KernelFault): string | undefined {
  // net/ipv6/addrconf.c: disable_ipv6 of the interface, which a new one has from "default".
  if (errno === 'EACCES' && op === 'address.add')
    return 'turn it on: "sysctl -w net.ipv6.conf.all.disable_ipv6=0"; or give the network no IPv6 subnet'
  if (errno === 'EMFILE')
    return 'raise RLIMIT_NOFILE ("LimitNOFILE=" in a unit, "prlimit --nofile=" before a command); anonymous namespaces hold a descriptor each'
  if (errno === 'ENFILE') return 'raise it: "sysctl -w fs.file-max=…"'
  if (errno === 'EAGAIN' && call === 'pthread_create')
    return 'let it have more threads: "TasksMax=" in a unit, pids.max of a container, "ulimit -u"'
  if (errno !== 'ENOSPC') return undefined
  if (call.startsWith('unshare')) return 'raise it: "sysctl -w user.max_net_namespaces=…", or destroy namespaces'
  if (call.startsWith('mount')) return 'raise it: "sysctl -w fs.mount-max=…", or destroy namespaces'
  return 'make room on the file system of the path in the message: space and inodes ("df -h", "df -i")'
}

/** Where `pools` have namespaces in the way: one that is destroyed is made anew. */
function poolsRemedy({ pools }: Record<string, unknown> = {}): string | undefined {
  if (!Array.isArray(pools)) return undefined
  return `close the pool first (${pools.join(', ')}): one of the daemon’s goes when it is taken out of the configuration and that is read again; or leave its network as it is`
}

/** `veth0: add link: File already exists (EEXIST): "the kernel's sentence"` */
export function faultMessage(fault: KernelFault, subject?: string): string {
  const [noun, ...verb] = fault.op.split('.')
  const doing = verb.length > 0 ? `${verb.join(' ')} ${noun}` : fault.op
  const words = getSystemErrorMap().get(-Math.abs(fault.number))?.[1]
  const errno = words ? `${words.charAt(0).toUpperCase()}${words.slice(1)} (${fault.errno})` : fault.errno
  return [subject, doing, errno, fault.message && `"${fault.message}"`].filter(Boolean).join(': ')
}

/** A value as a message shows it: quoted, on one line, not long. */
export function show(value: unknown): string {
  const text = JSON.stringify(plain(value)) ?? typeof value
  return text.length > 120 ? `${text.slice(0, 117)}...` : text
}

function defaultMessage(code: ErrorCode, { field, value, fault }: ErrorFields): string {
  if (fault) return faultMessage(fault, field)
  const at = field ? `${field}: ` : ''
  return `${at}${errorCodes[code][0]}${value === undefined ? '' : `: ${show(value)}`}`
}

// NB: the value may be anything that a caller passed: a function, or an object that has itself inside.
function plain(value: unknown): unknown {
  try {
    const text = JSON.stringify(value, (_key, inner) => {
      if (typeof inner === 'bigint') return inner.toString()
      if (inner instanceof Uint8Array) return Buffer.from(inner).toString('hex')
      return inner instanceof Error && !isEgressError(inner) ? inner.message : inner
    })
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return Object.prototype.toString.call(value)
  }
}
