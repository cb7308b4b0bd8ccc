/** What is held up at a bridge, and by whom. `network` is empty where it concerns all networks of the bridge. */
export type Waiting = {
  network: string
  bridge: string
  /** AwaitingSupports: a path or tree is not programmed yet on all its bridges. Draining: something old may still be in use. */
  reason: 'AwaitingSupports' | 'Draining'
  waitsFor: ReadonlySet<string>
}

export type WaitingList = {
  add(reason: Waiting['reason'], where: { network: string; bridge: string }, waitsFor: readonly string[]): void
  /** Whether anything is held up at the bridge. */
  concerns(bridge: string): boolean
  entries(): Waiting[]
}

/** Collects what is held up, one entry for each network, bridge and reason. */
export const createWaitingList = (): WaitingList => {
  const bridges = new Set<string>()
  const found = new Map<string, { entry: Omit<Waiting, 'waitsFor'>; waitsFor: Set<string> }>()
  return {
    add(reason, { network, bridge }, waitsFor) {
      if (waitsFor.length === 0) return
      const key = `${reason} ${network} ${bridge}`
      const known = found.get(key) ?? { entry: { network, bridge, reason }, waitsFor: new Set<string>() }
      for (const each of waitsFor) known.waitsFor.add(each)
      found.set(key, known)
      bridges.add(bridge)
    },
    concerns: (bridge) => bridges.has(bridge),
    entries: () => [...found.values()].map(({ entry, waitsFor }) => ({ ...entry, waitsFor })),
  }
}
