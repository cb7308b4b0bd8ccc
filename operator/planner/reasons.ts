import { diagnose, resourceName } from './diagnosis.ts'
import type { Group } from './group.ts'
import { type Evaluator, isBetter, type Value } from './objectives.ts'
import type { Constraint, Reason, Violation } from './plan.ts'
import { pathBridges } from './predictions.ts'
import { Proposals } from './proposals.ts'
import { bridgeName } from './result.ts'
import { type Path, samePath } from './routing.ts'
import type { State } from './state.ts'

/** So many changes of each kind, for the largest demands, are tried out; the others are described only. */
const triedChanges = { usual: 60, large: 20 }
/** Number of demands from which on trying a change takes long. */
const largeDemands = 10_000
const triedBridges = 12

/**
 * What the state was worth with a change that was tried and taken back; `breaks` looks up, for the trials that are
 * reported only (it takes long), which constraint the change would break.
 */
type Trial = { value: Value; breaks: () => Constraint | undefined }

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
  private readonly limit: number
  private readonly over: () => boolean
  /** What is broken anyway, by how much. */
  private readonly broken: Map<string, number>

  /** @param over whether there is no time left for trying changes out: the others are described only. */
  constructor(before: State, after: State, evaluator: Evaluator, over: () => boolean) {
    this.over = over
    this.before = before
    this.after = after
    this.evaluator = evaluator
    this.proposals = new Proposals(after, evaluator)
    this.value = evaluator.value(after)
    this.limit = after.problem.demandBps.length < largeDemands ? triedChanges.usual : triedChanges.large
    this.broken = new Map(diagnose(after).map((violation) => [keyOf(violation), violation.amount]))
  }

  /** The reason of each group's new route, in the order given. */
  forRoutes(groups: Group[]): Reason[] {
    const tried = new Set([...groups].sort((x, y) => y.rate - x.rate || x.key - y.key).slice(0, this.limit))
    return groups.map((group) => (this.mayTry(tried.has(group)) ? this.triedRoute(group) : this.describedRoute(group)))
  }

  private mayTry(worthIt: boolean): boolean {
    return worthIt && !this.over()
  }

  private describedRoute(group: Group): Reason {
    const { presentPath } = group
    const reason = this.describe(group.demands)
    if (!presentPath) reason.repairs = 'Routable'
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
    let second: { path: Path; trial: Trial } | undefined
    for (const path of choices) {
      if (samePath(path, chosen)) continue
      const trial = this.tried(() => after.setPath(group, path))
      if (!second || isBetter(trial.value, second.trial.value)) second = { path, trial }
    }
    const reason = this.describe(group.demands, without)
    if (second) reason.alternative = this.alternative(pathBridges(after, group, second.path).join(' > '), second.trial)
    return reason
  }

  /** The reason of each VM's new place, in the order given. */
  forVms(vms: number[]): Reason[] {
    return vms.map((vm, i) => this.forVm(vm, this.mayTry(i < this.limit)))
  }

  private forVm(vm: number, tryOut: boolean): Reason {
    const { after } = this
    const { problem } = after
    const here = after.placement.bridgeOf[vm]!
    const old = problem.presentBridge[vm]!
    const demands = [...problem.demandsOfVm[vm]!]
    if (old < 0 && !tryOut) return { ...this.describe(demands), repairs: 'Complete' }
    if (!tryOut) return this.describe(demands)
    const without = this.tried(() => after.place(vm, old), 'MoveBudget')
    let second: { bridge: number; trial: Trial } | undefined
    const others = Array.from({ length: problem.bridges }, (_, bridge) => bridge).filter(
      (bridge) => bridge !== here && after.placement.mayHost(vm, bridge),
    )
    for (const bridge of others.slice(0, triedBridges)) {
      const trial = this.tried(() => after.place(vm, bridge), 'MoveBudget')
      if (!second || isBetter(trial.value, second.trial.value)) second = { bridge, trial }
    }
    const reason = this.describe(demands, without)
    if (second) reason.alternative = this.alternative(bridgeName(after, second.bridge), second.trial)
    return reason
  }

  /** Links are there for the routes over them, so the reason of each is what these lose together without it. */
  forLinks(usersOfEach: Group[][]): Reason[] {
    return usersOfEach.map((users, i) => this.forLink(users, this.mayTry(i < this.limit)))
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
    const reason = this.describe(demands, without)
    if (largest) {
      const choice = pathBridges(after, largest, largest.presentPath).join(' > ') || 'no path'
      reason.alternative = without ? this.alternative(choice, without) : { choice }
    }
    return reason
  }

  /** No route uses the link any more. What keeping it would cost: its price, a place in the budget of links. */
  forRemoval(network: number, link: number): Reason {
    const { topology, problem } = this.after
    const left = [...this.before.groups.values()].filter(
      (group) => group.network === network && group.path?.arcs.some((arc) => arc >> 1 === link),
    )
    const reason = this.describe(left.flatMap(({ demands }) => demands))
    const price = problem.input.networks[network]!.objective === 'MinimumCost' ? this.evaluator.perUnit[network]! : 0
    const worseBy = -price * problem.linkCost[link]! - problem.costs.perLinkChange
    const full = topology.spare(network) <= 0
    return { ...reason, alternative: { choice: 'keep it', ...(full ? { breaks: 'LinkBudget' } : { worseBy }) } }
  }

  private tried(change: () => void, budget: Constraint = 'ChangeBudget'): Trial {
    const mark = this.after.uncommitted
    change()
    const value = this.evaluator.value(this.after)
    this.after.rollback(mark)
    let breaks: { constraint: Constraint | undefined } | undefined
    return {
      value,
      breaks: () => {
        breaks ??= { constraint: this.brokenBy(change, value, budget) }
        return breaks.constraint
      },
    }
  }

  /** The first constraint that a change would break. */
  private brokenBy(change: () => void, value: Value, budget: Constraint): Constraint | undefined {
    if (value.violation <= this.value.violation + 1e-9) return undefined
    const mark = this.after.uncommitted
    change()
    const fresh = diagnose(this.after).find((violation) => violation.amount > (this.broken.get(keyOf(violation)) ?? 0))
    this.after.rollback(mark)
    return fresh?.constraint ?? budget
  }

  private worse({ value }: Trial): number {
    return this.value.score - value.score
  }

  private alternative(choice: string, trial: Trial): NonNullable<Reason['alternative']> {
    const breaks = trial.breaks()
    return { choice, ...(breaks ? { breaks } : { worseBy: this.worse(trial) }) }
  }

  /** @param without what the plan is worth without the change, if that was tried out. */
  private describe(demands: number[], without?: Trial): Reason {
    const { demandBps, input } = this.after.problem
    const largest = [...new Set(demands)].sort((x, y) => demandBps[y]! - demandBps[x]! || x - y).slice(0, 3)
    const reason: Reason = { demands: largest.map((id) => input.demands[id]!.name) }
    if (without) reason.worth = this.worse(without)
    const bottleneck = largest[0] === undefined ? undefined : this.bottleneck(largest[0])
    if (bottleneck) reason.bottleneck = bottleneck
    const repairs = without?.breaks()
    if (repairs) reason.repairs = repairs
    return reason
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

const keyOf = ({ constraint, subject }: Violation): string => `${constraint} ${subject}`
