import type { IncomingHttpHeaders } from 'node:http'

/** The parts of a `metav1.Status` that callers decide on. */
export type StatusDetails = {
  name?: string
  group?: string
  kind?: string
  retryAfterSeconds?: number
  causes?: { reason?: string; message?: string; field?: string }[]
}

type Status = { kind?: string; code?: number; reason?: string; message?: string; details?: StatusDetails }

type ApiErrorFields = {
  attempt: string
  status: number
  reason: string
  message: string
  retryAfterMs?: number | undefined
  details?: StatusDetails | undefined
  cause?: unknown
}

/** A request to the API server that failed. `status` is 0 when there was no answer; `reason` is that of `metav1.Status`. */
export class ApiError extends Error {
  readonly status: number
  readonly reason: string
  readonly retryAfterMs: number | undefined
  /** Not called `details`: uvu takes that for text of its own and fails on it without a word. */
  readonly statusDetails: StatusDetails | undefined

  constructor({ attempt, status, reason, message, retryAfterMs, details, cause }: ApiErrorFields) {
    super(`${attempt}: ${status ? `${status} ` : ''}${reason}: ${message}`, cause === undefined ? {} : { cause })
    this.name = 'ApiError'
    this.status = status
    this.reason = reason
    this.retryAfterMs = retryAfterMs
    this.statusDetails = details
  }
}

type Answer = { attempt: string; status: number; headers?: IncomingHttpHeaders; body: string }

/** Error of an HTTP answer. Proxies and load balancers answer in HTML: then the start of the text is the message. */
export const errorFromAnswer = ({ attempt, status, headers = {}, body }: Answer): ApiError =>
  errorFromStatus(attempt, parseStatus(body, status), headers['retry-after'])

/** Error of a `metav1.Status` object, also as the object of a watch event of type ERROR. */
export const errorFromStatus = (attempt: string, status: Status, retryAfter?: string): ApiError => {
  const code = status.code ?? 500
  const retryAfterSeconds = Number(retryAfter ?? status.details?.retryAfterSeconds ?? Number.NaN)
  return new ApiError({
    attempt,
    status: code,
    reason: status.reason || reasons[code] || 'Unknown',
    message: `${status.message || 'no message'}${hints[code] ?? ''}`,
    retryAfterMs: Number.isFinite(retryAfterSeconds) ? retryAfterSeconds * 1000 : undefined,
    details: status.details,
  })
}

/** Error of a request that got no answer. */
export const errorFromConnection = (attempt: string, server: string, cause: unknown): ApiError => {
  const timedOut = cause instanceof Error && cause.name === 'TimeoutError'
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  return new ApiError({
    attempt,
    status: 0,
    reason: timedOut ? 'Timeout' : 'Unreachable',
    message: timedOut
      ? `${server} did not answer in time; check the network and the load of the API server`
      : `${server} could not be reached (${code ?? (cause instanceof Error ? cause.message : cause)}); check address, network policy and certificates`,
    cause,
  })
}

const reasons: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}

const hints: Record<number, string> = {
  401: ' (the token or client certificate is missing, expired or revoked)',
  403: ' (grant the verb to this account by RBAC, or check admission policies)',
}

const parseStatus = (body: string, code: number): Status => {
  try {
    const status = JSON.parse(body) as Status
    if (status?.kind === 'Status') return { ...status, code: status.code ?? code }
  } catch {
    // Not JSON: reported as text below.
  }
  return { code, message: body.slice(0, 200).trim() }
}

const hasStatus = (error: unknown, status: number): error is ApiError =>
  error instanceof ApiError && error.status === status

export const isNotFound = (error: unknown): error is ApiError => hasStatus(error, 404)
export const isGone = (error: unknown): error is ApiError => hasStatus(error, 410)
export const isAlreadyExists = (error: unknown): error is ApiError =>
  hasStatus(error, 409) && error.reason === 'AlreadyExists'
/** A lost optimistic lock, a failed precondition, or another field manager's field. */
export const isConflict = (error: unknown): error is ApiError =>
  hasStatus(error, 409) && error.reason !== 'AlreadyExists'
