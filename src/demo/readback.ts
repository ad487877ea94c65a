import { existsSync } from 'node:fs'
import { kernelError } from '../errors.js'
import type { Kernel } from '../kernel/kernel.js'
import type { Op, ValueOf, Verdict } from '../kernel/ops.js'
import type { Link } from '../kernel/ops-link.js'
import type { Address, Route } from '../kernel/ops-route.js'
import { aliasOf } from '../plan/desired.js'
import { forwardingKey } from '../plan/forwarding.js'
import { nftTable } from '../plan/nftables-shape.js'
import { ruleText } from '../plan/xt-text.js'
import { xtTables } from '../plan/xtables.js'
import { xtCommentPrefix } from '../plan/xtables-rules.js'
import { type Family, names } from './steps.js'
import { uplink } from './topology.js'

/** What the kernel says, in lines for people. */
export class Readback {
  constructor(
    private readonly kernel: Kernel,
    private readonly backend: 'nftables' | 'xtables',
    private readonly families: readonly Family[],
    private readonly pin: string,
  ) {}

  async bridge(): Promise<string> {
    const link = await this.#link(names.network)
    const addresses = await this.#ask({ op: 'address.list', index: link.index })
    return `${link.name} is interface ${link.index}: ${shown(addresses)}, ${link.up ? 'up' : 'down'}`
  }

  async cable(): Promise<string> {
    const outside = await this.#link(names.hostInterface)
    const bridge = await this.#link(names.network)
    const [inside] = await this.#inside({ op: 'link.get', in: 1, name: names.interface })
    const port = outside.master === bridge.index ? `a port of ${bridge.name}` : 'no port of the bridge'
    return `${outside.name} is ${port}, its peer is ${(inside as Link).name} (interface ${outside.peer}) inside ${names.namespace}`
  }

  async inside(): Promise<{ address: string; route: string }> {
    const [link, lo] = (await this.#inside(
      { op: 'link.get', in: 1, name: names.interface },
      { op: 'link.get', in: 1, name: 'lo' },
    )) as [Link, Link]
    const [addresses, routes] = (await this.#inside(
      { op: 'address.list', in: 1, index: link.index },
      { op: 'route.list', in: 1, table: 254 },
    )) as [Address[], Route[]]
    const ways = routes.filter(({ destination }) => destination === null)
    return {
      address: `inside ${names.namespace}: ${link.name} ${shown(addresses)}, ${link.up ? 'up' : 'down'}; lo ${lo.up ? 'up' : 'down'}`,
      route: `inside ${names.namespace}: ${ways.map(({ gateway }) => `default via ${gateway} dev ${link.name}`).join(', ')}`,
    }
  }

  async firewall(): Promise<string[]> {
    const forwarding = await Promise.all(
      this.families.map(async family => {
        const key = forwardingKey[family]
        return `${key.replaceAll('/', '.')} = ${await this.#ask({ op: 'sysctl.get', key })}`
      }),
    )
    return [...(await this.#rules()), ...forwarding]
  }

  /** The conntrack entry of an echo to the internet: whom the answer was sent to. null where the kernel shows none. */
  async translation(family: Family, source: string): Promise<string | null> {
    const destination = uplink[family].public
    const [listed] = await this.kernel.run([{ op: 'conntrack.list', family, address: source }])
    if (!listed.ok) return null
    const entry = listed.value.find(
      ({ original }) => original.source === source && original.destination === destination,
    )
    return entry
      ? `conntrack: ${source} → ${destination}, answered by ${entry.reply.source} to ${entry.reply.destination}`
      : null
  }

  /** What there still is of the demo's. */
  async left(): Promise<string[]> {
    const links = await this.#ask({ op: 'link.list' })
    const alias = aliasOf(names.network)
    const ours = links.filter(link => link.alias === alias || link.alias?.startsWith(`${alias}/`))
    return [
      ...ours.map(({ name }) => `link ${name}`),
      ...(existsSync(this.pin) ? [`namespace ${this.pin}`] : []),
      ...(await this.#rules()).map(rule => `firewall: ${rule}`),
    ]
  }

  /** What the host has, all told. */
  async standing(): Promise<string> {
    const links = await this.#ask({ op: 'link.list' })
    const shortly = links.length <= 6 ? links.map(({ name }) => name).join(', ') : `${links.length} links`
    return `the host has ${shortly}; no bridge, no cable, no namespace and no firewall rule of the demo`
  }

  async #rules(): Promise<string[]> {
    if (this.backend === 'nftables') {
      const { sets, rules } = await this.#ask({ op: 'nft.list', ...nftTable })
      const bridges = sets.find(({ name }) => name === 'bridges')?.elements ?? []
      const ours = bridges.some(({ key }) => Buffer.from(key).toString('latin1').replace(/\0.*/s, '') === names.network)
      if (!ours) return []
      const chains = [...new Set(rules.map(({ chain }) => chain))]
      return [
        `table inet egressd: ${rules.length} rules in ${chains.join(' and ')}, ${names.network} among its bridges`,
      ]
    }
    const lines: string[] = []
    for (const family of this.families)
      for (const table of xtTables) {
        const { chains } = await this.#ask({ op: 'xt.list', family, table })
        for (const { name, rules } of chains)
          for (const { rule } of rules)
            if (rule.comment === `${xtCommentPrefix}${names.network}`)
              lines.push(`-t ${table} -A ${name} ${ruleText(rule)}`)
      }
    return lines
  }

  #link(name: string): Promise<Link> {
    return this.#ask({ op: 'link.get', name })
  }

  async #ask<O extends Op>(op: O): Promise<ValueOf<O>> {
    const [verdict] = (await this.kernel.run([op])) as unknown as [Verdict<ValueOf<O>>]
    return answerOf(verdict)
  }

  async #inside(...ops: Op[]): Promise<unknown[]> {
    const verdicts = await this.kernel.run([{ op: 'netns.open', as: 1, from: { path: this.pin } }, ...ops])
    return (verdicts as readonly Verdict[]).map(answerOf).slice(1)
  }
}

const shown = (addresses: readonly Address[]) => addresses.map(a => `${a.address}/${a.prefix}`).join(' and ')

function answerOf<T>(verdict: Verdict<T>): T {
  if (verdict.ok) return verdict.value
  if (verdict.skipped) throw new Error('an operation before it failed')
  throw kernelError(verdict.fault, 'reading back')
}
