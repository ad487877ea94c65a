// What the network namespace and the machine hold that a test could leave behind. Every probe that cannot run here (a
// tool is missing, an ordinary user may not) reads as its failure, the same before and after.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const tool = (command, ...args) => {
  const done = spawnSync(command, args, { encoding: 'utf8' })
  return (done.error?.code ?? (done.status === 0 ? done.stdout : `exit ${done.status}`)).split('\n')
}
const read = path => {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch (error) {
    return [error.code]
  }
}
const list = directory => {
  try {
    return readdirSync(directory, { recursive: true })
  } catch (error) {
    return [error.code]
  }
}

// Listing a legacy table creates it: only those that are there already. Chain counters and time stamps change by themselves.
const legacy = (save, names) =>
  read(names)
    .filter(name => /^[a-z]+$/.test(name))
    .flatMap(table => tool(save, '-t', table).map(line => `${table}: ${line.replace(/ \[\d+:\d+\]$/, '')}`))
    .filter(line => !/: #/.test(line))

const lifetimes = /valid_lft \S+ preferred_lft \S+|expires \S+/g

/** Name of each probe to its sorted lines. */
export function takeCensus() {
  const probes = {
    links: tool('ip', '-o', 'link'),
    addresses: tool('ip', '-o', 'addr').map(line => line.replace(lifetimes, '')),
    routes: [...tool('ip', 'route', 'show', 'table', 'all'), ...tool('ip', '-6', 'route', 'show', 'table', 'all')].map(
      line => line.replace(lifetimes, ''),
    ),
    rules: [...tool('ip', 'rule'), ...tool('ip', '-6', 'rule')],
    nftables: tool('nft', '--stateless', '--handle', 'list', 'ruleset'),
    iptables: legacy('iptables-legacy-save', '/proc/net/ip_tables_names'),
    ip6tables: legacy('ip6tables-legacy-save', '/proc/net/ip6_tables_names'),
    mounts: read('/proc/self/mountinfo')
      .map(line => line.split(' ').slice(3, 5).join(' '))
      .filter(line => /netns|egressd/.test(line)),
    'files of /run/netns': list('/run/netns'),
    'files of /run/egressd': list('/run/egressd'),
    'files of /etc/netns': list('/etc/netns'),
    forwarding: ['ipv4/ip_forward', 'ipv6/conf/all/forwarding'].flatMap(key => read(`/proc/sys/net/${key}`)),
  }
  return Object.fromEntries(Object.entries(probes).map(([name, lines]) => [name, lines.filter(Boolean).sort()]))
}

/** Lines that only one of the two has, marked + (new) and - (gone). */
export function compareCensus(before, after) {
  return Object.keys(before).flatMap(name => [
    ...after[name].filter(line => !before[name].includes(line)).map(line => `${name}: + ${line}`),
    ...before[name].filter(line => !after[name].includes(line)).map(line => `${name}: - ${line}`),
  ])
}

/** Processes that have `mark` in their environment: what a run has left behind. */
export function processesWith(mark) {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
  const marked = pids.filter(pid => read(`/proc/${pid}/environ`).join('\n').split('\0').includes(mark))
  return marked.map(pid => ({
    pid: Number(pid),
    command: read(`/proc/${pid}/cmdline`).join(' ').replaceAll('\0', ' ').trim(),
  }))
}
