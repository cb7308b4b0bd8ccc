import type { ObjectiveName, PresentState, Reservation } from './types.ts'

/** Names of the constraints that a plan can break; `check.ts` says what each means. */
export const constraints = [
  'Complete',
  'Compliant',
  'Affinity',
  'AntiAffinity',
  'Movable',
  'Compute',
  'Latency',
  'Capacity',
  'Bottleneck',
  'Routable',
  'Path',
  'Baseline',
  'PinnedLink',
  'LinkState',
  'LinkBudget',
  'MoveBudget',
  'ChangeBudget',
  'Reservable',
  'Interference',
  'Actuator',
  'Order',
  'Inconsistent',
  'Prediction',
] as const
export type Constraint = (typeof constraints)[number]

/** One broken constraint: what, by how much, and (if the planner found it) what would make it hold. */
export type Violation = {
  constraint: Constraint
  /** The VM, demand, link, bottleneck, bridge or network it is about. */
  subject: string
  /** Excess over the limit, in `unit`. */
  amount: number
  unit: string
  remedy?: string
}

/** Why a reservation is given up: the demand ended, needs none any more, or another; or nothing is left to reserve. */
export type ReleaseCause = 'DemandGone' | 'NotDeclared' | 'RateChanged' | 'PathChanged' | 'NoRoom'

/** Why an action is in the plan, as data. */
export type Reason = {
  /** The demands that the action is for, largest first (at most three); of a removal, those that left the link. */
  demands: string[]
  /**
   * The tightest resource on the way these demands took before, and its utilisation then. Of a reservation: the link on
   * its path with the largest share reserved, and that share.
   */
  bottleneck?: { name: string; utilizationPercent: number }
  /**
   * What the whole plan would lose without this action, in units of the score (0.01 = 1 % of a reference value). In
   * large plans only the actions for the largest demands are tried out; the others have no number here and below.
   */
  worth?: number
  /** The best choice that was not taken, and how much lower the score would be with it, or what it would break. */
  alternative?: { choice: string; worseBy?: number; breaks?: Constraint }
  /** Of a release. */
  cause?: ReleaseCause
  /** The action repairs a broken constraint. */
  repairs?: Constraint
  /** Another move must complete first, or the target is briefly overcommitted. */
  overcommits?: boolean
}

export type Action =
  | { type: 'AddLink'; network: string; link: string; reason: Reason }
  | {
      type: 'SetRoute'
      network: string
      from: string
      to: string
      links: string[]
      replaces?: string[]
      reason: Reason
    }
  | { type: 'PlaceVm'; vm: string; to: string; reason: Reason }
  | { type: 'MoveVm'; vm: string; from: string; to: string; migrationSeconds: number; reason: Reason }
  | { type: 'Reserve'; reservation: Reservation; reason: Reason }
  | { type: 'Release'; demand: string; reason: Reason }
  | { type: 'ClearRoute'; network: string; from: string; to: string; reason: Reason }
  | { type: 'RemoveLink'; network: string; link: string; reason: Reason }

export type NetworkPrediction = {
  network: string
  objective: ObjectiveName
  unit: string
  /** Undefined where the present has no value: VMs not placed yet, or demands without a path. */
  before?: number
  after?: number
  /** Positive is better; undefined if there is nothing to compare with. */
  gainPercent?: number
}

export type DemandMetrics = {
  path: string[]
  /** Bandwidth of the path before any load (PathBW). */
  pathBps: number
  /** What is left of it under the planned load. */
  residualBps: number
  /** PathLatency. */
  latencyMicroseconds: number
}
export type DemandPrediction = { demand: string; before?: DemandMetrics; after?: DemandMetrics }

export type ChangeCost = {
  moves: number
  migrationSeconds: number
  linkChanges: number
  routeChanges: number
  /** All of it, in units of the score. */
  score: number
}

export type Plan = {
  strategy: string
  /** `Infeasible`: the plan that breaks the constraints least; `violations` names them. */
  status: 'Feasible' | 'Infeasible'
  actions: Action[]
  /** The state after all actions: the next `present` if it is adopted. */
  result: PresentState
  networks: NetworkPrediction[]
  demands: DemandPrediction[]
  cost: ChangeCost
  /** Sum over the networks of weight × objective ÷ reference; higher is better (objectives.ts). */
  score: { before: number; after: number; net: number }
  /** What is broken in the result. */
  violations: Violation[]
  /** Declared demands whose reservation did not fit. */
  unreserved: { demand: string; link: string; missingBps: number }[]
  search: { evaluations: number; stoppedBy: 'Converged' | 'Deadline' | 'Evaluations' }
}
