import { statusOf } from '../../daemon/problem.js'
import { EgressError, type ErrorCode, errorCodes } from '../../errors.js'
import { statusOf as exitStatusOf } from '../command/status.js'
import { causes } from './causes.js'

/** docs/errors.md, made of the table of codes. */
export function errorsPage(): string {
  const codes = (Object.keys(errorCodes) as ErrorCode[]).sort()
  return [
    '<!-- Made by scripts/reference of src/errors.ts and src/cli/manual/causes.ts: do not edit. -->',
    '# Errors',
    '',
    'Everything that egressd throws is an `EgressError` with one of these codes. They are stable: programs may switch on them, and',
    'on nothing else (messages are for people). Recognise one with `isEgressError(error)`; `error.remedy` says what to do, and',
    '`error.toJSON()` has all of it. The daemon answers with the same as `application/problem+json` (RFC 9457), whose `type` is',
    '`urn:egressd:error:CODE`; the client makes the same error of it again. A command prints code, message and remedy on standard',
    'error, what was `undone` and what is `left`, and ends with the exit status; a dash stands where the daemon answers no request with it.',
    '',
    'Besides: where a `signal` that you gave ends the waiting, you get its reason, and sockets of a namespace fail as',
    '`net.Socket` does (`ECONNREFUSED`, `EHOSTUNREACH`, …). What comes of a document that is wrong has exit status 2 whatever its code.',
    '',
    '| code | meaning | exit status | HTTP |',
    '|---|---|---|---|',
    ...codes.map(code => `| [${code}](#${code.toLowerCase()}) | ${meaning(code)} | ${exit(code)} | ${http(code)} |`),
    '',
    ...codes.flatMap(section),
  ]
    .join('\n')
    .replace(/\n+$/, '\n')
}

function section(code: ErrorCode): string[] {
  const { when, carries } = causes[code]
  return [
    `## ${code}`,
    '',
    `${sentence(meaning(code))} ${when}`,
    '',
    `**What to do:** ${errorCodes[code][1]}.${carries ? ` **It carries** ${carries}.` : ''}`,
    '',
  ]
}

const meaning = (code: ErrorCode): string => errorCodes[code][0]
const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`
const exit = (code: ErrorCode): number => exitStatusOf(new EgressError(code))
const http = (code: ErrorCode): number | string => (causes[code].local ? '–' : statusOf(code))
