import { styleText } from 'node:util'

export type Format = Parameters<typeof styleText>[0]
export type Paint = (format: Format, text: string) => string

/** Colours are for terminals, and for nobody who has set NO_COLOR to something (no-color.org). */
export function hasColours(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv = process.env): boolean {
  return (stream.isTTY ?? false) && !env.NO_COLOR && env.TERM !== 'dumb'
}

export function paintOn(stream: NodeJS.WriteStream): Paint {
  // NB: by what we know of the stream, not by what Node thinks of standard output.
  return hasColours(stream) ? (format, text) => styleText(format, text, { validateStream: false }) : (_, text) => text
}
