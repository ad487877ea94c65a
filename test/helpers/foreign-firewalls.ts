// Other people's firewalls, for real, on a test's own host: as their programs write their rules.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Namespace } from '../../src/namespace.js'
import { adoptServer } from '../../src/net-adopt.js'
import { netnsPath, type TestHost, values } from './host.js'
import type { Library } from './library.js'

export type Variant = 'nft' | 'legacy'
export const variants = ['nft', 'legacy'] as const

/** Runs an iptables of that variant for each line. */
export function iptables(host: TestHost, variant: Variant, lines: string, families: readonly (4 | 6)[] = [4, 6]): void {
  for (const family of families)
    host.tool(`${family === 4 ? 'iptables' : 'ip6tables'}-${variant}-restore`, ['-n'], { input: lines })
}

/** The filter table as Docker 24 leaves it with one container's port published, without its addresses. */
const docker = `*filter
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -j RETURN
COMMIT
*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING ! -o docker0 -m mark --mark 0x1f -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
COMMIT
`
/** The same as Docker 28 has it. */
const docker28 = `*filter
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-BRIDGE - [0:0]
:DOCKER-CT - [0:0]
:DOCKER-FORWARD - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-FORWARD
-A DOCKER ! -i docker0 -o docker0 -j DROP
-A DOCKER-BRIDGE -o docker0 -j DOCKER
-A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A DOCKER-FORWARD -j DOCKER-CT
-A DOCKER-FORWARD -j DOCKER-ISOLATION-STAGE-1
-A DOCKER-FORWARD -j DOCKER-BRIDGE
-A DOCKER-FORWARD -i docker0 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
COMMIT
*raw
-A PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP
COMMIT
`
export const layDocker = (host: TestHost, variant: Variant, version: 24 | 28): void =>
  ([4, 6] as const).forEach(family => {
    const rules = version === 24 ? docker : docker28
    iptables(host, variant, family === 4 ? rules : rules.replace('172.17.0.2/32', 'fd11::2/128'), [family])
  })

/** A ufw with its own configuration and whatever iptables Debian has chosen. */
export interface Ufw {
  run(...args: string[]): string
}

export function layUfw(host: TestHost): Ufw & Disposable {
  const root = mkdtempSync('/run/ufw-')
  for (const path of ['etc/default/ufw', 'lib/ufw', 'etc/ufw/applications.d', 'etc/ufw/sysctl.conf'])
    cpSync(`/${path}`, join(root, path), { recursive: true })
  // As the package's postinst does it: what is in /etc/ufw is for root to read.
  for (const file of ['before', 'after', 'user'].flatMap(name => [`${name}.rules`, `${name}6.rules`]))
    cpSync(`/usr/share/ufw/iptables/${file}`, join(root, 'etc/ufw', file))
  cpSync('/usr/share/ufw/ufw.conf', join(root, 'etc/ufw/ufw.conf'))
  mkdirSync(join(root, 'run'))
  const run = (...args: string[]) => host.tool('ufw', [`--rootdir=${root}`, `--datadir=${root}`, ...args])
  return { run, [Symbol.dispose]: () => rmSync(root, { recursive: true }) }
}

const bus = (socket: string) => `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=${socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
<allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>`

/** firewalld and a system bus of their own, in the host's namespace. */
export async function layFirewalld(
  host: TestHost,
  netns: number,
): Promise<AsyncDisposable & { run(...args: string[]): string }> {
  const root = mkdtempSync('/run/firewalld-')
  const socket = join(root, 'bus')
  const environment = `DBUS_SYSTEM_BUS_ADDRESS=unix:path=${socket}`
  writeFileSync(join(root, 'bus.conf'), bus(socket))
  const log = join(root, 'log')
  const inside = (...command: string[]) =>
    spawn('nsenter', [`--net=${netnsPath({ fd: netns })}`, 'env', environment, ...command], { stdio: 'ignore' })
  const daemons = [inside('dbus-daemon', `--config-file=${root}/bus.conf`, '--nofork', '--nopidfile')]
  const end = async () => {
    for (const daemon of daemons.reverse()) {
      if (daemon.exitCode !== null) continue
      daemon.kill()
      await once(daemon, 'exit')
    }
    rmSync(root, { recursive: true })
  }
  const run = (...args: string[]) => host.tool('env', [environment, 'firewall-cmd', ...args])
  try {
    await until('the bus', () => existsSync(socket))
    mkdirSync(join(root, 'etc'))
    daemons.push(
      inside(
        'firewalld',
        '--nofork',
        '--nopid',
        '--log-target=file',
        `--log-file=${log}`,
        `--system-config=${root}/etc`,
      ),
    )
    await until(
      'firewalld',
      () => isRunning(run),
      () => (existsSync(log) ? readFileSync(log, 'utf8') : 'no log'),
    )
  } catch (error) {
    await end()
    throw error
  }
  return { run, [Symbol.asyncDispose]: end }
}

function isRunning(run: (...args: string[]) => string): boolean {
  try {
    return run('--state').trim() === 'running'
  } catch {
    return false
  }
}

async function until(what: string, holds: () => boolean, why = () => ''): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (holds()) return
    await sleep(50)
  }
  throw new Error(`${what} did not come up: ${why()}`)
}

/** Whether a ping, and a TCP connection, get from a namespace to the internet and back. */
export async function reaches(
  library: Library,
  namespace: Namespace,
  address: string,
  waitMs: number,
  pingMs = waitMs,
) {
  const ping = await replies(namespace, address, pingMs)
  const family = address.includes(':') ? 6 : 4
  const any = family === 4 ? '0.0.0.0' : '::'
  const [, { fd }] = values(
    await library.host.kernel.run([
      { op: 'netns.open', as: 1, from: { fd: library.internet } },
      { op: 'socket.open', in: 1, family, type: 'stream', bind: { address: any, port: 0 }, listen: 1 },
    ]),
  )
  const server = await adoptServer(
    fd,
    net.createServer(socket => socket.end('hello')),
    1,
  )
  const { port } = server.address() as net.AddressInfo
  const tcp = await hello(namespace, address, port, waitMs)
  server.close()
  await once(server, 'close')
  return { ping, tcp }
}

/** NB: asks again as TCP does, for the first packets of a link that has just come up may be lost. */
async function replies(namespace: Namespace, address: string, waitMs: number): Promise<boolean> {
  for (let left = waitMs; left > 0; left -= 500) {
    const [echo] = await namespace.ping(address, { timeoutMs: Math.min(left, 500) })
    if (echo?.result === 'reply') return true
  }
  return false
}

async function hello(namespace: Namespace, address: string, port: number, waitMs: number): Promise<boolean> {
  try {
    const socket = await namespace.connect({ address, port, signal: AbortSignal.timeout(waitMs) })
    const [data] = await once(socket, 'data')
    socket.destroy()
    return String(data) === 'hello'
  } catch {
    return false
  }
}

/** Everything in both kinds of tables, but for counters and numbers: what must be as it was. */
export function allRules({ tool }: TestHost): string {
  const legacy = ['iptables', 'ip6tables'].flatMap(command =>
    tool('cat', [`/proc/net/${command.replace('tables', '_tables')}_names`])
      .split('\n')
      .filter(Boolean)
      .map(table => tool(`${command}-legacy-save`, ['-t', table])),
  )
  const nft = tool('nft', ['list', 'ruleset']).replace(/table (inet|bridge) egressd \{.*?^\}\n/gms, '')
  return [nft, ...legacy].join('\n').replace(/packets \d+ bytes \d+|\[\d+:\d+\]|^#.*\n/gm, '')
}
