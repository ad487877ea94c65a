import type { EgressEvent } from '../../engine/events.js'
import type { Globals } from '../command/globals.js'
import { interruptible } from '../command/interruptible.js'
import { openDaemon } from '../open-api.js'
import { paintOn } from '../output/colour.js'
import { printJson } from '../output/print.js'

interface EventArguments extends Globals {
  since?: string
  type?: string[]
  json?: boolean
}

/** Until it is interrupted: then 0, for there is no other end. */
export async function events({ since, type, json, ...globals }: EventArguments): Promise<number> {
  const daemon = await openDaemon(globals, 'events are')
  const { signal, stop, number } = interruptible()
  const paint = paintOn(process.stdout)
  const wanted = (event: EgressEvent) =>
    event.type === 'gap' || !type || type.some(each => event.type === each || event.type.startsWith(`${each}.`))
  process.stdout.once('error', () => void daemon.close())
  try {
    for await (const event of daemon.events({ signal, ...(since !== undefined && { since }) })) {
      if (!wanted(event)) continue
      if (json) printJson(event)
      else console.log(eventLine(event, paint))
    }
  } finally {
    stop()
    await daemon.close()
  }
  return signal.aborted && number() !== 2 ? 128 + number() : 0
}

/** `2026-01-31T12:00:00.000Z  namespace.created  br0/ns0  addresses=10.64.0.2` */
export function eventLine(event: EgressEvent, paint: ReturnType<typeof paintOn>): string {
  const { id: _id, time, type, name, network, ...rest } = event
  const subject = [network, name].filter(part => part !== undefined).join('/')
  const more = Object.entries(rest).flatMap(([key, value]) => (isTold(value) ? [`${key}=${valueText(value)}`] : []))
  return [paint('dim', time), paint('bold', type), subject, ...more].filter(Boolean).join('  ')
}

const isTold = (value: unknown) => value !== undefined && value !== false && value !== null

const valueText = (value: unknown): string => {
  if (Array.isArray(value)) return value.map(valueText).join(',')
  return typeof value === 'string' ? value : JSON.stringify(value)
}
