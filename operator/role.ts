// One role of the process: its views are kept by every replica, its controllers run while this one leads.
import type { Controller } from '#runtime/controller.ts'
import type { Informer } from '#runtime/informer.ts'
import type { KubeObject } from '#runtime/kube-object.ts'
import type { LeaderElector } from '#runtime/leader-election.ts'
import { type Part, runAll } from '#runtime/run-all.ts'

export type Role = {
  informers: Record<string, Pick<Informer<KubeObject>, 'run' | 'synced' | 'hasSynced'>>
  elector: LeaderElector
  /** Made anew for each term. */
  controllers: (epoch: number) => Controller[]
}

const runnable = (parts: Record<string, { run: Part }>): Record<string, Part> =>
  Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, (signal) => part.run(signal)]))

/** Runs a role until the signal aborts. It competes for leadership once its views are complete, so that a new leader decides at once. */
export const runRole = async ({ informers, elector, controllers }: Role, signal: AbortSignal): Promise<void> => {
  const lead: Part = async (stop) => {
    await Promise.all(Object.values(informers).map((informer) => informer.synced(stop)))
    await elector.run(async (term) => {
      const parts = controllers(term.epoch).map((controller) => [controller.name, controller] as const)
      await runAll(term.signal, runnable(Object.fromEntries(parts)))
    }, stop)
  }
  await runAll(signal, { ...runnable(informers), leader: lead })
}

/** Readiness of a role: its views are complete. */
export const viewsAreComplete =
  ({ informers }: Role) =>
  (): true | string => {
    const missing = Object.entries(informers).filter(([, { hasSynced }]) => !hasSynced)
    return missing.length === 0 || `waiting for ${missing.map(([name]) => name).join(', ')}`
  }
