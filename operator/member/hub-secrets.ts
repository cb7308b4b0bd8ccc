// The two Secrets with the way to the hub: the user's, which may lie sealed in a repository and be put back from there at any time, and ours, with
// the token that was renewed since.
import { parse, stringify } from 'yaml'
import { loadRemoteKubeConfig } from '#runtime/kube-config.ts'
import type { Secret } from '#runtime/resources.ts'

/** Name of the Secret that `kubectl vnet join` wrote, in the member's system namespace. It is only read. */
export const HUB_SECRET = 'vnet-hub'
/** Name of the Secret beside it that the member keeps. */
export const HUB_TOKEN_SECRET = 'vnet-hub-token'

/** When a token was made and when it ends, in milliseconds since 1970; the hub's API server decides the latter. */
export type TokenLife = { issuedMs: number; expiresMs: number }
/** Undefined life: the Secret does not say it, or not so that one can understand it. */
type Token = { server: string; token: string; life: TokenLife | undefined }
/** A way to the hub. `isRenewed`: its token is of our own Secret. */
export type HubWay = Token & { kubeconfig: string; isRenewed: boolean }

const decode = (data: string | undefined): string => Buffer.from(data ?? '', 'base64').toString('utf8')

const lifeOf = ({ data }: Secret): TokenLife | undefined => {
  const issuedMs = Date.parse(decode(data?.issuedTimestamp))
  const expiresMs = Date.parse(decode(data?.expirationTimestamp))
  return expiresMs > issuedMs ? { issuedMs, expiresMs } : undefined
}

/** A token of which nobody knows when it was made counts as older than all others. */
const isOlder = (life: TokenLife | undefined, other: TokenLife | undefined): boolean =>
  (life?.issuedMs ?? Number.NEGATIVE_INFINITY) < (other?.issuedMs ?? Number.NEGATIVE_INFINITY)

/** Whether a way leads to the same server with an older token. */
export const isSuperseded = (way: Token, by: Token): boolean => way.server === by.server && isOlder(way.life, by.life)

/**
 * The way that the user's Secret tells.
 * @throws Error when it names another cluster or holds a kubeconfig that we refuse; the text says what to do.
 */
export const joinedWay = (secret: Secret, cluster: string): HubWay => {
  const named = decode(secret.data?.cluster)
  if (named !== cluster)
    throw new Error(
      `reading the access to the hub: Secret ${secret.metadata?.namespace}/${HUB_SECRET} is for cluster "${named}", but this cluster is installed as "${cluster}": set cluster.name, or join again as ${cluster}`,
    )
  const kubeconfig = decode(secret.data?.kubeconfig)
  const config = loadRemoteKubeConfig(kubeconfig)
  const server = config.getCurrentCluster()?.server ?? ''
  return { kubeconfig, server, token: config.getCurrentUser()?.token ?? '', life: lifeOf(secret), isRenewed: false }
}

/** The way with another token for its only user. */
export const withToken = (way: HubWay, token: string, life: TokenLife | undefined): HubWay => {
  const document = parse(way.kubeconfig) as { users: { user: { token?: string } }[] }
  for (const { user } of document.users) user.token = token
  return { ...way, kubeconfig: stringify(document), token, life, isRenewed: true }
}

/** The user's way, with our own Secret's token where that is newer and for the same server. */
export const newestWay = (joined: HubWay, kept: Secret | undefined): HubWay => {
  const { server, token } = kept?.data ?? {}
  if (!kept || !token) return joined
  const own: Token = { server: decode(server), token: decode(token), life: lifeOf(kept) }
  return isSuperseded(joined, own) ? withToken(joined, own.token, own.life) : joined
}

/** What our own Secret holds of a way. */
export const secretData = ({ server, token, life }: HubWay): Record<string, string> => {
  const times = {
    issuedTimestamp: new Date(life?.issuedMs ?? 0).toISOString(),
    expirationTimestamp: new Date(life?.expiresMs ?? 0).toISOString(),
  }
  const entries = Object.entries({ server, token, ...times })
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
}
