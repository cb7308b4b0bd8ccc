// libcni's result cache: a file for each interface that a CNI plugin made, named `<network>-<container>-<interface>`. The format is
// `cachedInfo` in libcni/api.go. Anybody who may write there is root, but a file may be half-written, old, or of another version.
import { type Failure, failure, isFailure } from '../wire/failure.ts'
import { type Mac, parseMac } from '../wire/mac.ts'

/** A pod's interface on one of our bridges. */
export type Attachment = {
  readonly namespace: string
  readonly pod: string
  readonly podUID: string
  /** Linux bridge that the configuration names. */
  readonly bridge: string
  /** The end on the node. */
  readonly hostInterface: string
  /** Address of the pod's end. */
  readonly mac: Mac
}

type Json = Record<string, unknown>

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

const parseJson = (source: string): Json | undefined => {
  try {
    const value: unknown = JSON.parse(source)
    return isJson(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Text of base64 (Go writes `[]byte` so); empty when it is none. */
export type DecodeBase64 = (base64: string) => string

/** The bridge of a configuration, or of the `bridge` plugin in a list of plugins. */
const bridgeOf = (config: Json | undefined): string => {
  const plugins = [config, ...list(config?.plugins)].filter(isJson)
  return text(plugins.find((plugin) => plugin.type === 'bridge' && text(plugin.bridge) !== '')?.bridge)
}

const argumentsOf = (cached: Json): Map<string, string> =>
  new Map(
    list(cached.cniArgs)
      .filter(Array.isArray)
      .map(([name, value]) => [text(name), text(value)]),
  )

/**
 * Reads one file. Undefined: it is not about a bridge that `isOurs` knows. A failure says what is missing in one that is.
 */
export const parseAttachment = (
  source: string,
  isOurs: (bridge: string) => boolean,
  decode: DecodeBase64,
): Attachment | Failure | undefined => {
  const cached = parseJson(source)
  if (cached?.kind !== 'cniCacheV1') return undefined
  const bridge = bridgeOf(parseJson(decode(text(cached.config))))
  if (!isOurs(bridge)) return undefined
  const args = argumentsOf(cached)
  const interfaces = list(isJson(cached.result) ? cached.result.interfaces : undefined).filter(isJson)
  const host = interfaces.filter((it) => text(it.sandbox) === '' && text(it.name) !== bridge)
  const inside = interfaces.find((it) => text(it.sandbox) !== '' && it.name === cached.ifName)
  const mac = parseMac(text(inside?.mac))
  const attachment = {
    namespace: args.get('K8S_POD_NAMESPACE') ?? '',
    pod: args.get('K8S_POD_NAME') ?? '',
    podUID: args.get('K8S_POD_UID') ?? '',
    bridge,
    hostInterface: host.length === 1 ? text(host[0]?.name) : '',
  }
  const missing = Object.entries(attachment).find(([, value]) => value === '')
  if (missing) return failure(`the cached CNI result of ${text(cached.containerId)} for ${bridge} has no ${missing[0]}`)
  if (isFailure(mac)) return failure(`the cached CNI result of ${attachment.hostInterface}: ${mac.failure}`)
  return { ...attachment, mac }
}
