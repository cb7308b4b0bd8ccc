import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino'
import { ApiError } from './api-error.ts'

export type Logger = PinoLogger

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/**
 * The vocabulary of structured fields; values go here, never into the message. A field that is missing here is added here first,
 * so that the same thing has the same name in all parts.
 * @public
 */
export type LogFields = {
  cluster?: string
  node?: string
  namespace?: string
  network?: string
  vni?: number
  revision?: string
  bridge?: string
  device?: string
  port?: string | number
  peer?: string
  link?: number | string
  path?: string
  mac?: string
  vm?: string
  plan?: string
  operation?: string
  controller?: string
  key?: string
  resource?: string
  lease?: string
  holder?: string
  epoch?: number
  reason?: string
  state?: string
  count?: number
  failures?: number
  retryInMs?: number
  durationMs?: number
  /** RFC 3339. */
  until?: string
  /** An `Error`; printed with its causes and, unless it came from the API server, its stack. */
  err?: unknown
}

export type LoggerOptions = { level: LogLevel; name: string; destination?: DestinationStream }

/** One JSON line per record on standard output, times in RFC 3339, levels by name. */
export const createLogger = ({ level, name, destination }: LoggerOptions): Logger => {
  const options = {
    level,
    base: { name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: errorFields },
  }
  return destination ? pino(options, destination) : pino(options)
}

// Where a request failed is said by its message; during an outage the stacks would be most of the log.
const errorFields = (error: unknown): unknown => {
  if (!(error instanceof ApiError)) return pino.stdSerializers.err(error as Error)
  const { name: type, message, status, reason } = error
  return { type, message, status, reason }
}

/** For tests, and for callers that have nothing to say. */
export const silentLogger: Logger = pino({ level: 'silent' })
