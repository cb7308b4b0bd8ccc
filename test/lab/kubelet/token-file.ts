import type { Pod } from '#runtime/resources.ts'
import type { NodeContext } from './node-context.ts'
import { replaceFile } from './replace-file.ts'

export type TokenFileOptions = { path: string; audience: string | undefined; expirationSeconds: number }

const retryMs = 5_000
// The longest delay that a timer takes.
const longestMs = 2 ** 31 - 1

/** A ServiceAccount token bound to a pod, in a file that is renewed after four fifths of the token's life, as kubelet does. */
export class TokenFile {
  readonly #context: NodeContext
  readonly #pod: Pod
  readonly #options: TokenFileOptions
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(context: NodeContext, pod: Pod, options: TokenFileOptions) {
    this.#context = context
    this.#pod = pod
    this.#options = options
  }

  /** Writes the first token; throws when the API server gives none. */
  async start(): Promise<void> {
    const lifeMs = await this.#write()
    this.#renewAfter(lifeMs * 0.8)
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  async #write(): Promise<number> {
    const { metadata, spec } = this.#pod
    const { audience, expirationSeconds, path } = this.#options
    const account = { name: spec?.serviceAccountName ?? 'default', namespace: metadata?.namespace }
    const { token, expirationTimestamp } = await this.#context.client.createToken(account, {
      ...(audience ? { audiences: [audience] } : {}),
      expirationSeconds,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: metadata?.name ?? '', uid: metadata?.uid ?? '' },
    })
    await replaceFile(path, token)
    return Date.parse(expirationTimestamp) - Date.now()
  }

  #renewAfter(delayMs: number): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => void this.#renew(), Math.min(delayMs, longestMs))
  }

  async #renew(): Promise<void> {
    try {
      this.#renewAfter((await this.#write()) * 0.8)
    } catch (error) {
      this.#context.report(`token of ${this.#pod.metadata?.name} not renewed: ${(error as Error).message}`)
      this.#renewAfter(retryMs)
    }
  }
}
