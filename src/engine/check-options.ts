import { resolve } from 'node:path'
import { z } from 'zod'
import { Problems } from '../spec/problems.js'
import type { EgressOptions, Log } from './options.js'

const words = 'is not a path'
const path = z.string(words).refine(text => text !== '' && !text.includes('\0'), words)
const hostWords = 'is neither the path of a network namespace nor like { pid: 1 } or { fd: 3 }'
const notNegative = 'is not a number of milliseconds'

const isLog = (log: unknown): log is Log =>
  typeof log === 'object' &&
  log !== null &&
  ['debug', 'info', 'warn'].every(level => typeof (log as Record<string, unknown>)[level] === 'function')

const openInput = z.strictObject(
  {
    host: z
      .union(
        [path, z.strictObject({ path }), z.strictObject({ pid: z.int32() }), z.strictObject({ fd: z.int32() })],
        hostWords,
      )
      .optional(),
    stateDir: path.optional(),
    netnsDir: path.optional(),
    etcNetnsDir: path.optional(),
    firewall: z.enum(['auto', 'nftables', 'xtables'], 'is none of "auto", "nftables", "xtables"').optional(),
    collect: z.boolean('is neither true nor false').optional(),
    quarantineMs: z.number(notNegative).min(0, notNegative).optional(),
    log: z.custom<Log>(isLog, 'has not the methods "debug", "info" and "warn"').optional(),
    kernel: z.custom<NonNullable<EgressOptions['kernel']>>().optional(),
  },
  'is not an object',
)

/**
 * A copy, for whoever gave them may change them; with paths that stay where the process's directory changes. Throws
 * EGRESSD_INVALID_SPEC, with every problem there is.
 */
export function checkOptions(options: EgressOptions): EgressOptions {
  const problems = new Problems(options)
  problems.read(openInput, [])
  problems.throwIfAny()
  const folders = (['stateDir', 'netnsDir', 'etcNetnsDir'] as const).flatMap(name =>
    options[name] === undefined ? [] : [[name, resolve(options[name])]],
  )
  return { ...options, ...Object.fromEntries(folders) }
}
