import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../kernel/load.js'
import { nativeKernel } from '../kernel/native.js'
import type { Environment } from './result.js'

type Outside = Pick<Environment, 'standing' | 'load'>

/** What the run may depend on and the sandbox hides: what stands on the machine. Reads only. */
export async function outside(): Promise<Outside> {
  const load = Math.round((os.loadavg()[0] ?? 0) * 1000)
  const kernel = nativeKernel.open()
  try {
    const [links] = await kernel.run([{ op: 'link.list' }])
    const [ruleset] = await kernel.run([{ op: 'nft.list', elements: false }])
    return {
      load,
      standing: {
        namespaces: namespaces(),
        links: links.ok ? links.value.length : null,
        rules: ruleset.ok ? ruleset.value.rules.length : null,
      },
    }
  } finally {
    await kernel.close()
  }
}

/** Network namespaces that processes are in, and those that are pinned. */
function namespaces(): number | null {
  const pids = list('/proc').filter(name => /^\d+$/.test(name))
  const inUse = new Set(pids.map(pid => link(`/proc/${pid}/ns/net`)))
  inUse.delete(null)
  return inUse.size === 0 ? null : inUse.size + list('/run/netns').length
}

export function environment(backend: string, found: Outside): Environment {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }
  const sysctls = ['user/max_net_namespaces', 'fs/mount-max', 'net/core/netdev_max_backlog', 'fs/file-max']
  const [, descriptors] = /^Max open files\s+(\S+)/m.exec(read('/proc/self/limits') ?? '') ?? []
  return {
    egressd: version,
    kernel: `${os.type()} ${os.release()} ${os.version()}`,
    machine: os.machine(),
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cpus: os.cpus().length,
    memory: os.totalmem(),
    node: process.version,
    backend,
    userNamespace: !/^\s*0\s+0\s+4294967295\s*$/.test(read('/proc/self/uid_map') ?? ''),
    limits: {
      RLIMIT_NOFILE: whole(descriptors),
      ...Object.fromEntries(sysctls.map(key => [key.replaceAll('/', '.'), whole(read(`/proc/sys/${key}`)?.trim())])),
    },
    ...found,
  }
}

function whole(text: string | undefined): number | null {
  const number = Number(text)
  return text !== undefined && Number.isSafeInteger(number) ? number : null
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

function link(path: string): string | null {
  try {
    return readlinkSync(path)
  } catch {
    return null
  }
}
