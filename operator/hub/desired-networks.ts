// Topologies with the numbers of their revisions.
import type { Topology } from '#operator/compile/topology.ts'
import type { DesiredNetwork } from '#operator/publish/situation.ts'
import type { KubeClient } from '#runtime/kube-client.ts'
import type { Logger } from '#runtime/logging.ts'
import type { GatheredOverlay } from './gather-overlay.ts'
import type { HubInformers } from './informers.ts'
import { type Revision, RevisionKeeper, revisionsOf } from './revisions.ts'

type Settled = { desired: Map<string, DesiredNetwork>; revisions: Map<string, Revision> }

type Made = Map<string, { topology: Topology; network: DesiredNetwork }>

export class DesiredNetworks {
  readonly #keeper: RevisionKeeper
  readonly #informers: Pick<HubInformers, 'revisions'>
  #made: Made = new Map()

  constructor(client: KubeClient, informers: Pick<HubInformers, 'revisions'>) {
    this.#keeper = new RevisionKeeper(client, informers)
    this.#informers = informers
  }

  /** A network whose revision cannot be written (its namespace may be going) is carried all the same. */
  async settle(
    { input, networks }: GatheredOverlay,
    topologies: ReadonlyMap<string, Topology>,
    { log, signal }: { log: Logger; signal: AbortSignal },
  ): Promise<Settled> {
    const desired = new Map<string, DesiredNetwork>()
    const revisions = new Map<string, Revision>()
    const made: Made = new Map()
    for (const { network } of input.networks) {
      const gathered = networks.get(network)
      const topology = topologies.get(network)
      if (!gathered || !topology) continue
      const { object } = gathered
      const revision = await this.#keeper.keep(object, topology, gathered.input, signal).catch((error) => {
        log.warn({ network, err: error }, 'the revision of a network could not be written')
        const [newest] = revisionsOf(object, this.#informers)
        return { number: newest?.revision ?? 0, name: newest?.metadata?.name ?? '', previous: undefined }
      })
      const known = this.#made.get(network)
      const isSame = known?.topology === topology && known.network.revision === revision.number
      const entry = isSame ? known : { topology, network: { ...topology, revision: revision.number } }
      made.set(network, entry)
      revisions.set(network, revision)
      desired.set(network, entry.network)
    }
    this.#made = made
    return { desired, revisions }
  }
}
