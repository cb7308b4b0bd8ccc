// The topology of a network in force as immutable ControllerRevisions, owned by the network.
import { LABELS, MANAGED_BY } from '#crds/group.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import type { NetworkInput, NetworkTopology } from '#operator/compile/input.ts'
import type { NameSet } from '#operator/compile/name-set.ts'
import type { Topology } from '#operator/compile/topology.ts'
import { isAlreadyExists } from '#runtime/api-error.ts'
import { sha256 } from '#runtime/digest.ts'
import type { KubeClient } from '#runtime/kube-client.ts'
import { type ControllerRevision, ControllerRevisions } from '#runtime/resources.ts'
import { inSlices } from './in-slices.ts'
import type { HubInformers } from './informers.ts'

const KEPT_REVISIONS = 10
/** Revisions that the view may not show yet. */
const MOST_UNSEEN = 20
const DIGEST_ANNOTATION = 'internal.vnet.dev/digest'

/** What a revision says: what was asked for, and what became of it. */
export type RevisionData = {
  clusters: string[]
  topology: NetworkTopology
  /** Bridges and links are left out for a mesh without extra links: all bridges of its clusters, and all pairs. */
  bridges?: { name: string; access: boolean }[]
  /** Pairs of bridges. */
  links?: [string, string][]
  tree?: [string, string][]
}

type Content = { data: RevisionData; digest: string }

export type Revision = { number: number; name: string; previous: string | undefined }

const pairs = (map: ReadonlyMap<string, NameSet>): [string, string][] =>
  [...map]
    .flatMap(([a, others]) => [...others].filter((b) => a < b).map((b): [string, string] => [a, b]))
    .sort(([a, b], [c, d]) => (a === c ? (b < d ? -1 : 1) : a < c ? -1 : 1))

export const revisionData = (topology: Topology, { clusters, topology: wished }: NetworkInput): RevisionData => {
  const isPlainMesh = wished.type === 'Mesh' && topology.tree === undefined
  return {
    clusters,
    topology: wished,
    ...(isPlainMesh
      ? {}
      : {
          bridges: topology.members.map((name) => ({ name, access: topology.access.has(name) })),
          links: pairs(topology.neighbours),
        }),
    ...(topology.tree ? { tree: pairs(topology.tree) } : {}),
  }
}

type Form = Pick<Topology, 'neighbours'>
const digests = new WeakMap<Topology['routes'], { of: Form['neighbours']; digest: string }>()

/** Digest of what networks over the same bridges have in common: worked out once for all of them, in steps. */
function* formDigest({ routes, neighbours, members }: Topology): Generator<void, string> {
  const known = digests.get(routes)
  if (known?.of === neighbours) return known.digest
  const ingresses: string[] = []
  for (const ingress of [...routes.keys()].sort()) {
    const paths = [...(routes.get(ingress)?.values() ?? [])].map((path) => path.join('>'))
    ingresses.push(sha256(paths.sort().join()))
    yield
  }
  const digest = sha256(JSON.stringify([members, ingresses]))
  digests.set(routes, { of: neighbours, digest })
  return digest
}

/** All that a bridge's entry depends on: a change of paths alone is a new revision too. */
const digestOf = async (data: RevisionData, topology: Topology, signal: AbortSignal): Promise<string> => {
  const form = await inSlices(formDigest(topology), signal)
  return sha256(JSON.stringify([data, form, topology.vni, topology.mtuBytes])).slice(0, 32)
}

const annotationOf = (revision: ControllerRevision): string | undefined =>
  (revision.metadata?.annotations as Record<string, string> | undefined)?.[DIGEST_ANNOTATION]

/** Revisions of a network, the newest first. */
export const revisionsOf = (
  network: VirtualNetwork,
  { revisions }: Pick<HubInformers, 'revisions'>,
): ControllerRevision[] =>
  revisions.lister.byIndex('owner', network.metadata.uid ?? '').sort((left, right) => right.revision - left.revision)

