// What compilation remembers from one time to the next: an unchanged input gives the very same object, so that whoever works on it sees at a glance
// that nothing changed.
import { familiesOf } from './common-address.ts'
import type { BridgeInput, CompileInput, LinkInput, NetworkInput } from './input.ts'
import type { Shape } from './shape.ts'
import type { Topology } from './topology.ts'

/** Gives each new text a number of its own. */
class Versions {
  readonly #known = new Map<string, { text: string; version: number }>()
  #last = 0

  of(name: string, text: string): number {
    const known = this.#known.get(name)
    if (known?.text === text) return known.version
    this.#last++
    this.#known.set(name, { text, version: this.#last })
    return this.#last
  }
}

export type CompileCache = {
  versions: Versions
  shapes: Map<string, Shape>
  topologies: Map<string, { numbers: string; shape: Shape; topology: Topology }>
}

export const createCompileCache = (): CompileCache => ({
  versions: new Versions(),
  shapes: new Map(),
  topologies: new Map(),
})

const entriesByCluster = (bridges: readonly BridgeInput[]): Map<string, string[]> => {
  const found = new Map<string, string[]>()
  for (const { cluster, bridge, addresses } of bridges) {
    const names = found.get(cluster)
    const entry = `${bridge} ${familiesOf(addresses)}`
    if (names) names.push(entry)
    else found.set(cluster, [entry])
  }
  return found
}

/**
 * Names the inputs of a network's shape. A mesh without OverlayLinks depends on which bridges there are and on their address families alone;
 * everything else also on their labels and readiness.
 */
export const shapeKeys = (
  { bridges, sites }: CompileInput,
  { versions }: CompileCache,
): ((network: NetworkInput, links: readonly LinkInput[]) => string) => {
  const versionOf = new Map(
    [...entriesByCluster(bridges)].map(([cluster, names]) => [
      cluster,
      versions.of(`cluster ${cluster}`, names.sort().join('\n')),
    ]),
  )
  let details: number | undefined
  const versionOfAll = (): number => {
    details ??= versions.of(
      'all',
      JSON.stringify([
        bridges
          .map(({ bridge, labels, isReady }) => [bridge, labels, isReady])
          .sort(([a = ''], [b = '']) => (a < b ? -1 : 1)),
        [...sites],
      ]),
    )
    return details
  }
  return ({ topology, clusters }, links) => {
    const isPlain = topology.type === 'Mesh' && links.length === 0
    const names = clusters.map((cluster) => `${cluster} ${versionOf.get(cluster) ?? 0}`)
    return JSON.stringify([topology, names, isPlain ? 0 : versionOfAll(), links])
  }
}
