/**
 * What the planner reads: plain data, no classes, nothing of Kubernetes. The symbols in parentheses are those of
 * Sundararaj & Dinda, "Towards Virtual Networks for Virtual Machine Grid Computing", VM'04, sections 5.1 to 5.7.
 * Rates are bit/s, latencies microseconds (one way), compute millicores, memory bytes, times milliseconds; all rates
 * are meant as integers, so that sums of them are exact.
 */

/** A node that can host VMs and forward frames (vd, "VMD"). Named `cluster/node`. */
export type Bridge = {
  name: string
  cluster: string
  zone?: string
  rack?: string
  /** Millicores that VMs of the overlay may use (mcomp). */
  computeCapacity: number
  /** Millicores of that used by VMs which are not in the input. */
  computeUsed?: number
  /** Rate at which VMs on this bridge reach each other; default 40 Gbit/s. */
  localBps?: number
  /** Latency between VMs on this bridge; default 30 µs. */
  localLatencyMicroseconds?: number
  /** Whether frames of others may pass through it; default true. */
  transit?: boolean
}

/** One direction of a link as it was measured or declared (mbw, mlat). */
export type LinkDirection = {
  capacityBps: number
  /** What the overlay's own traffic may use of the capacity (capacity minus foreign traffic); default: all. */
  availableBps?: number
  latencyMicroseconds: number
  lossPpm?: number
  /** 0 … 1, how far `availableBps` is to be believed; default 1. */
  confidence?: number
  /** How much of the capacity can be reserved; default none. */
  reservableBps?: number
}

/**
 * `Pinned`: a network that uses it keeps it. `Draining`: no route may use it in the result. `Forbidden`: the same, by
 * decree of an administrator.
 */
export type LinkState = 'Up' | 'Pinned' | 'Draining' | 'Forbidden'

/** A possible overlay link between two bridges (vde and its reverse). */
export type Link = {
  name: string
  a: string
  b: string
  aToB: LinkDirection
  bToA: LinkDirection
  /** Price of having it in one network's topology, any unit (cost(vde), section 5.5); default 1. */
  cost?: number
  /** Whether the tunnel is set up already; setting one up costs a link change more. Default true. */
  exists?: boolean
  state?: LinkState
  /** The networks that may use it; omitted: all. */
  networks?: string[]
}

/** One direction of a link, named by the bridge where it starts. */
export type LinkEnd = { link: string; from: string }

export type BottleneckKind = 'NicIn' | 'NicOut' | 'Uplink' | 'SharedRisk'

/** Directed links that share one capacity: a node's NIC, a site's uplink, a group that shares a risk. */
export type Bottleneck = { name: string; kind: BottleneckKind; capacityBps: number; links: LinkEnd[] }

export const objectiveNames = ['ResidualBandwidth', 'Balanced', 'Latency', 'Throughput', 'MinimumCost'] as const
export type ObjectiveName = (typeof objectiveNames)[number]

/** What may be changed for a network (section 5): its links, its routes, the place of its VMs, reservations. */
export type Actuator = 'Topology' | 'Routes' | 'Placement' | 'Reservations'

export type Network = {
  name: string
  objective: ObjectiveName
  /** Its share when several networks are planned together; default 1. */
  weight?: number
  actuators: Actuator[]
  /** Links that adaptation never removes; they connect every pair of bridges that has no route of its own. */
  baseline: string[]
  /** How many links it may have beyond the baseline; default unlimited. */
  linkBudget?: number
  /** Its changes are dropped if they improve its objective by less; default 0. Ignored while it is infeasible. */
  minimumGainPercent?: number
  /** `Balanced` only: c of `residual bandwidth + c / path latency`, in bit; default see objectives.ts. */
  latencyWeightBits?: number
  /** The bridges where its VMs may run; omitted: all. */
  bridges?: string[]
  /** Whether its frames may pass through bridges that are not its own; default `Any`. */
  transit?: 'MembersOnly' | 'Any'
}

export type Vm = {
  name: string
  network: string
  /** Millicores (comp). */
  compute: number
  /** What a migration has to copy (size). */
  memoryBytes: number
  /** It must run here (fixed). */
  pinnedTo?: string
  allowed?: string[]
  forbidden?: string[]
  /** VMs that must run on the same bridge. */
  affinity?: string[]
  /** VMs that must run on other bridges. */
  antiAffinity?: string[]
  /** Whether it may be migrated once it runs; default true. */
  movable?: boolean
  lastMovedMs?: number
}

/** Traffic from one VM to another (ve, with bw(ve) and lat(ve)). */
export type Demand = {
  name: string
  source: string
  destination: string
  /** Rigid: what it needs. Elastic: what it was seen to send, a lower bound of what it would like to send. */
  bps: number
  kind: 'Rigid' | 'Elastic'
  origin: 'Declared' | 'Inferred'
  /** Upper bound of the path's latency. */
  latencyMicroseconds?: number
  /** If not the source's network (a VM with interfaces on several networks). */
  network?: string
}

/** The path that frames of a network take between two bridges; `links` in order, starting at `from`. */
export type Route = { network: string; from: string; to: string; links: string[] }

/** Capacity set aside for a demand on every link of its path. */
export type Reservation = { demand: string; bps: number; from: string; links: string[] }

/** What is in force now. A VM without an entry in `placement` does not run yet and is to be placed (vmap). */
export type PresentState = {
  placement: Record<string, string>
  /** Links of each network, baseline included. */
  topology: Record<string, string[]>
  /** Routes that were set; every other pair of bridges takes the default path over the baseline. */
  routes: Route[]
  reservations: Reservation[]
}

export type Budgets = {
  /** Migrations in one plan; default unlimited. */
  moves?: number
  /** Migrations into or out of one bridge; default unlimited. */
  movesPerBridge?: number
  /** Links added to or removed from a network; default unlimited. */
  linkChanges?: number
  /** A VM moved less than this ago stays; default 0. */
  cooldownMs?: number
}

/** What a change costs, in shares of an objective's reference value (objectives.ts); defaults in problem.ts. */
export type ChangeCosts = {
  perMove?: number
  perMigrationSecond?: number
  perLinkChange?: number
  perRouteChange?: number
  /** Bytes copied per byte of memory, because pages change while they are copied. */
  dirtyPageFactor?: number
}

export type PlannerInput = {
  bridges: Bridge[]
  links: Link[]
  bottlenecks: Bottleneck[]
  networks: Network[]
  vms: Vm[]
  demands: Demand[]
  present: PresentState
  budgets: Budgets
  costs?: ChangeCosts
  /** Longest path in links; default 8. */
  maxHops?: number
  /** When the input was gathered; compared with `lastMovedMs`. */
  timeMs?: number
}

/** How long and how to search. The planner has no clock: `now` is any monotonic function in milliseconds. */
export type SearchOptions = {
  strategy: 'greedy' | 'local-search' | 'annealing' | 'exact'
  seed: number
  now: () => number
  /** On the scale of `now`; the best plan found by then is returned. */
  deadlineMs: number
  /** Number of evaluated candidates; a limit in work makes the result independent of the machine's speed. */
  maxEvaluations?: number
  onImprovement?: (event: Improvement) => void
}

export type Improvement = { atMs: number; evaluations: number; violation: number; score: number }
