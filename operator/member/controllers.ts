// The one list of what the role `member` runs.

import type { Controller } from '#runtime/controller.ts'
import type { MemberDeps } from './deps.ts'
import { endpointsController } from './endpoints.ts'
import { heartbeatController } from './heartbeat.ts'
import { type HubAccess, hubAccessController } from './hub-access.ts'
import type { MemberInformers } from './informers.ts'
import { sliceMirrors } from './mirror.ts'
import { networksController } from './networks.ts'
import { nodeBridgesController } from './node-bridges.ts'

/** `access` is given where the hub is another cluster: then its token must be renewed. */
export type MemberSetup = { informers: MemberInformers; version: string; access?: HubAccess | undefined }

export const memberControllers = (deps: MemberDeps, { informers, version, access }: MemberSetup): Controller[] => [
  endpointsController(deps, informers),
  ...sliceMirrors(deps, informers),
  nodeBridgesController(deps, informers),
  networksController(deps, informers),
  heartbeatController(deps, version),
  ...(access ? [hubAccessController(deps, access)] : []),
]