const nameOf = (network: VirtualNetwork, number: number): string =>
  `${network.metadata.name}-${sha256(network.metadata.uid ?? '').slice(0, 5)}-${number}`

/** Finds or makes the revision of a topology. `memory` spans the time until our own writes come back to the lister. */
export class RevisionKeeper {
  readonly #client: KubeClient
  readonly #informers: Pick<HubInformers, 'revisions'>
  readonly #memory = new Map<string, { topology: Topology; digest: string; revision: Revision }>()

  constructor(client: KubeClient, informers: Pick<HubInformers, 'revisions'>) {
    this.#client = client
    this.#informers = informers
  }

  async keep(network: VirtualNetwork, topology: Topology, input: NetworkInput, signal: AbortSignal): Promise<Revision> {
    const uid = network.metadata.uid ?? ''
    const remembered = this.#memory.get(uid)
    if (remembered?.topology === topology) return remembered.revision
    const data = revisionData(topology, input)
    const digest = await digestOf(data, topology, signal)
    if (remembered?.digest === digest) {
      this.#memory.set(uid, { ...remembered, topology })
      return remembered.revision
    }
    const [newest, before] = revisionsOf(network, this.#informers)
    const last = Math.max(newest?.revision ?? 0, remembered?.revision.number ?? 0)
    const isKnown = newest !== undefined && newest.revision === last && annotationOf(newest) === digest
    const revision: Revision = isKnown
      ? { number: last, name: newest.metadata?.name ?? '', previous: before?.metadata?.name }
      : await this.#createAfter(last, network, { data, digest }, signal)
    this.#memory.set(uid, { topology, digest, revision })
    await this.#prune(network, signal)
    return revision
  }

  /** The next revision. One that is there already was made by a leader before us, of which the view has not told yet; it may say something else. */
  async #createAfter(last: number, network: VirtualNetwork, content: Content, signal: AbortSignal): Promise<Revision> {
    for (let number = last + 1; number <= last + MOST_UNSEEN; number++) {
      const name = nameOf(network, number)
      if (await this.#create(network, { number, name }, content, signal))
        return { number, name, previous: number > 1 ? nameOf(network, number - 1) : undefined }
    }
    throw new Error(
      `writing a revision of ${network.metadata.namespace}/${network.metadata.name}: the numbers from ${last + 1} to ${last + MOST_UNSEEN} are taken by others; delete those ControllerRevisions`,
    )
  }

  /** Whether the revision has this content now. */
  async #create(
    network: VirtualNetwork,
    { number, name }: Omit<Revision, 'previous'>,
    { data, digest }: Content,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { namespace, name: owner, uid = '' } = network.metadata
    const ownerReferences = [
      { apiVersion: 'vnet.dev/v1alpha1', kind: 'VirtualNetwork', name: owner, uid, controller: true },
    ]
    const labels = { [LABELS.managedBy]: MANAGED_BY }
    const metadata = { namespace, name, labels, annotations: { [DIGEST_ANNOTATION]: digest }, ownerReferences }
    try {
      await this.#client.create(ControllerRevisions, { metadata, data, revision: number } as never, { signal })
      return true
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
      return annotationOf(await this.#client.get(ControllerRevisions, { namespace, name }, { signal })) === digest
    }
  }

  async #prune(network: VirtualNetwork, signal: AbortSignal): Promise<void> {
    for (const { metadata } of revisionsOf(network, this.#informers).slice(KEPT_REVISIONS))
      await this.#client.delete(
        ControllerRevisions,
        { namespace: metadata?.namespace, name: metadata?.name ?? '' },
        { signal },
      )
  }
}

/** What was last in force, for a network whose present spec is not accepted. */
export const lastAccepted = (
  network: VirtualNetwork,
  informers: Pick<HubInformers, 'revisions'>,
): Pick<RevisionData, 'clusters' | 'topology'> | undefined => {
  const data = revisionsOf(network, informers)[0]?.data as Partial<RevisionData> | undefined
  return Array.isArray(data?.clusters) && data.topology
    ? { clusters: [...data.clusters], topology: data.topology }
    : undefined
}
