// The one list of what the role `hub` runs.
import type { Controller } from '#runtime/controller.ts'
import { defaultObjectsController } from './default-objects.ts'
import type { HubDeps } from './deps.ts'
import { endpointsController } from './endpoints.ts'
import type { HubInformers } from './informers.ts'
import { linkController } from './link.ts'
import { memberClusterController } from './member-cluster.ts'
import { networkController } from './network.ts'
import { nodeBridgeController } from './node-bridge.ts'
import { createBoards } from './overlay-report.ts'

/** `epoch`: number of the term; the controllers are made anew for each, and remember nothing of another. */
export type HubSetup = { informers: HubInformers; epoch: number }

export const hubControllers = (deps: HubDeps, { informers, epoch }: HubSetup): Controller[] => {
  const boards = createBoards()
  return [
    defaultObjectsController(deps, informers),
    memberClusterController(deps, informers),
    networkController(deps, informers, boards),
    nodeBridgeController(deps, informers, { boards, epoch }),
    linkController(deps, informers, boards),
    endpointsController(deps, informers, boards),
  ]
}
