// One role of the process: its views are kept by every replica, its controllers run while this one leads.
import type { Controller } from '#runtime/controller.ts'
import type { Informer } from '#runtime/informer.ts'
import type { KubeObject } from '#runtime/kube-object.ts'
import type { LeaderElector } from '#runtime/leader-election.ts'
import { type Part, runAll } from '#runtime/run-all.ts'

type View = Pick<Informer<KubeObject>, 'run' | 'synced' | 'hasSynced'>
/** True when all is well, else what is wrong and what to do. */
type Check = () => true | string

export type Role = {
  informers: Record<string, View>
  /** Views without which the role cannot work at all; all when omitted. A controller still waits for its own sources. */
  essential?: View[]
  /** Further conditions of readiness. */
  checks?: Check[]
  elector: LeaderElector
  /** Made anew for each term. */
  controllers: (epoch: number) => Controller[]
}

const runnable = (parts: Record<string, { run: Part }>): Record<string, Part> =>
  Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, (signal) => part.run(signal)]))

const essentialViews = ({ informers, essential }: Role): View[] => essential ?? Object.values(informers)

/** Runs a role until the signal aborts. It competes for leadership once its views are complete, so that a new leader decides at once. */
export const runRole = async (role: Role, signal: AbortSignal): Promise<void> => {
  const { informers, elector, controllers } = role
  const lead: Part = async (stop) => {
    await Promise.all(essentialViews(role).map((view) => view.synced(stop)))
    await elector.run(async (term) => {
      const parts = controllers(term.epoch).map((controller) => [controller.name, controller] as const)
      await runAll(term.signal, runnable(Object.fromEntries(parts)))
    }, stop)
  }
  await runAll(signal, { ...runnable(informers), leader: lead })
}

const viewsAreComplete = (role: Role): true | string => {
  const essential = essentialViews(role)
  const missing = Object.entries(role.informers).filter(([, view]) => !view.hasSynced && essential.includes(view))
  return missing.length === 0 || `waiting for ${missing.map(([name]) => name).join(', ')}`
}

/** Readiness of a role: its essential views are complete, and its own checks pass. */
export const roleReadiness = (role: Role) => (): true | string =>
  [viewsAreComplete(role), ...(role.checks ?? []).map((check) => check())].find((result) => result !== true) ?? true
