// What publication reached, in the words of statuses. Pure.

import type { AdvanceOutput } from '#operator/publish/advance.ts'
import type { DesiredNetwork } from '#operator/publish/situation.ts'
import type { Waiting } from '#operator/publish/waiting.ts'
import type { BridgeReport } from './bridge-reports.ts'
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
  outstanding: (bridge: string) => Outstanding | undefined
}

/** `a, b, c and 7 more`. */
export const listNames = (names: readonly string[]): string => {
  const more = names.length - NAMED
  return more > 0 ? `${names.slice(0, NAMED).join(', ')} and ${more} more` : names.join(', ')
}

const waitingOf = (waiting: readonly Waiting[]): Map<string, Waiting[]> => {
  const found = new Map<string, Waiting[]>()
  for (const each of waiting) found.set(each.network, [...(found.get(each.network) ?? []), each])
  return found
}

const problemOf = (
  { output, outstanding }: ProgressInput,
  report: BridgeReport,
  { network, vni, access }: DesiredNetwork,
  waiting: readonly Waiting[],
): string | undefined => {
  if (report.problem !== undefined) return report.problem
  const reported = report.status.problems?.find(({ subject }) => subject === network)
  if (reported) return `${reported.reason}: ${reported.message}`
  const held = waiting.find(({ bridge, reason }) => bridge === report.bridge && reason === 'AwaitingSupports')
  if (held) return `waits for ${listNames(held.waitsFor)}`
  const owed = outstanding(report.bridge)
  if (owed) return `has not programmed serial ${owed.serial}, waiting since ${owed.since}`
  if (!output.settled.get(network)?.has(report.bridge)) return 'its spec is being written'
  const isInKernel = report.status.networks?.some((each) => each.name === network && each.vni === vni)
  return access.has(report.bridge) && !isInKernel ? 'its agent does not report the network' : undefined
}

const progressOf = (input: ProgressInput, network: DesiredNetwork, waiting: readonly Waiting[]): BridgeProgress[] =>
  [...network.neighbours.keys()].sort().flatMap((bridge) => {
    const report = input.reports.get(bridge)
    if (!report) return []
    const problem = problemOf(input, report, network, waiting)
    return [
      {
        bridge,
        cluster: report.cluster,
        isAccess: network.access.has(bridge),
        isReady: report.isReady,
        isProgrammed: problem === undefined,
        problem,
      },
    ]
  })

export const networkReports = (input: ProgressInput): Map<string, NetworkReport> => {
  const waiting = waitingOf(input.output.waiting)
  return new Map(
    [...input.networks].map(([name, network]) => {
      const own = waiting.get(name) ?? []
      const revision = input.revisions.get(name)
      return [
        name,
        {
          bridges: progressOf(input, network, own),
          components: network.components,
          problems: network.problems,
          draining: [...new Set(own.filter(({ reason }) => reason === 'Draining').flatMap(({ waitsFor }) => waitsFor))],
          currentRevision: revision?.name || undefined,
          previousRevision: revision?.previous,
        },
      ]
    }),
  )
}
