import type { AppliedChange, PlannedChange } from '../../engine/changes.js'
import { fold } from './fold.js'

const signs = { create: '+', update: '~', repair: '~', replace: '±', delete: '-' } as const
/** SGR codes: green, yellow, red. */
const colours = { create: 32, update: 33, repair: 33, replace: 35, delete: 31 } as const

/** A change for people: what, which fields from what to what, and the steps. */
export function changeLines(change: PlannedChange | AppliedChange, colour: boolean): string[] {
  const { kind, name, action, fields, does } = change
  const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)
  const result = 'result' in change && change.result !== 'done' ? `  (${change.result})` : ''
  return [
    `${paint(colours[action], `${signs[action]} ${action} ${kind} ${name}`)}${result && paint(31, result)}`,
    ...fields.map(({ field, from, to }) => `    ${field}: ${paint(31, value(from))} -> ${paint(32, value(to))}`),
    ...(kind === 'firewall' ? fold(does) : does).map(line => paint(2, `    ${line}`)),
  ]
}

/** `2 to be created, 1 to be deleted.` */
export function summary(changes: readonly (PlannedChange | AppliedChange)[], verb: string): string {
  if (changes.length === 0) return 'All is as the document says: nothing to do.'
  const counted = changes.filter(change => !('result' in change) || change.result === 'done')
  const words = { create: 'created', update: 'changed', repair: 'repaired', replace: 'replaced', delete: 'deleted' }
  const parts = Object.entries(words).flatMap(([action, word]) => {
    const count = counted.filter(change => change.action === action).length
    return count > 0 ? [`${count} ${verb}${word}`] : []
  })
  for (const result of ['failed', 'skipped']) {
    const count = changes.filter(change => 'result' in change && change.result === result).length
    if (count > 0) parts.push(`${count} ${result}`)
  }
  return `${parts.join(', ')}.`
}

const value = (given: unknown): string => (typeof given === 'string' ? given : JSON.stringify(given))
