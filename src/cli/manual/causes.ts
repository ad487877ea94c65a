import type { ErrorCode } from '../../errors.js'

interface Cause {
  /** When it comes, in sentences. */
  when: string
  /** What programs find in it besides the message. */
  carries?: string
  /** The daemon never answers a request with it. */
  local?: true
}

/** What leads to each error, for docs/errors.md. */
export const causes: Record<ErrorCode, Cause> = {
  EGRESSD_ABORTED: {
    when: 'The `signal` that was given was aborted before the work of that item began (`createMany`, `destroyMany`) or before a command was executed (`spawn`); a client of the daemon that went away has it in the daemon’s log. Where a single call waits for something, it rejects with the reason of the signal instead.',
    carries: '`cause`: the reason of the signal',
  },
  EGRESSD_ADDRESSES_EXHAUSTED: {
    when: 'Every address of the subnet is held by a namespace, is the network, broadcast or gateway address, or is known to be another’s on that segment. Those of namespaces that are gone rest for a minute (`quarantineMs`); who asks for one of them by its number gets it at once.',
    carries: '`value`: the subnet; `details`: used, quarantined, and `retryInMs`, when the first has rested',
  },
  EGRESSD_ADDRESS_IN_USE: {
    when: 'The address that was asked for is held by another namespace of the network.',
    carries: '`value`: the address',
  },
  EGRESSD_ADDRESS_OUTSIDE_SUBNET: {
    when: 'An address of a namespace, a gateway, or the `via` of a route is in none of the subnets that the network has.',
    carries: '`field`, `value`, `problems`',
  },
  EGRESSD_ADDRESS_RESERVED: {
    when: 'The address is the network or broadcast address of its subnet (IPv4), the subnet-router anycast address (IPv6), or the gateway’s.',
    carries: '`field`, `value`, `problems`',
  },
  EGRESSD_BENCHMARK: {
    when: '`egressd bench`: a side did not answer, or what it made was not in the kernel or did not reach the internet of the sandbox when that was verified. A figure of such work is not given.',
    local: true,
  },
  EGRESSD_BUSY: {
    when: 'One of the daemon’s `limits` is reached: connections, requests that write, streams, bytes of bodies that are being read, requests with an Idempotency-Key; a diagnosis is under way already; or the daemon stops. Nothing was begun. The client of `egressd/client` waits and asks again by itself for ten seconds.',
    carries: '`details.limit`',
  },
  EGRESSD_CLOSED: {
    when: 'Something is asked of a handle after `close()` or `down()`, of a pool that was closed, or of a socket of a namespace that is connected a second time; or the daemon stops while a request is under way.',
  },
  EGRESSD_DAEMON_ANSWER: {
    when: 'Something else than egressd listens on the socket, or a daemon of another version whose answers have another form.',
    carries: '`details`: the request, the status and the body',
    local: true,
  },
  EGRESSD_DAEMON_UNREACHABLE: {
    when: 'The socket is not there (ENOENT), nobody listens on it (ECONNREFUSED), this user may not open it (EACCES), or the connection was lost before the answer: then what came of the request is not known, and the message says so.',
    carries: '`details`: socket, errno and request',
    local: true,
  },
  EGRESSD_DUPLICATE: {
    when: 'Two networks or namespaces of a document have one name, interface or address; a network has two subnets or gateways of one family, a namespace two addresses; a route or a query parameter is there twice; a pool has the name of another; a watch is begun on an `Egress` that has one.',
    carries: '`field`, `value`, `problems`',
  },
  EGRESSD_FAMILY_MISMATCH: {
    when: 'An address, gateway, route or masquerade address is of a family that the network has no subnet of, or `to` and `via` of a route are of different families.',
    carries: '`field`, `value`, `problems`',
  },
  EGRESSD_FORBIDDEN: {
    when: 'Who is at the other end of the socket is neither root nor in its group, and the setting `read` does not allow it; or the kernel does not tell who it is.',
    carries: '`details`: the request',
  },
  EGRESSD_INTERNAL: {
    when: 'The daemon met with an error that is none of this list. Its words are in the journal, with the id of the request, and not in the answer.',
    carries: '`details.requestId`',
  },
  EGRESSD_INVALID_ADDRESS: {
    when: 'What should be an IPv4 or IPv6 address is none; it is of a range that no host may have (multicast, loopback, unspecified); it is a host name, which is not looked up; or it has the prefix of another subnet.',
    carries: '`field`, `value`, `problems`',
  },
  EGRESSD_INVALID_INTERFACE_NAME: {
    when: '`interface`, `hostInterface` or `bridge` is empty, longer than 15 bytes, `.`, `..` or `lo`, or has a character that the kernel refuses. So is the `name` of a network without `bridge`, since it names the bridge too.',
    carries: '`field`, `value`, `problems`',
  },
  EGRESSD_INVALID_NAME: {
    when: 'The name of a network, namespace, pool, search domain or sysctl is not of its form. It becomes a file name, so it may not climb out of its directory.',
    carries: '`field`, `value`, `problems`',
  },
  EGRESSD_INVALID_OPERATION: {
    when: 'The library gave the addon an operation that this does not know or that lacks a field: the addon was built from other sources than the library. Build it again (`npm run build:addon`); if it stays, report it.',
    carries: '`field`, `value`',
  },
  EGRESSD_INVALID_REQUEST: {
    when: 'The bytes on the socket are not HTTP/1.1, the body is not JSON in UTF-8 or ended too early, the target or `Host` is not right, or the Idempotency-Key is not 1 to 255 visible characters.',
  },
  EGRESSD_INVALID_SPEC: {
    when: 'A field is missing, unknown, of the wrong type or out of its range, or several fields have problems of different kinds. Everything is checked before anything is changed.',
    carries: '`problems`: all of them, each with `field`, `value`, `code` and `message`',
  },
  EGRESSD_INVALID_SUBNET: {
    when: 'A subnet is no address with a prefix, has bits beyond its prefix (`192.168.0.1/16`), is of a special range, or has no room for a gateway and a namespace (`/32`, `/128`); or the destination of a route is not of that form, or is the default route.',
    carries: '`field`, `value`, `problems`',
  },
  EGRESSD_KERNEL: {
    when: 'A system call or netlink request was refused. `ENOMEM`, `ENOBUFS`: no memory. `ENOSPC`: `user.max_net_namespaces`. `EMFILE`: the limit of open files. `EEXIST`, `EBUSY`: something else has the name. `ENODEV`: somebody removed a link meanwhile. What was made before is undone; the message has the kernel’s own sentence where it gave one.',
    carries: '`fault`: operation, call, errno and message; `undone`, `left`',
  },
  EGRESSD_KEY_REUSED: {
    when: 'The daemon remembers another request by this Idempotency-Key: another path, or another body.',
  },
  EGRESSD_METHOD_NOT_ALLOWED: {
    when: 'The daemon knows the path, but not with this method.',
    carries: 'the answer has `Allow`',
  },
  EGRESSD_MISMATCH: {
    when: 'A network or namespace of that name stands, but with another mode, subnet, interface, address or other field that `network` and `create` do not change; a network is to be destroyed while it has namespaces, or an open pool; or a document would take away, replace or renumber a network under namespaces that it does not have, or take it from an open pool. `apply` changes what can be changed.',
    carries: '`field`, `value`; `details.pools`, those that are in the way; of a document `details.blocked`',
  },
  EGRESSD_MISSING_CAPABILITY: {
    when: 'The process lacks CAP_NET_ADMIN, CAP_SYS_ADMIN or CAP_NET_RAW, in its effective set and in the user namespace that owns the network namespace; or the kernel answered EPERM. A client of the daemon needs CAP_SYS_ADMIN for `spawn`, `connect`, `listen` and `datagram`, which are done by the client’s process.',
    carries: '`details.missing`, or `fault`',
  },
  EGRESSD_MISSING_FEATURE: {
    when: 'The kernel does not make one of: bridge, veth, an nf_tables table, chain or expression of those that are used, or the tables and targets of xtables. Modules are not loaded by egressd; `egressd doctor` says which is missing.',
    carries: '`fault`',
  },
  EGRESSD_MISSING_PACKAGE: {
    when: '`egressd bench --svg` draws with the package `echarts`, which is an optional peer dependency.',
    carries: '`field`, `cause`',
    local: true,
  },
  EGRESSD_NAME_TAKEN: {
    when: 'An interface, a file in `/run/netns` or `/etc/netns`, or a table called `egressd` is there and does not bear the mark of this state directory; or a namespace of ours was taken away (`ip netns del`) and another is pinned by its name. What is not marked is never changed. Of another egressd on the same host the message has its state directory.',
    carries: '`field`, `value`, `fault`; of a table `details`: family, table and stateDir',
  },
  EGRESSD_NETWORK_FULL: {
    when: 'The kernel gives a bridge 1,023 ports (BR_PORT_BITS), and all are taken; or a document puts more namespaces than that into one bridged network.',
    carries: '`field`, `value`, `fault`',
  },
  EGRESSD_NOT_FOUND: {
    when: 'No network, namespace or pool has that name, or the handle is of one that was destroyed; a namespace of ours was taken away (`ip netns del`), and something is to be done inside; a document has a namespace of a network that it does not have; `host` is no network namespace; a namespace is given back to a pool that it is not of; the daemon has no such path; or `group` names no group of the system.',
    carries: '`field`, `value`',
  },
  EGRESSD_POOL_EXHAUSTED: {
    when: 'Nothing is ready, and `maxWaiting` claims wait already.',
    carries: '`details.maxWaiting`',
  },
  EGRESSD_PREPARE_FAILED: {
    when: 'Your `prepare` threw or rejected. The namespace is destroyed and another one is made; claims that wait meet with this error only where it goes on.',
    carries: '`cause`: what it threw',
  },
  EGRESSD_REFUSED_VALUE: {
    when: 'A sysctl that no network namespace has, that is the host’s alone, or that does not take the value; a route that the kernel does not take, such as one by the namespace’s own address. Only the kernel knows: what was made is undone.',
    carries: '`field` (`sysctls.net/ipv4/…`, `routes[0]`), `value`, `fault`, `undone`',
  },
  EGRESSD_REPLACED: {
    when: 'A request to the daemon has `If-Match`, or the line of a batch an `id`, and what stands by that name is another namespace than the one of that id; a PUT with `If-Match` finds none. Nothing was changed.',
    carries: '`field`, `value`: the id that was given',
  },
  EGRESSD_SANDBOX_UNAVAILABLE: {
    when: '`egressd demo`, `egressd bench` and the tests work in private namespaces, and these cannot be made: user namespaces are turned off, their number is used up, or a container’s rules forbid it. The message says which.',
    carries: '`fault`',
    local: true,
  },
  EGRESSD_SPAWN_FAILED: {
    when: 'The command does not exist or may not be executed, the working directory is missing, the user may not be changed to, or the namespace is gone.',
    carries: '`details`: stage, errno and command',
  },
  EGRESSD_STATE_INVALID: {
    when: 'A file in the state directory is not JSON or not of its form, a namespace is recorded in a network that is not, or the records are of another host network namespace. Nothing is guessed: what the record was of stays as it is until the file is put right or moved away; then `egressd gc` collects it.',
    carries: '`value`: the path',
  },
  EGRESSD_STATE_LOCKED: {
    when: 'Another process has the state directory open: most often the daemon. With a daemon, use its socket.',
    carries: '`details.pid`',
  },
  EGRESSD_STATE_WRITE_FAILED: {
    when: '`/run` is full or read-only, or permissions were changed. The record that was there stays, and the change that it was for is not begun, or undone.',
    carries: '`value`: the path; `cause`',
  },
  EGRESSD_SOCKET_IN_USE: {
    when: 'The daemon starts and another process listens on the path, the file there is no socket or belongs to another user, or the service manager handed over several sockets.',
    carries: '`field`, `value`',
    local: true,
  },
  EGRESSD_SUBNET_OVERLAP: {
    when: 'The subnet overlaps that of another network, or of a route of the host that is not a default route: traffic would go astray.',
    carries: '`field`, `value`',
  },
  EGRESSD_TIMEOUT: {
    when: 'No namespace of a pool was ready in time (`claimTimeoutMs`), a `prepare` took longer than `prepareTimeoutMs`, the daemon did not answer within `timeoutMs`, the kernel did not let go of links within a minute, or somebody changed the ruleset of the firewall during each of several tries.',
    carries: '`details`: the limit',
  },
  EGRESSD_TOO_LARGE: {
    when: 'The head or the body of a request, or a line of a batch, is larger than the daemon’s limit.',
    carries: '`details`: the limit in bytes',
  },
  EGRESSD_TOO_SLOW: {
    when: 'The head or the body of a request, or the next line of a batch, did not arrive within `limits.slowMs`, or ten times that between lines.',
  },
  EGRESSD_UNSAFE_PATH: {
    when: "Others may write to the directory, it is another user's, or it is a link: what is written there could be exchanged for something else.",
    carries: '`field`: the setting that names it; `value`: its path',
  },
  EGRESSD_UNSUPPORTED_MEDIA: {
    when: 'A body without `Content-Type: application/json` (a batch: `application/x-ndjson`), or with a Content-Encoding.',
  },
}
