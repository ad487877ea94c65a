// What a scrape says.
import { channel } from 'node:diagnostics_channel'

export const publish = (name: string, message: object): void => channel(name).publish(message)

/** Of one series, as it is written; null where there is none. */
export function value(scrape: string, series: string): number | null {
  const line = scrape.split('\n').find(each => each.startsWith(`${series} `))
  return line === undefined ? null : Number(line.slice(series.length))
}

/** Of all series of that name, by their labels. */
export function valuesOf(scrape: string, name: string): Record<string, number> {
  const form = new RegExp(`^${name}\\{(.*)\\} (\\S+)$`)
  return Object.fromEntries(
    scrape.split('\n').flatMap(line => {
      const [, labels, text] = form.exec(line) ?? []
      return labels === undefined ? [] : [[labels, Number(text)]]
    }),
  )
}
