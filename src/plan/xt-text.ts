import type { XtListedRule, XtRule } from '../kernel/ops-xt.js'

type AnyRule = XtRule | XtListedRule['rule']

/** As /etc/protocols has them; iptables prints others as numbers. */
const protocols: Record<number, string> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'ipv6-icmp' }

/** A rule as `iptables -S` prints it, without `-A CHAIN`: what two rules are compared by, and what a person reads. */
export function ruleText(rule: AnyRule): string {
  const not = (invert?: boolean) => (invert ? '! ' : '')
  const { protocol = 0 } = rule
  const protocolName = protocols[protocol] ?? String(protocol)
  const parts = [
    rule.source && `${not(rule.source.invert)}-s ${rule.source.address}/${rule.source.prefix}`,
    rule.destination && `${not(rule.destination.invert)}-d ${rule.destination.address}/${rule.destination.prefix}`,
    rule.input && `${not(rule.input.invert)}-i ${rule.input.name}`,
    rule.output && `${not(rule.output.invert)}-o ${rule.output.name}`,
    protocol !== 0 && `-p ${protocolName}`,
    rule.destinationPort !== undefined && `-m ${protocolName} --dport ${rule.destinationPort}`,
    rule.icmpType !== undefined &&
      (protocol === 58 ? `-m icmp6 --icmpv6-type ${rule.icmpType}` : `-m icmp --icmp-type ${rule.icmpType}`),
    rule.comment !== undefined &&
      `-m comment --comment ${/\s/.test(rule.comment) ? `"${rule.comment}"` : rule.comment}`,
    rule.ctstate && `-m conntrack --ctstate ${[...rule.ctstate].sort().join(',')}`,
    `-j ${rule.target}`,
    rule.toSource !== undefined && `--to-source ${rule.toSource}`,
    rule.randomFully && '--random-fully',
  ]
  return parts.filter(Boolean).join(' ')
}
