import { InvalidArgumentError } from 'commander'

// What is typed behind options.

/** An option that may come more than once. */
export const many = (text: string, before: string[] | undefined): string[] => [...(before ?? []), text]

export function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is not a whole number from 1 to 9999999.')
}

/** Of an option that is a number of seconds, with parts. */
export function seconds(text: string): number {
  const value = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && value >= 0.001 && value <= 3600) return value
  throw new InvalidArgumentError('It is not a number of seconds from 0.001 to 3600.')
}

/** `key=value`, once for each key. */
export function pair(text: string, before: Record<string, string> | undefined): Record<string, string> {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (key === undefined || value === undefined) throw new InvalidArgumentError('It is not of the form KEY=VALUE.')
  return { ...before, [key]: value }
}

/** Within a range, both ends included. */
export const between =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d{1,9}$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`It is not a whole number from ${least} to ${most}.`)
  }
