// What a hub has from the start: the class that networks use by default, and its own cluster as a member like any other.
import { DEFAULT_CLASS } from '#crds/group.ts'
import { isAlreadyExists } from '#runtime/api-error.ts'
import { Controller, source } from '#runtime/controller.ts'
import { MemberClusters, NetworkClasses } from '#runtime/overlay-resources.ts'
import type { HubDeps } from './deps.ts'
import type { HubInformers } from './informers.ts'

const unlessPresent = async (creation: Promise<unknown>): Promise<void> => {
  try {
    await creation
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}

/** Made if absent and never changed: they belong to the administrator then. */
export const defaultObjectsController = (deps: HubDeps, { classes, clusters }: HubInformers): Controller => {
  const { client, cluster, logger, metrics, clock } = deps
  const request = 'defaults'
  return new Controller({
    name: 'hub.default-objects',
    logger,
    metrics,
    clock,
    sources: [source(classes, () => [request]), source(clusters, () => [request]), immediately(request)],
    reconcile: async (_, { signal }) => {
      if (!classes.lister.get(DEFAULT_CLASS))
        await unlessPresent(
          client.create(NetworkClasses, { metadata: { name: DEFAULT_CLASS }, spec: {} } as never, { signal }),
        )
      if (!clusters.lister.get(cluster))
        await unlessPresent(
          client.create(MemberClusters, { metadata: { name: cluster }, spec: {} } as never, { signal }),
        )
    },
  })
}

const immediately = (request: string) => ({
  synced: async () => {},
  start: (enqueue: (request: string) => void) => {
    enqueue(request)
    return () => {}
  },
})
