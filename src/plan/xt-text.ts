import type { XtListedRule, XtRule } from '../kernel/ops-firewall.js'

type AnyRule = XtRule | XtListedRule['rule']

/** A rule as `iptables -S` prints it, without `-A CHAIN`: what two rules are compared by, and what a person reads. */
export function ruleText(rule: AnyRule): string {
  const not = (invert?: boolean) => (invert ? '! ' : '')
  const parts = [
    rule.source && `${not(rule.source.invert)}-s ${rule.source.address}/${rule.source.prefix}`,
    rule.destination && `${not(rule.destination.invert)}-d ${rule.destination.address}/${rule.destination.prefix}`,
    rule.input && `${not(rule.input.invert)}-i ${rule.input.name}`,
    rule.output && `${not(rule.output.invert)}-o ${rule.output.name}`,
    rule.protocol !== undefined && rule.protocol !== 0 && `-p ${rule.protocol}`,
    rule.ctstate && `-m conntrack --ctstate ${[...rule.ctstate].sort().join(',')}`,
    rule.comment !== undefined &&
      `-m comment --comment ${/\s/.test(rule.comment) ? `"${rule.comment}"` : rule.comment}`,
    `-j ${rule.target}`,
    rule.randomFully && '--random-fully',
  ]
  return parts.filter(Boolean).join(' ')
}
