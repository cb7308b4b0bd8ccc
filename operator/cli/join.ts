// `kubectl vnet join CLUSTER`: lets a cluster in, and prints what it needs to dial the hub.
import { stringify } from 'yaml'
import { SYSTEM_NAMESPACE } from '#crds/group.ts'
import { mailboxNamespace } from '#crds/names.ts'
import type { KubeClient } from '#runtime/kube-client.ts'
import { MemberClusters } from '#runtime/overlay-resources.ts'
import { ServiceAccounts } from '#runtime/resources.ts'

export type JoinOptions = {
  client: KubeClient
  cluster: string
  /** Address of the hub's API server as the member reaches it, and its certificate authority (base64 of PEM). */
  server: string
  certificateAuthority: string | undefined
  tokenSeconds: number
  namespace?: string
  waitUntil: (what: string, condition: () => Promise<boolean>) => Promise<void>
}

/** Name of the member's account in its mailbox. */
const ACCOUNT = 'member'

/**
 * Makes the MemberCluster, waits until the hub has made the mailbox, and returns one Secret manifest for the member. The token lives `tokenSeconds`,
 * or less if the server says so; the member renews it by itself. Deleting the MemberCluster revokes it.
 */
export const join = async ({
  client,
  cluster,
  server,
  certificateAuthority,
  tokenSeconds,
  namespace = SYSTEM_NAMESPACE,
  waitUntil,
}: JoinOptions): Promise<string> => {
  if (!certificateAuthority)
    throw new Error(
      'joining: the kubeconfig of the hub has no certificate-authority-data, so the member could not check whom it dials: use a kubeconfig that has it',
    )
  await client.apply(MemberClusters, { metadata: { name: cluster }, spec: {} } as never, { force: false })
  const account = { namespace: mailboxNamespace(cluster), name: ACCOUNT }
  await waitUntil(
    `the hub to open the mailbox ${account.namespace}`,
    async () => (await client.find(ServiceAccounts, account)) !== undefined,
  )
  const issuedTimestamp = new Date().toISOString()
  const { token, expirationTimestamp } = await client.createToken(account, { expirationSeconds: tokenSeconds })
  const kubeconfig = stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'hub',
    clusters: [{ name: 'hub', cluster: { server, 'certificate-authority-data': certificateAuthority } }],
    users: [{ name: ACCOUNT, user: { token } }],
    contexts: [{ name: 'hub', context: { cluster: 'hub', user: ACCOUNT } }],
  })
  return stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'vnet-hub', namespace },
    type: 'Opaque',
    stringData: { cluster, kubeconfig, issuedTimestamp, expirationTimestamp },
  })
}
