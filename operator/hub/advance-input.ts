// Reports of bridges as the plain input of publication. Pure.
import type { AdvanceInput, BridgeIdentity, ProgrammedSpec } from '#operator/publish/situation.ts'
import type { BridgeReport } from './bridge-reports.ts'
import { isUsable } from './gather-overlay.ts'

type Terms = Pick<AdvanceInput, 'overlayUID' | 'epoch' | 'udpPort' | 'networks' | 'digest'> & {
  /** Whether a bridge has owed an acknowledgement for long. */
  isOverdue: (bridge: string) => boolean
}

export const advanceInput = (reports: readonly BridgeReport[], { isOverdue, ...terms }: Terms): AdvanceInput => {
  const bridges = new Map<string, BridgeIdentity>()
  const programmed = new Map<string, ProgrammedSpec>()
  const absent = new Set<string>()
  for (const report of reports) {
    const { bridge, isReady } = report
    if (isUsable(report)) bridges.set(bridge, { addresses: report.addresses, nodeUID: report.nodeUID })
    if (report.programmed) programmed.set(bridge, report.programmed)
    if (!isReady || isOverdue(bridge)) absent.add(bridge)
  }
  const published = new Map(reports.map(({ bridge, spec }) => [bridge, spec]))
  return { ...terms, published, programmed, absent, bridges }
}
