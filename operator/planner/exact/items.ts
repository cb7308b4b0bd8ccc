import { allSimplePaths } from '../path-lists.ts'
import { may, type Problem } from '../problem.ts'
import { makePath, type Path, type Routing, samePath } from '../routing.ts'
import type { State } from '../state.ts'

/** Traffic that is routed as one: a demand, or all demands of one network between two bridges that are settled. */
export type Item = {
  network: number
  demands: number[]
  rate: number
  elasticRate: number
  bound: number
  /** VM whose place decides where it starts (ends); undefined if that is settled. */
  source: number | undefined
  destination: number | undefined
  options: Option[]
}

/** One way to route an item: between two bridges, on one path. */
export type Option = { from: number; to: number; path: Path }

/** The program would have more paths than anyone should wait for; the message says which pair. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError'
}

const pathLimit = 400

/** VMs whose place is to be decided. */
export const freeVms = (problem: Problem): number[] =>
  Array.from(problem.frozen.keys()).filter((vm) => problem.frozen[vm] === 0)

/** All paths a pair may take: every simple one within the hop limit, and the default. */
export const pathsOf = (state: State, network: number, from: number, to: number): Path[] => {
  const { problem, routing } = state
  if (from === to) return [routing.local(from)]
  if (!may(problem, network, 'Routes')) {
    const present = state.presentPath(network, from, to)
    return present ? [present] : []
  }
  const usable = routing.usable(network)
  const query = { from, to, usable, transit: routing.transit(network), maxHops: problem.maxHops }
  const arcs = allSimplePaths(problem, query, pathLimit)
  if (!arcs) {
    const name = (bridge: number): string => problem.input.bridges[bridge]!.name
    throw new TooLargeError(
      `Building the exact model: more than ${pathLimit} paths of at most ${problem.maxHops} links from ${name(from)} to ${name(to)}; lower maxHops or take a smaller graph`,
    )
  }
  return withUsual(
    routing,
    network,
    from,
    to,
    arcs.map((list) => makePath(problem, list)),
  )
}

const withUsual = (routing: Routing, network: number, from: number, to: number, paths: Path[]): Path[] => {
  const usual = routing.defaultPath(network, from, to)
  return usual && !paths.some((path) => samePath(path, usual)) ? [usual, ...paths] : paths
}

/** @param strict leaves out options that break a latency bound. */
export const itemsOf = (state: State, strict: boolean): Item[] => {
  const { problem, placement } = state
  const known = new Map<number, Path[]>()
  const paths = (network: number, from: number, to: number): Path[] => {
    const key = state.routing.pairKey(network, from, to)
    if (!known.has(key)) known.set(key, pathsOf(state, network, from, to))
    return known.get(key)!
  }
  const hosts = (vm: number): number[] =>
    problem.frozen[vm] === 1
      ? [placement.bridgeOf[vm]!]
      : Array.from({ length: problem.bridges }, (_, bridge) => bridge).filter((bridge) => placement.mayHost(vm, bridge))

  const groups = new Map<number, number[]>()
  problem.demandBps.forEach((_, demand) => {
    const [source, destination] = [problem.demandSource[demand]!, problem.demandDestination[demand]!]
    const settled = problem.frozen[source] === 1 && problem.frozen[destination] === 1
    const pair = [placement.bridgeOf[source]!, placement.bridgeOf[destination]!] as const
    const key = settled ? state.routing.pairKey(problem.demandNetwork[demand]!, ...pair) : -1 - demand
    groups.set(key, [...(groups.get(key) ?? []), demand])
  })
  return [...groups.values()].map((demands) => {
    const first = demands[0]!
    const network = problem.demandNetwork[first]!
    const [source, destination] = [problem.demandSource[first]!, problem.demandDestination[first]!]
    const sum = (of: (demand: number) => number): number => demands.reduce((total, demand) => total + of(demand), 0)
    const bound = demands.reduce(
      (least, demand) => Math.min(least, problem.demandBound[demand]!),
      Number.POSITIVE_INFINITY,
    )
    const options = hosts(source).flatMap((from) =>
      hosts(destination).flatMap((to) => paths(network, from, to).map((path) => ({ from, to, path }))),
    )
    return {
      network,
      demands,
      rate: sum((demand) => problem.demandBps[demand]!),
      elasticRate: sum((demand) => (problem.demandElastic[demand] === 1 ? problem.demandBps[demand]! : 0)),
      bound,
      source: problem.frozen[source] === 0 ? source : undefined,
      destination: problem.frozen[destination] === 0 ? destination : undefined,
      options: options.filter(({ path }) => !strict || path.latency <= bound),
    }
  })
}
