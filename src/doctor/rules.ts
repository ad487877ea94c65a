import { overlaps, parseSubnet, type Subnet } from '../spec/cidr.js'
import { formatIp } from '../spec/ip.js'
import { Findings, type Judgement } from './check.js'
import { ask, families, type View } from './view.js'

/** A rule of the routing policy, as ip-rule(8) has them. */
export interface Rule {
  family: 4 | 6
  priority: number
  /** 254 is `main`. */
  table: number
  /** FR_ACT_* (<linux/fib_rules.h>). */
  action: number
  /** `192.168.0.0/16`; null: from anywhere. */
  from: string | null
  /** The link that a packet came in by; `lo` is of what the host itself sends. */
  iif: string | null
  /** Further conditions that it has. */
  others: string[]
}

export interface Rules {
  rules: Rule[]
  /** Of recorded networks. */
  subnets: string[]
  bridges: string[]
}

const FR_ACT_TO_TBL = 1
const discards: Record<number, string> = { 6: 'blackhole', 7: 'unreachable', 8: 'prohibit' }
const main = 254
/** What a host has by itself: `local`, `main`, `default`. */
const usual = [255, main, 253]
const AF_INET = 2
const AF_INET6 = 10
const FIB_RULE_INVERT = 2
// FRA_* (<linux/fib_rules.h>).
const FRA_SRC = 2
const FRA_IIFNAME = 3
const FRA_PRIORITY = 6
const FRA_TABLE = 15
const FRA_UID_RANGE = 20
const conditions: Record<number, string> = {
  1: 'to',
  10: 'fwmark',
  12: 'tun_id',
  17: 'oif',
  19: 'l3mdev',
  [FRA_UID_RANGE]: 'uidrange',
  22: 'ipproto',
  23: 'sport',
  24: 'dport',
  25: 'dscp',
}

export async function readRules({ kernel, records }: View): Promise<Rules> {
  const bytes = await ask(kernel, { op: 'netlink.dump', kind: 'rule' }, ['EOPNOTSUPP'])
  return {
    rules: bytes ? parseRules(bytes) : [],
    subnets: records.networks.flatMap(({ spec }) => spec.subnets.map(({ subnet }) => subnet)),
    bridges: records.networks.map(({ spec }) => spec.bridge),
  }
}

/** RTM_NEWRULE messages: struct nlmsghdr, struct fib_rule_hdr, attributes. What does not parse ends it. */
export function parseRules(bytes: Uint8Array): Rule[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const rules: Rule[] = []
  for (let at = 0; at + 28 <= bytes.length; ) {
    const length = view.getUint32(at, true)
    if (length < 28 || at + length > bytes.length) break
    const rule = parseRule(view, at + 16, at + length)
    if (rule) rules.push(rule)
    at += (length + 3) & ~3
  }
  return rules
}

function parseRule(view: DataView, at: number, end: number): Rule | null {
  const own = view.getUint8(at)
  if (own !== AF_INET && own !== AF_INET6) return null
  const family = own === AF_INET ? 4 : 6
  const rule: Rule = {
    family,
    priority: 0,
    table: view.getUint8(at + 4),
    action: view.getUint8(at + 7),
    from: null,
    iif: null,
    others: [],
  }
  if ((view.getUint32(at + 8, true) & FIB_RULE_INVERT) !== 0) rule.others.push('not')
  if (view.getUint8(at + 3) !== 0) rule.others.push('tos')
  for (let next = at + 12; next + 4 <= end; ) {
    const length = view.getUint16(next, true)
    if (length < 4 || next + length > end) break
    const type = view.getUint16(next + 2, true) & 0x3fff
    const value = new Uint8Array(view.buffer, view.byteOffset + next + 4, length - 4)
    const number = () => (value.length === 4 ? view.getUint32(next + 4, true) : 0)
    if (type === FRA_SRC) rule.from = `${addressOf(value)}/${view.getUint8(at + 2)}`
    else if (type === FRA_IIFNAME) rule.iif = Buffer.from(value).toString('latin1').replace(/\0.*$/, '')
    else if (type === FRA_PRIORITY) rule.priority = number()
    else if (type === FRA_TABLE) rule.table = number()
    else if (type in conditions) rule.others.push(conditions[type] as string)
    next += (length + 3) & ~3
  }
  return rule
}

const addressOf = (bytes: Uint8Array): string =>
  formatIp({ family: bytes.length === 4 ? 4 : 6, value: bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n) })

export function judgeRules({ rules, subnets, bridges }: Rules): Judgement {
  const found = new Findings()
  const own = subnets.flatMap(text => parseSubnet(text) ?? [])
  for (const family of families) {
    const ip = family === 6 ? 'ip -6' : 'ip'
    const ofFamily = rules.filter(rule => rule.family === family)
    if (ofFamily.length === 0) continue
    const wanted = own.some(subnet => subnet.family === family)
    const extra = ofFamily.filter(rule => !(usual.includes(rule.table) && isForAll(rule)))
    if (!ofFamily.some(rule => rule.table === main && rule.action === FR_ACT_TO_TBL && isForAll(rule))) {
      const evidence = `no rule has IPv${family} look into table main`
      if (wanted) found.stop(evidence, `${ip} rule add lookup main priority 32766`)
      else found.note(evidence)
    }
    for (const rule of extra) judgeRule(found, rule, ip, own, bridges)
    if (extra.length === 0) found.saw(`IPv${family}: no rules but the usual ones`)
  }
  return found.judgement()
}

function judgeRule(found: Findings, rule: Rule, ip: string, own: readonly Subnet[], bridges: readonly string[]): void {
  const { priority, action } = rule
  const discard = discards[action]
  const text = `IPv${rule.family}, ${priority}: ${words(rule)}`
  if (!concerns(rule, own, bridges)) return void found.saw(`${text}: not about what networks send`)
  const fix = `${ip} rule del priority ${priority}   # where nobody needs it`
  if (!discard) found.note(`${text}: what namespaces send may take another way out`)
  else if (own.length > 0 && rule.others.length === 0) found.stop(`${text}: what namespaces send is dropped`, fix)
  else found.warning(`${text}: what namespaces send may be dropped`, fix)
}

/** Whether it may be about what comes from a network; where there is none yet, from one to come. */
function concerns({ family, from, iif, others }: Rule, own: readonly Subnet[], bridges: readonly string[]): boolean {
  // What the host itself sends, or has a user.
  if (iif === 'lo' || others.includes('uidrange')) return false
  if (own.length === 0) return true
  if (iif !== null && !bridges.includes(iif)) return false
  const source = from === null || others.includes('not') ? null : parseSubnet(from)
  return own.some(subnet => subnet.family === family && (source === null || overlaps(subnet, source)))
}

const isForAll = ({ from, iif, others }: Rule): boolean => from === null && iif === null && others.length === 0

/** As ip-rule(8) writes it, but for the values of further conditions. */
function words({ table, action, from, iif, others }: Rule): string {
  const does =
    discards[action] ?? (action === FR_ACT_TO_TBL ? `lookup ${table === main ? 'main' : table}` : `action ${action}`)
  return [
    ...others.map(other => `[${other}]`),
    `from ${from ?? 'all'}`,
    ...(iif === null ? [] : [`iif ${iif}`]),
    does,
  ].join(' ')
}
