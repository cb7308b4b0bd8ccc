// The member's way to the hub: the Secret that `kubectl vnet join` wrote, and its renewal.

import { parse, stringify } from 'yaml'
import { mailboxNamespace } from '#crds/names.ts'
import { Controller, interval } from '#runtime/controller.ts'
import { Informer } from '#runtime/informer.ts'
import type { KubeClient } from '#runtime/kube-client.ts'
import type { KubeConfig } from '#runtime/kube-config.ts'
import { loadRemoteKubeConfig } from '#runtime/kube-config.ts'
import { type Secret, Secrets } from '#runtime/resources.ts'
import type { MemberDeps } from './deps.ts'

/** Name of the Secret in the member's system namespace, with the keys `cluster` and `kubeconfig`. */
export const HUB_SECRET = 'vnet-hub'
/** ServiceAccount of the mailbox that the member acts as. */
export const MEMBER_ACCOUNT = 'member'
const RENEW_INTERVAL_MS = 10 * 60_000
const TOKEN_SECONDS = 24 * 3600

export type HubAccess = { cluster: string; config: KubeConfig }

const decode = (data: string | undefined): string => Buffer.from(data ?? '', 'base64').toString('utf8')

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
  return { cluster, config: loadRemoteKubeConfig(decode(secret.data?.kubeconfig)) }
}

/** A kubeconfig text with another token for its only user. */
export const withToken = (kubeconfig: string, token: string): string => {
  const document = parse(kubeconfig) as { users: { user: { token?: string } }[] }
  for (const { user } of document.users) user.token = token
  return stringify(document)
}

/**
 * Follows the Secret in every replica: a standby must know the token that the leader renewed, and a cluster that joins again dials where
 * the new Secret says. `config` is the one that the hub's client reads at each request.
 */
export const hubSecretInformer = (deps: MemberDeps, config: KubeConfig): Informer<Secret> => {
  const { local, cluster, namespace, gate, logger, metrics, clock } = deps
  const fieldSelector = `metadata.name=${HUB_SECRET}`
  const informer = new Informer({ client: local, resource: Secrets, namespace, fieldSelector, logger, metrics, clock })
  informer.onChange((key) => {
    const data = informer.lister.get(key)?.data
    if (!data || decode(data.cluster) !== cluster) return
    try {
      const text = decode(data.kubeconfig)
      // Parsed and checked before it replaces what works.
      loadRemoteKubeConfig(text)
      const { server, token } = { ...config.getCurrentCluster(), ...config.getCurrentUser() }
      config.loadFromString(text)
      const isSame = config.getCurrentCluster()?.server === server && config.getCurrentUser()?.token === token
      if (!isSame) gate.reset()
    } catch (error) {
      logger.error({ err: error }, `Secret ${namespace}/${HUB_SECRET} cannot be used; the earlier access stays`)
    }
  })
  return informer
}

/**
 * Renews the token long before it expires, here and in the Secret. `config` is the one that the hub's client reads at each request.
 * A membership that was revoked shows as an error of this controller; the overlay keeps forwarding.
 */
export const hubAccessController = (deps: MemberDeps, config: KubeConfig): Controller => {
  const { local, hub, cluster, namespace, gate, logger, metrics, clock } = deps
  return new Controller({
    name: 'member.hub-access',
    logger,
    metrics,
    clock,
    sources: [gate.source(), interval(RENEW_INTERVAL_MS, HUB_SECRET)],
    reconcile: gate.guard(async (name, { signal }) => {
      const account = { namespace: mailboxNamespace(cluster), name: MEMBER_ACCOUNT }
      const { token } = await hub.createToken(account, { expirationSeconds: TOKEN_SECONDS, signal })
      const secret = await local.get(Secrets, { namespace, name }, { signal })
      const text = withToken(decode(secret.data?.kubeconfig), token)
      config.loadFromString(text)
      await local.patch(
        Secrets,
        { namespace, name },
        { data: { kubeconfig: Buffer.from(text).toString('base64') } },
        { signal },
      )
      logger.info({ cluster }, 'renewed the token for the hub')
    }),
  })
}
