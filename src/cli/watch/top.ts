import { setTimeout as sleep } from 'node:timers/promises'
import { Either } from '../../either.js'
import type { TrafficView } from '../../http/shapes.js'
import type { Globals } from '../command/globals.js'
import { interruptible } from '../command/interruptible.js'
import { printJson } from '../output/print.js'
import { ownStyle } from '../output/table.js'
import { type Order, type Rates, ratesOf, sorted } from './rates.js'
import { openScreen } from './screen.js'
import { topLines } from './top-text.js'
import { openTraffic } from './traffic.js'

interface TopOptions extends Globals {
  /** Seconds. */
  interval?: number
  network?: string
  sort: Order
  once?: boolean
  json?: boolean
}

interface Reading {
  rates: Rates[]
  /** Between the two readings. */
  seconds: number
}

export async function top({ interval = 1, network, sort, once, json, ...globals }: TopOptions): Promise<number> {
  await using source = await openTraffic(globals)
  const { signal, stop, number } = interruptible()
  const read = async () => (await source.read()).filter(view => network === undefined || view.network === network)
  try {
    const begin = readings(read, interval * 1000, sort)
    if (json) await follow(begin, signal, once ?? false)
    else if (once || !process.stdout.isTTY) {
      const { rates } = await first(begin(signal))
      for (const line of await topLines(rates, ownStyle(), null)) console.log(line)
    } else await show(begin, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    stop()
  }
  return signal.aborted ? 128 + number() : 0
}

type Begin = (signal: AbortSignal) => AsyncGenerator<Reading, void>

/** Each of the time since the one before; the first when one interval is over. */
const readings = (read: () => Promise<TrafficView[]>, ms: number, order: Order): Begin =>
  async function* (signal) {
    let [before, at] = [await read(), performance.now()]
    for (;;) {
      await sleep(ms, undefined, { signal })
      const [after, now] = [await read(), performance.now()]
      const seconds = (now - at) / 1000
      yield { rates: sorted(ratesOf(before, after, seconds), order), seconds }
      ;[before, at] = [after, now]
    }
  }

async function first(all: AsyncGenerator<Reading, void>): Promise<Reading> {
  for await (const reading of all) return reading
  return { rates: [], seconds: 0 }
}

async function follow(begin: Begin, signal: AbortSignal, once: boolean): Promise<void> {
  for await (const { rates, seconds } of begin(signal)) {
    printJson({ time: new Date().toISOString(), seconds, namespaces: rates })
    if (once) return
  }
}

async function show(begin: Begin, signal: AbortSignal): Promise<void> {
  using screen = openScreen()
  using either = new Either(signal, screen.quit)
  const over = either.signal
  let last: Rates[] | null = null
  const draw = async () => {
    const style = ownStyle()
    const room = process.stdout.rows ?? 24
    const lines = last ? await topLines(last, style, room) : ['Counting …']
    const hint = 'q: quit'
    const [head = '', ...rest] = lines
    const gap = (style.width ?? 80) - head.length - hint.length
    screen.show([gap > 1 ? `${head}${' '.repeat(gap)}${hint}` : head, ...rest])
  }
  screen.onChange(() => void draw())
  await draw()
  try {
    for await (const { rates } of begin(over)) {
      last = rates
      await draw()
    }
  } catch (error) {
    if (!screen.quit.aborted) throw error
  }
}
