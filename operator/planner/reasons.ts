import { resourceName } from './diagnosis.ts'
import type { Group } from './group.ts'
import { type Evaluator, isBetter, type Value } from './objectives.ts'
import type { Constraint, Reason } from './plan.ts'
import { pathBridges } from './predictions.ts'
import { Proposals } from './proposals.ts'
import { bridgeName } from './result.ts'
import { type Path, samePath } from './routing.ts'
import type { State } from './state.ts'

/** So many changes of each kind, for the largest demands, are tried out; the others are described only. */
const triedChanges = 60
const triedBridges = 12

/**
 * Answers, for each change in a state, "what would be lost without it, and what was second best?" by trying it on the
 * state and taking it back.
 */
export class Reasons {
  private readonly before: State
  private readonly after: State
  private readonly evaluator: Evaluator
  private readonly proposals: Proposals
  private readonly value: Value

  constructor(before: State, after: State, evaluator: Evaluator) {
    this.before = before
    this.after = after
    this.evaluator = evaluator
    this.proposals = new Proposals(after, evaluator)
    this.value = evaluator.value(after)
  }

  /** The reason of each group's new route, in the order given. */
  forRoutes(groups: Group[]): Reason[] {
    const tried = new Set([...groups].sort((x, y) => y.rate - x.rate || x.key - y.key).slice(0, triedChanges))
    return groups.map((group) => (tried.has(group) ? this.triedRoute(group) : this.describedRoute(group)))
  }

  private describedRoute(group: Group): Reason {
    const { presentPath } = group
    const broken = (): Constraint | undefined => (presentPath ? undefined : 'Routable')
    const reason = this.describe(group.demands, undefined, broken)
    if (presentPath) reason.alternative = { choice: pathBridges(this.after, group, presentPath).join(' > ') }
    return reason
  }

  private triedRoute(group: Group): Reason {
    const { after } = this
    const chosen = group.path
    const without = this.tried(() => after.setPath(group, group.presentPath))
    const mark = after.uncommitted
    after.setPath(group, undefined)
    const choices = this.proposals.paths(group, 'Few')
    after.rollback(mark)
    let second: { path: Path; value: Value } | undefined
    for (const path of choices) {
      if (samePath(path, chosen)) continue
      const value = this.tried(() => after.setPath(group, path))
      if (!second || isBetter(value, second.value)) second = { path, value }
    }
    const reason = this.describe(group.demands, without, () => this.brokenBy(group))
    if (second)
      reason.alternative = {
        choice: pathBridges(after, group, second.path).join(' > '),
        worseBy: this.worse(second.value),
      }
    return reason
  }

  /** The reason of each VM's new place, in the order given. */
  forVms(vms: number[]): Reason[] {
    return vms.map((vm, i) => this.forVm(vm, i < triedChanges))
  }

  private forVm(vm: number, tryOut: boolean): Reason {
    const { after } = this
    const { problem } = after
    const here = after.placement.bridgeOf[vm]!
    const old = problem.presentBridge[vm]!
    const broken = (): Constraint | undefined =>
      old < 0 ? 'Complete' : after.placement.mayHost(vm, old) ? 'Compute' : 'Compliant'
    if (!tryOut)
      return this.describe([...problem.demandsOfVm[vm]!], undefined, () => (old < 0 ? 'Complete' : undefined))
    const without = this.tried(() => after.place(vm, old))
    let second: { bridge: number; value: Value } | undefined
    const others = Array.from({ length: problem.bridges }, (_, bridge) => bridge).filter(
      (bridge) => bridge !== here && after.placement.mayHost(vm, bridge),
    )
    for (const bridge of others.slice(0, triedBridges)) {
      const value = this.tried(() => after.place(vm, bridge))
      if (!second || isBetter(value, second.value)) second = { bridge, value }
    }
    const reason = this.describe([...problem.demandsOfVm[vm]!], without, broken)
    if (second) reason.alternative = { choice: bridgeName(after, second.bridge), worseBy: this.worse(second.value) }
    return reason
  }

  /** Links are there for the routes over them, so the reason of each is what these lose together without it. */
  forLinks(usersOfEach: Group[][]): Reason[] {
    return usersOfEach.map((users, i) => this.forLink(users, i < triedChanges))
  }

  private forLink(users: Group[], tryOut: boolean): Reason {
    const { after } = this
    const largest = [...users].sort((x, y) => y.rate - x.rate || x.key - y.key)[0]
    const demands = users.flatMap((group) => group.demands)
    const without = tryOut
      ? this.tried(() => {
          for (const group of users) after.setPath(group, group.presentPath)
        })
      : undefined
    const reason = this.describe(demands, without, () => largest && this.brokenBy(largest))
    if (largest) {
      const choice = pathBridges(after, largest, largest.presentPath).join(' > ') || 'no path'
      reason.alternative = { choice, ...(without && { worseBy: this.worse(without) }) }
    }
    return reason
  }

  private tried(change: () => void): Value {
    const mark = this.after.uncommitted
    change()
    const value = this.evaluator.value(this.after)
    this.after.rollback(mark)
    return value
  }

  private worse(value: Value): number {
    return this.value.score - value.score
  }

  /** @param without what the plan is worth without the change, if that was tried out. */
  private describe(demands: number[], without: Value | undefined, broken: () => Constraint | undefined): Reason {
    const { demandBps, input } = this.after.problem
    const largest = [...demands].sort((x, y) => demandBps[y]! - demandBps[x]! || x - y).slice(0, 3)
    const reason: Reason = { demands: largest.map((id) => input.demands[id]!.name) }
    if (without) reason.worth = this.worse(without)
    const bottleneck = largest[0] === undefined ? undefined : this.bottleneck(largest[0])
    if (bottleneck) reason.bottleneck = bottleneck
    const repaired = !without || without.violation > this.value.violation + 1e-9 ? broken() : undefined
    if (repaired) reason.repairs = repaired
    return reason
  }

  /** Which constraint a group would break on the path that is in force now. */
  private brokenBy(group: Group): Constraint {
    if (!group.presentPath) return 'Routable'
    if (group.presentPath.latency > group.bound) return 'Latency'
    const usable = this.after.routing.usable(group.network)
    return group.presentPath.arcs.some((arc) => usable[arc] === 0) ? 'LinkState' : 'Capacity'
  }

  /** The tightest resource on the path that the demand takes now. */
  private bottleneck(demand: number): Reason['bottleneck'] {
    const { problem, load } = this.before
    const path = this.before.groupOfDemand[demand]?.path
    let tightest = -1
    const left = (resource: number): number => problem.capacity[resource]! - load[resource]!
    for (const resource of path?.resources ?? [])
      if (tightest < 0 || left(resource) < left(tightest)) tightest = resource
    if (tightest < 0) return undefined
    const share = load[tightest]! / Math.max(1, problem.capacity[tightest]!)
    return { name: resourceName(problem, tightest), utilizationPercent: Math.round(1000 * share) / 10 }
  }
}
