// What publication reached, in the words of statuses. Pure.

import type { TopologyProblem } from '#operator/compile/topology.ts'
import type { AdvanceOutput } from '#operator/publish/advance.ts'
import type { DesiredNetwork } from '#operator/publish/situation.ts'
import type { Waiting } from '#operator/publish/waiting.ts'
import type { BridgeReport } from './bridge-reports.ts'
import { narrowBridges } from './network-numbers.ts'
import type { Outstanding } from './outstanding.ts'
import type { BridgeProgress, NetworkReport } from './overlay-report.ts'
import type { Revision } from './revisions.ts'

/** A status names so many; the rest are counted. */
const NAMED = 5

export type ProgressInput = {
  output: AdvanceOutput
  reports: ReadonlyMap<string, BridgeReport>
  networks: ReadonlyMap<string, DesiredNetwork>
  revisions: ReadonlyMap<string, Revision>
  /** What a bridge owes. */
  outstanding: (report: BridgeReport) => Outstanding | undefined
}

/** `a, b, c and 7 more`. */
export const listNames = (names: readonly string[]): string => {
  const more = names.length - NAMED
  return more > 0 ? `${names.slice(0, NAMED).join(', ')} and ${more} more` : names.join(', ')
}

/** As `listNames`, of the first by name; thousands of bridges may wait for thousands. */
const listFirst = (names: ReadonlySet<string>): string => {
  const first: string[] = []
  for (const name of names) {
    const at = first.findIndex((other) => name < other)
    if (at >= 0) first.splice(at, 0, name)
    else if (first.length < NAMED) first.push(name)
    first.length = Math.min(first.length, NAMED)
  }
  const more = names.size - first.length
  return more > 0 ? `${first.join(', ')} and ${more} more` : first.join(', ')
}

const waitingOf = (waiting: readonly Waiting[]): Map<string, Waiting[]> => {
  const found = new Map<string, Waiting[]>()
  for (const each of waiting) {
    const list = found.get(each.network)
    if (list) list.push(each)
    else found.set(each.network, [each])
  }
  return found
}

const drainingOf = (waiting: readonly Waiting[]): string[] => {
  const names = new Set<string>()
  for (const { reason, waitsFor } of waiting) if (reason === 'Draining') for (const name of waitsFor) names.add(name)
  return [...names].sort()
}

type Kernel = NonNullable<BridgeReport['status']['networks']>
const kernels = new WeakMap<Kernel, Map<string, number>>()

/** Numbers of the networks that a node reports, by name. */
const inKernel = ({ status: { networks } }: BridgeReport): ReadonlyMap<string, number> => {
  if (!networks) return new Map()
  const known = kernels.get(networks) ?? new Map(networks.map(({ name, vni }) => [name, vni]))
  kernels.set(networks, known)
  return known
}

/** `held`: bridges of the network that wait, and for whom. */
const problemOf = (
  { output, outstanding }: ProgressInput,
  report: BridgeReport,
  { network, vni, access }: DesiredNetwork,
  held: ReadonlyMap<string, Waiting>,
): string | undefined => {
  if (report.problem !== undefined) return report.problem
  const reported = report.status.problems?.find(({ subject }) => subject === network)
  if (reported) return `${reported.reason}: ${reported.message}`
  const waits = held.get(report.bridge)
  if (waits) return `waits for ${listFirst(waits.waitsFor)}`
  const owed = outstanding(report)
  if (owed) return `has not programmed serial ${owed.serial}, waiting since ${owed.since}`
  if (!output.isSettled(network, report.bridge)) return 'its spec is being written'
  return access.has(report.bridge) && inKernel(report).get(network) !== vni
    ? 'its agent does not report the network'
    : undefined
}

/** Of bridges that have all they should: one object for all networks, since there are so many of them. */
const accomplished = new WeakMap<BridgeReport, Map<boolean, BridgeProgress>>()

const progressAt = (report: BridgeReport, isAccess: boolean, problem: string | undefined): BridgeProgress => {
  const { bridge, cluster, isReady } = report
  if (problem !== undefined) return { bridge, cluster, isAccess, isReady, isProgrammed: false, problem }
  const made = accomplished.get(report) ?? new Map<boolean, BridgeProgress>()
  accomplished.set(report, made)
  const known = made.get(isAccess) ?? { bridge, cluster, isAccess, isReady, isProgrammed: true, problem }
  made.set(isAccess, known)
  return known
}

const progressOf = (input: ProgressInput, network: DesiredNetwork, waiting: readonly Waiting[]): BridgeProgress[] => {
  const held = new Map(waiting.filter(({ reason }) => reason === 'AwaitingSupports').map((each) => [each.bridge, each]))
  return network.members.flatMap((bridge) => {
    const report = input.reports.get(bridge)
    return report ? progressAt(report, network.access.has(bridge), problemOf(input, report, network, held)) : []
  })
}

/** An underlay that carries less than the network's MTU drops the largest frames. */
const narrowProblems = ({ reports }: ProgressInput, { members, mtuBytes }: DesiredNetwork): TopologyProblem[] => {
  const narrow = narrowBridges(
    members.flatMap((bridge) => reports.get(bridge) ?? []),
    mtuBytes,
  )
  if (narrow.length === 0) return []
  const least = Math.min(...narrow.map(({ carriedBytes }) => carriedBytes))
  const names = listNames(narrow.map(({ bridge, carriedBytes }) => `${bridge} (${carriedBytes})`))
  const advice = `raise the MTU of their underlay, or create the network again with spec.mtu ${least}`
  return [
    { reason: 'MTUTooSmall', message: `the network's MTU is ${mtuBytes}, more than carried by ${names}: ${advice}` },
  ]
}

/** Reports in steps of one network each. */
export function* networkReports(input: ProgressInput): Generator<void, Map<string, NetworkReport>> {
  const waiting = waitingOf(input.output.waiting)
  const reports = new Map<string, NetworkReport>()
  for (const [name, network] of input.networks) {
    const own = waiting.get(name) ?? []
    const revision = input.revisions.get(name)
    reports.set(name, {
      bridges: progressOf(input, network, own),
      components: network.components,
      problems: [...network.problems, ...narrowProblems(input, network)],
      draining: drainingOf(own),
      currentRevision: revision?.name || undefined,
      previousRevision: revision?.previous,
    })
    yield
  }
  return reports
}
