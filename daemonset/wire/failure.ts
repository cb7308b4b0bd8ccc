/** Bad input as a value: what was read, and what is expected instead. */
export type Failure = { readonly failure: string }

/** Builds the value that a parser returns for input it cannot accept. */
export const failure = (text: string): Failure => ({ failure: text })

/** True for a parser's failure; narrows the other case to the parsed value. */
export const isFailure = (value: unknown): value is Failure =>
  typeof value === 'object' && value !== null && 'failure' in value
