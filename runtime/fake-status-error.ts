/** An answer of the fake API server that is no success; sent as a `metav1.Status`. */
export class FakeStatusError extends Error {
  readonly code: number
  readonly reason: string
  readonly retryAfterSeconds: number | undefined

  constructor(code: number, reason: string, message: string, retryAfterSeconds?: number) {
    super(message)
    this.code = code
    this.reason = reason
    this.retryAfterSeconds = retryAfterSeconds
  }

  toStatus() {
    const { code, reason, message, retryAfterSeconds } = this
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      code,
      ...(retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } }),
    }
  }
}

/** As the real server's own text for a group that it does not serve, or as a proxy answers: no `metav1.Status`. */
export class FakePlainAnswer extends Error {
  readonly code: number

  constructor(code: number, text: string) {
    super(text)
    this.code = code
  }
}

export const notFound = (subject: string): FakeStatusError =>
  new FakeStatusError(404, 'NotFound', `${subject} not found`)
export const conflict = (message: string): FakeStatusError => new FakeStatusError(409, 'Conflict', message)
export const expired = (message: string): FakeStatusError => new FakeStatusError(410, 'Expired', message)
