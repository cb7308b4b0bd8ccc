import type { ChangeCost, NetworkPrediction, Plan } from '../plan.ts'
import type { Facts } from './facts.ts'
import type { Traffic } from './traffic.ts'
import { objectiveOf, referenceOf } from './values.ts'

/** What changing from the present to the plan's result takes, from the two states alone; `seconds`: of each migration. */
export const costOf = (facts: Facts, plan: Plan, after: Traffic): ChangeCost & { seconds: Map<string, number> } => {
  const { vms, present, costs = {} } = facts.input
  const { perMove = 0.002, perMigrationSecond = 0.0005, perLinkChange = 0.0005, perRouteChange = 0.0001 } = costs
  const widest = new Map<string, Map<string, number>>()
  const seconds = new Map<string, number>()
  for (const { name, memoryBytes } of vms) {
    const [from, to] = [present.placement[name], plan.result.placement[name]]
    if (from === undefined || to === undefined || from === to) continue
    if (!widest.has(from)) widest.set(from, widestFrom(facts, from))
    const bits = 8 * memoryBytes * (costs.dirtyPageFactor ?? 1.3)
    seconds.set(name, bits / Math.max(1, widest.get(from)!.get(to) ?? 0))
  }
  const migrationSeconds = [...seconds.values()].reduce((sum, value) => sum + value, 0)
  const linkChanges = countLinkChanges(facts, plan)
  return {
    seconds,
    moves: seconds.size,
    migrationSeconds,
    linkChanges,
    routeChanges: plan.actions.filter(({ type }) => type === 'SetRoute' || type === 'ClearRoute').length,
    score:
      perMove * seconds.size +
      perMigrationSecond * migrationSeconds +
      perLinkChange * linkChanges +
      perRouteChange * changedPairs(facts, after),
  }
}

/** Bit/s of the widest path to every bridge, of at most `maxHops` links, none of them forbidden; nothing else counts. */
const widestFrom = (facts: Facts, from: string): Map<string, number> => {
  const hops = facts.hops().filter(({ link }) => link.state !== 'Forbidden')
  let reached = new Map([[from, Number.POSITIVE_INFINITY]])
  for (let length = 1; length <= (facts.input.maxHops ?? 8); length++) {
    const next = new Map(reached)
    for (const hop of hops) {
      const width = Math.min(reached.get(hop.from) ?? -1, facts.capacity(hop))
      if (width > (next.get(hop.to) ?? -1)) next.set(hop.to, width)
    }
    reached = next
  }
  return reached
}

/** Links added and removed; a tunnel that must be set up counts once more. */
const countLinkChanges = (facts: Facts, plan: Plan): number => {
  let changes = 0
  for (const { name, baseline } of facts.input.networks) {
    const now = new Set([...baseline, ...(facts.input.present.topology[name] ?? [])])
    const then = new Set(plan.result.topology[name])
    for (const link of then) if (!now.has(link)) changes += facts.links.get(link)?.exists === false ? 2 : 1
    for (const link of now) if (!then.has(link)) changes++
  }
  return changes
}

/** Pairs of bridges with traffic in the result that does not take the path that is in force for the pair now. */
const changedPairs = (facts: Facts, after: Traffic): number => {
  const routes = new Map(
    facts.input.present.routes.map((route) => [`${route.network}\n${route.from}\n${route.to}`, route]),
  )
  const pairs = new Set<string>()
  for (const { network, from, to, hops } of after.ways.values()) {
    if (from === to) continue
    const key = `${network}\n${from}\n${to}`
    const path = routes.get(key)?.links ?? facts.defaultPath(network, from, to)?.map(({ link }) => link.name)
    if (path?.join('\n') !== hops.map(({ link }) => link.name).join('\n')) pairs.add(key)
  }
  return pairs.size
}

/** Sum over the networks of weight × objective ÷ reference; less is better of some objectives, so they count negative. */
export const scoreOf = (
  facts: Facts,
  networks: NetworkPrediction[],
  traffic: Traffic,
  topology: (network: string) => string[],
): number =>
  networks.reduce((sum, prediction) => {
    const { network, objective } = prediction
    const sign = objective === 'Latency' || objective === 'MinimumCost' ? -1 : 1
    const value = objectiveOf(facts, topology(network), traffic, prediction)
    return sum + (sign * (facts.networks.get(network)!.weight ?? 1) * value) / referenceOf(facts, prediction)
  }, 0)
