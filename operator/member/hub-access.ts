// The member's way to the hub: the Secret that `kubectl vnet join` wrote, and its renewal.

import { parse, stringify } from 'yaml'
import { mailboxNamespace } from '#crds/names.ts'
import { type Controller, interval } from '#runtime/controller.ts'
import { Informer } from '#runtime/informer.ts'
import type { KubeClient } from '#runtime/kube-client.ts'
import type { KubeConfig } from '#runtime/kube-config.ts'
import { loadRemoteKubeConfig } from '#runtime/kube-config.ts'
import { type Secret, Secrets } from '#runtime/resources.ts'
import type { MemberDeps } from './deps.ts'
import { hubController } from './hub-controller.ts'

/** Name of the Secret in the member's system namespace, with the keys `cluster` and `kubeconfig`. */
export const HUB_SECRET = 'vnet-hub'
/** ServiceAccount of the mailbox that the member acts as. */
export const MEMBER_ACCOUNT = 'member'
/** Asked of the hub, which may give less. */
export const TOKEN_SECONDS = 30 * 24 * 3600
/** Of the token's life: then two thirds are left for a hub that is away. */
const RENEW_AT = 1 / 3
const LOOK_INTERVAL_MS = 60_000

/** The way to the hub, as the Secret last told it. `config` is what the hub's client reads at each request. */
export type HubAccess = { cluster: string; config: KubeConfig; life: TokenLife | undefined }
/** When a token was made and when it ends, in milliseconds since 1970; the hub's API server decides the latter. */
export type TokenLife = { issuedMs: number; expiresMs: number }

const decode = (data: string | undefined): string => Buffer.from(data ?? '', 'base64').toString('utf8')

/** Undefined where the Secret does not say it, or not so that one can understand it. */
const lifeOf = ({ data }: Secret): TokenLife | undefined => {
  const issuedMs = Date.parse(decode(data?.issuedTimestamp))
  const expiresMs = Date.parse(decode(data?.expirationTimestamp))
  return expiresMs > issuedMs ? { issuedMs, expiresMs } : undefined
}

const isDue = (life: TokenLife | undefined, nowMs: number): boolean =>
  life === undefined || nowMs >= life.issuedMs + (life.expiresMs - life.issuedMs) * RENEW_AT

/**
 * Reads the Secret.
 * @throws Error when it is absent, names another cluster, or holds a kubeconfig that we refuse; the text says what to do.
 */
export const readHubAccess = async (
  local: KubeClient,
  namespace: string,
  cluster: string,
  signal?: AbortSignal,
): Promise<HubAccess> => {
  const secret = await local.find(Secrets, { namespace, name: HUB_SECRET }, { signal })
  if (!secret)
    throw new Error(
      `reading the access to the hub: there is no Secret ${namespace}/${HUB_SECRET}: run "kubectl vnet join ${cluster}" against the hub and apply what it prints here`,
    )
  const named = decode(secret.data?.cluster)
  if (named !== cluster)
    throw new Error(
      `reading the access to the hub: Secret ${namespace}/${HUB_SECRET} is for cluster "${named}", but this cluster is installed as "${cluster}": set cluster.name, or join again as ${cluster}`,
    )
  return { cluster, config: loadRemoteKubeConfig(decode(secret.data?.kubeconfig)), life: lifeOf(secret) }
}

/** A kubeconfig text with another token for its only user. */
export const withToken = (kubeconfig: string, token: string): string => {
  const document = parse(kubeconfig) as { users: { user: { token?: string } }[] }
  for (const { user } of document.users) user.token = token
  return stringify(document)
}

/**
 * Follows the Secret in every replica: a standby must know the token that the leader renewed, and a cluster that joins again dials where
 * the new Secret says.
 */
export const hubSecretInformer = (deps: MemberDeps, access: HubAccess): Informer<Secret> => {
  const { config } = access
  const { local, cluster, namespace, gate, logger, metrics, clock } = deps
  const fieldSelector = `metadata.name=${HUB_SECRET}`
  const informer = new Informer({ client: local, resource: Secrets, namespace, fieldSelector, logger, metrics, clock })
  informer.onChange((key) => {
    const secret = informer.lister.get(key)
    if (!secret?.data || decode(secret.data.cluster) !== cluster) return
    try {
      const text = decode(secret.data.kubeconfig)
      // Parsed and checked before it replaces what works.
      loadRemoteKubeConfig(text)
      const { server, token } = { ...config.getCurrentCluster(), ...config.getCurrentUser() }
      config.loadFromString(text)
      access.life = lifeOf(secret)
      const isSame = config.getCurrentCluster()?.server === server && config.getCurrentUser()?.token === token
      if (!isSame) gate.reset()
    } catch (error) {
      logger.error({ err: error }, `Secret ${namespace}/${HUB_SECRET} cannot be used; the earlier access stays`)
    }
  })
  return informer
}

/**
 * Renews the token when a third of its life is over, here and in the Secret, and tries again until it succeeds. A membership that was revoked
 * shows as an error of this controller and in the gate; the overlay keeps forwarding.
 */
export const hubAccessController = (deps: MemberDeps, access: HubAccess): Controller => {
  const { local, hub, cluster, namespace, logger, clock } = deps
  return hubController(deps, {
    name: 'member.hub-access',
    sources: [interval(LOOK_INTERVAL_MS, HUB_SECRET)],
    reconcile: async (name, { signal }) => {
      const secret = await local.get(Secrets, { namespace, name }, { signal })
      if (!isDue(lifeOf(secret), clock.now())) return
      // As strictly as at the start: whoever may write the Secret must not make us run programs or send our files.
      const before = decode(secret.data?.kubeconfig)
      loadRemoteKubeConfig(before)
      const account = { namespace: mailboxNamespace(cluster), name: MEMBER_ACCOUNT }
      const issued = new Date(clock.now()).toISOString()
      const { token, expirationTimestamp } = await hub.createToken(account, {
        expirationSeconds: TOKEN_SECONDS,
        signal,
      })
      const text = withToken(before, token)
      loadRemoteKubeConfig(text)
      const data = { kubeconfig: text, issuedTimestamp: issued, expirationTimestamp }
      const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
      const { resourceVersion } = secret.metadata ?? {}
      // Whoever joined again meanwhile wrote another token, perhaps for another hub.
      const patch = { metadata: { resourceVersion }, data: Object.fromEntries(encoded) }
      const written = await local.patch(Secrets, { namespace, name }, patch, { signal })
      access.config.loadFromString(text)
      access.life = lifeOf(written)
      logger.info({ cluster, until: expirationTimestamp }, 'renewed the token for the hub')
    },
  })
}
