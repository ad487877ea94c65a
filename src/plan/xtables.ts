import type { XtEdit, XtListedChain, XtRule, XtTable } from '../kernel/ops-xt.js'
import type { DesiredFirewall } from './firewall.js'
import { ruleText } from './xt-text.js'
import { xtBlocks, xtCommentPrefix } from './xtables-rules.js'

/** The tables that hold rules of ours. */
export const xtTables = ['nat', 'filter'] as const satisfies XtTable[]

export type ActualXt = { family: 4 | 6; table: XtTable; chains: XtListedChain[] }
export type XtTableEdits = { family: 4 | 6; table: XtTable; edits: XtEdit[] }

/**
 * The least edits that turn our rules as they stand into what they should be: one entry for each table that changes. In
 * each chain ours keep their order among themselves; where strangers' rules stand among them is the strangers' choice.
 */
export function planXtables(desired: DesiredFirewall, actual: readonly ActualXt[]): XtTableEdits[] {
  return actual.flatMap(({ family, table, chains }) => {
    const blocks = xtBlocks(desired, family).filter(block => block.table === table)
    const edits = chains.flatMap(({ name, rules }) => {
      const { front = [], back = [] } = blocks.find(({ chain }) => chain === name) ?? {}
      const ours = rules
        .filter(({ whole, rule }) => whole && rule.comment?.startsWith(xtCommentPrefix))
        .map(({ rule }) => rule as XtRule)
      return editChain(name, ours, front, back)
    })
    return edits.length > 0 ? [{ family, table, edits }] : []
  })
}

function editChain(chain: string, ours: XtRule[], front: XtRule[], back: XtRule[]): XtEdit[] {
  const wanted = [...front, ...back].map(ruleText)
  const left = [...wanted]
  const kept: XtRule[] = []
  const extra: XtRule[] = []
  for (const rule of ours) {
    const place = left.indexOf(ruleText(rule))
    if (place < 0) extra.push(rule)
    else {
      left.splice(place, 1)
      kept.push(rule)
    }
  }
  // Of two alike the first goes, which changes the order; and rules can be put first and last only, so that what stays must
  // be one run of those that are wanted. Else all go, and come anew, in the one replacement of the table.
  const twice = extra.some(rule => wanted.includes(ruleText(rule)))
  const start = twice ? null : runIn(wanted, kept.map(ruleText), front.length)
  if (start === null) return [...deletes(chain, ours), ...adds(chain, front, back)]
  const end = start + kept.length
  return [...deletes(chain, extra), ...adds(chain, front.slice(0, start), [...front, ...back].slice(end))]
}

/** Where `kept` begins in `wanted` as a run that leaves to the front only what is of the front, and so behind. */
function runIn(wanted: string[], kept: string[], front: number): number | null {
  for (let start = 0; start <= Math.min(front, wanted.length - kept.length); start++) {
    if (start + kept.length >= front && kept.every((text, i) => text === wanted[start + i])) return start
  }
  return null
}

const deletes = (chain: string, rules: XtRule[]): XtEdit[] => rules.map(rule => ({ edit: 'delete', chain, rule }))

const adds = (chain: string, front: XtRule[], back: XtRule[]): XtEdit[] => [
  ...[...front].reverse().map((rule): XtEdit => ({ edit: 'insert', chain, rule })),
  ...back.map((rule): XtEdit => ({ edit: 'append', chain, rule })),
]
