/**
 * What the planner reads: plain data, no classes, nothing of Kubernetes. The symbols in parentheses are those of
 * Sundararaj & Dinda, "Towards Virtual Networks for Virtual Machine Grid Computing", VM'04, sections 5.1 to 5.7.
 * Each field says its unit and where it comes from: *declared* by people (a resource's spec or a label), *measured* by
 * the agents on the nodes, or *decided* by an earlier plan. Rates are bit/s, latencies microseconds (one way), compute
 * millicores, memory bytes, times milliseconds; all rates are meant as integers, so that sums of them are exact.
 */

/** A node that can host VMs and forward frames (vd, "VMD"). Named `cluster/node`. */
export type Bridge = {
  name: string
  /** The cluster that its node belongs to (declared); for readers, as are zone and rack: what they share is a bottleneck. */
  cluster: string
  /** Label `topology.kubernetes.io/zone` of the node (declared). */
  zone?: string
  /** The node's rack (declared by a label). */
  rack?: string
  /** Millicores that VMs of the overlay may use (mcomp; declared: the node's allocatable CPU). */
  computeCapacity: number
  /** Millicores of that used by VMs which are not in the input (measured); default 0. */
  computeUsed?: number
  /** Bit/s at which VMs on this bridge reach each other (measured); default 40 Gbit/s. */
  localBps?: number
  /** Microseconds between VMs on this bridge (measured); default 30. */
  localLatencyMicroseconds?: number
  /** Whether frames of others may pass through it (declared); default true. */
  transit?: boolean
}

/** One direction of a link as it was measured or declared (mbw, mlat). */
export type LinkDirection = {
  /** Bit/s that the link can carry when nothing else uses it (declared, or the most that was measured). */
  capacityBps: number
  /** Bit/s of it that the overlay may use: capacity minus foreign traffic (measured); default: all. */
  availableBps?: number
  /** Microseconds one way (measured). */
  latencyMicroseconds: number
  /** Datagrams lost, per million (measured); default 0. */
  lossPpm?: number
  /** 0 … 1, how far `availableBps` is to be believed: its age and method (measured); default 1. */
  confidence?: number
  /** Bit/s that can be reserved (declared by whoever runs the network underneath; section 5.7); default none. */
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
  /** Price of having it in one network's topology, any unit (cost(vde), section 5.5; declared); default 1. */
  cost?: number
  /** Whether the tunnel is set up already (measured); setting one up costs a link change more. Default true. */
  exists?: boolean
  /** Declared; default `Up`. */
  state?: LinkState
  /** The networks that may use it (declared); omitted: all. */
  networks?: string[]
}

/** One direction of a link, named by the bridge where it starts. */
export type LinkEnd = { link: string; from: string }

export type BottleneckKind = 'NicIn' | 'NicOut' | 'Uplink' | 'SharedRisk'

/**
 * Directed links that share one capacity in bit/s: a node's NIC, a site's uplink, a group that shares a risk (declared by
 * labels and link speeds, or found by measurement).
 */
export type Bottleneck = { name: string; kind: BottleneckKind; capacityBps: number; links: LinkEnd[] }

export const objectiveNames = ['ResidualBandwidth', 'Balanced', 'Latency', 'Throughput', 'MinimumCost'] as const
export type ObjectiveName = (typeof objectiveNames)[number]

/** What may be changed for a network (section 5): its links, its routes, the place of its VMs, reservations. */
export type Actuator = 'Topology' | 'Routes' | 'Placement' | 'Reservations'

/** All of it declared by the owner of the network. */
export type Network = {
  name: string
  objective: ObjectiveName
  /** Its share when several networks are planned together, relative to the others; default 1. */
  weight?: number
  /** What a plan may change for it. */
  actuators: Actuator[]
  /** Links that adaptation never removes; they connect every pair of bridges that has no route of its own. */
  baseline: string[]
  /** How many links it may have beyond the baseline; default unlimited. */
  linkBudget?: number
  /** Its changes are dropped if they improve its objective by less, in percent; default 0. Ignored while infeasible. */
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
  /** Millicores (comp; declared: the request of its virt-launcher pod, or measured). */
  compute: number
  /** Bytes that a migration has to copy (size; declared: the guest's memory). */
  memoryBytes: number
  /** The bridge where it must run (fixed; declared, as all rules about its place). */
  pinnedTo?: string
  /** The bridges where it may run; omitted: all of its network. */
  allowed?: string[]
  /** The bridges where it may not run. */
  forbidden?: string[]
  /** VMs that must run on the same bridge. */
  affinity?: string[]
  /** VMs that must run on other bridges. */
  antiAffinity?: string[]
  /** Whether it may be migrated once it runs; default true. */
  movable?: boolean
  /** When it was last migrated, in milliseconds on the scale of `PlannerInput.timeMs` (measured). */
  lastMovedMs?: number
}

/** Traffic from one VM to another (ve, with bw(ve) and lat(ve)). */
export type Demand = {
  name: string
  source: string
  destination: string
  /** Bit/s. Rigid: what it needs. Elastic: what it was seen to send, a lower bound of what it would like to send. */
  bps: number
  kind: 'Rigid' | 'Elastic'
  /** Declared by people, or inferred from the traffic matrix; only declared ones are reserved for. */
  origin: 'Declared' | 'Inferred'
  /** Upper bound of the path's latency in microseconds (declared); omitted: none. */
  latencyMicroseconds?: number
  /** If not the source's network (a VM with interfaces on several networks). */
  network?: string
}

/** The path that frames of a network take between two bridges; `links` in order, starting at `from`. */
export type Route = { network: string; from: string; to: string; links: string[] }

/** Capacity in bit/s set aside for a demand on every link of its path; `links` in order, starting at `from`. */
export type Reservation = { demand: string; bps: number; from: string; links: string[] }

/** What is in force now: decided by the last plan, or as it was found. A VM without an entry in `placement` does not run yet and is to be placed (vmap). */
export type PresentState = {
  placement: Record<string, string>
  /** Links of each network, baseline included. */
  topology: Record<string, string[]>
  /** Routes that were set; every other pair of bridges takes the default path over the baseline. */
  routes: Route[]
  reservations: Reservation[]
}

/** How much one plan may change (declared by the administrator). */
export type Budgets = {
  /** Migrations in one plan; default unlimited. */
  moves?: number
  /** Migrations into or out of one bridge; default unlimited. */
  movesPerBridge?: number
  /** Links added to or removed from a network; default unlimited. */
  linkChanges?: number
  /** A VM moved less than so many milliseconds ago stays; default 0. */
  cooldownMs?: number
}

/** What a change costs, in shares of an objective's reference value (objectives.ts); declared, defaults in problem.ts. */
export type ChangeCosts = {
  /** Per migration: the risk of it. */
  perMove?: number
  /** Per second of copying: size / bandwidth of the widest path × dirtyPageFactor. */
  perMigrationSecond?: number
  /** Per link added or removed. */
  perLinkChange?: number
  /** Per pair of bridges whose traffic takes another path. */
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
  /** When the input was gathered, in milliseconds; compared with `lastMovedMs`. */
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

/** A new best state of the search; `atMs` on the scale of `now`. */
export type Improvement = { atMs: number; evaluations: number; violation: number; score: number }
