import { PathFinder } from './paths.ts'
import type { Problem } from './problem.ts'
import { excess, penalties, type ViolationSum } from './violation-sum.ts'

/** Where VMs may run, what a migration takes, and how far a placement breaks the rules about it. */
export class Placement {
  /** Bridge of each VM, -1: nowhere. */
  readonly bridgeOf: Int32Array
  /** Millicores in use by VMs of the input, per bridge. */
  readonly compute: Float64Array
  moves = 0
  /** Cost of all moves, in units of the score. */
  moveCost = 0
  private readonly problem: Problem
  private readonly violations: ViolationSum
  private readonly together: Int32Array[]
  private readonly apart: Int32Array[]
  private readonly allowed: (Set<number> | undefined)[]
  private readonly forbidden: (Set<number> | undefined)[]
  private readonly members: (Set<number> | undefined)[]
  private readonly movesAt: Int32Array
  private readonly finder: PathFinder
  private readonly widths = new Map<number, number>()

  constructor(problem: Problem, violations: ViolationSum) {
    const { vms, networks, bridges } = problem.input
    this.problem = problem
    this.violations = violations
    this.bridgeOf = new Int32Array(vms.length).fill(-1)
    this.compute = new Float64Array(bridges.length)
    this.movesAt = new Int32Array(bridges.length)
    this.finder = new PathFinder(problem)
    const bridgeSet = (names: string[] | undefined): Set<number> | undefined =>
      names && new Set(names.map((name) => problem.ids.bridges.get(name)!))
    this.allowed = vms.map((vm) => (vm.pinnedTo === undefined ? bridgeSet(vm.allowed) : bridgeSet([vm.pinnedTo])))
    this.forbidden = vms.map((vm) => bridgeSet(vm.forbidden))
    this.members = networks.map((network) => bridgeSet(network.bridges))
    this.together = this.symmetric(vms.map((vm) => vm.affinity ?? []))
    this.apart = this.symmetric(vms.map((vm) => vm.antiAffinity ?? []))
    vms.forEach(() => void violations.replace(0, penalties.unplaced))
  }

  private symmetric(names: string[][]): Int32Array[] {
    const sets = names.map(() => new Set<number>())
    names.forEach((list, vm) => {
      for (const name of list) {
        const other = this.problem.ids.vms.get(name)!
        sets[vm]!.add(other)
        sets[other]!.add(vm)
      }
    })
    return sets.map((set) => Int32Array.from(set).sort())
  }

  /** Pins, allowed and forbidden bridges, and the bridges of the network. */
  mayHost(vm: number, bridge: number): boolean {
    if (this.allowed[vm]?.has(bridge) === false || this.forbidden[vm]?.has(bridge) === true) return false
    return this.members[this.problem.vmNetwork[vm]!]?.has(bridge) !== false
  }

  /** Whether affinity with the VMs placed already allows the bridge. */
  ruleAllows(vm: number, bridge: number): boolean {
    const together = this.together[vm]!.every((other) => this.bridgeOf[other]! < 0 || this.bridgeOf[other] === bridge)
    return together && !this.apart[vm]!.some((other) => this.bridgeOf[other] === bridge)
  }

  /** Whether it runs apart from a VM that it belongs with. */
  splits(vm: number): boolean {
    return this.together[vm]!.some((other) => this.bridgeOf[other]! >= 0 && this.bridgeOf[other] !== this.bridgeOf[vm])
  }

  /** Whether it runs beside a VM that it must not run with. */
  collides(vm: number): boolean {
    return this.apart[vm]!.some((other) => this.bridgeOf[other] === this.bridgeOf[vm])
  }

  /** VMs that have to run where this one runs. */
  companions(vm: number): Int32Array {
    return this.together[vm]!
  }

  move(vm: number, to: number): void {
    const { problem } = this
    const from = this.bridgeOf[vm]!
    for (const term of this.rulesBroken(vm)) this.violations.replace(term, 0)
    if (from >= 0) this.occupy(from, -problem.input.vms[vm]!.compute)
    if (to >= 0) this.occupy(to, problem.input.vms[vm]!.compute)
    this.countMove(vm, from, -1)
    this.bridgeOf[vm] = to
    this.countMove(vm, to, 1)
    for (const term of this.rulesBroken(vm)) this.violations.replace(0, term)
  }

  /** The penalty of each rule about the VM that is broken; one of two VMs goes when either of them moves. */
  private rulesBroken(vm: number): number[] {
    const bridge = this.bridgeOf[vm]!
    if (bridge < 0) return [penalties.unplaced]
    const broken: number[] = this.mayHost(vm, bridge) ? [] : [penalties.notCompliant]
    for (const other of this.together[vm]!) {
      const there = this.bridgeOf[other]!
      if (there >= 0 && there !== bridge) broken.push(penalties.affinity)
    }
    for (const other of this.apart[vm]!) if (this.bridgeOf[other] === bridge) broken.push(penalties.affinity)
    return broken
  }

  private occupy(bridge: number, millicores: number): void {
    const room = this.problem.computeRoom[bridge]!
    const before = excess(this.compute[bridge]!, room, 1000)
    this.compute[bridge]! += millicores
    this.violations.replace(before, excess(this.compute[bridge]!, room, 1000))
  }

  private countMove(vm: number, bridge: number, by: 1 | -1): void {
    const from = this.problem.presentBridge[vm]!
    if (from < 0 || bridge < 0 || bridge === from) return
    const { moves, movesPerBridge } = this.problem.input.budgets
    const { perMove, perMigrationSecond } = this.problem.costs
    const exceed = (before: number, limit: number | undefined): void => {
      const over = (count: number): number => Math.max(0, count - (limit ?? Number.POSITIVE_INFINITY))
      this.violations.replaceBudget(over(before), over(before + by))
    }
    exceed(this.moves, moves)
    this.moves += by
    for (const end of [from, bridge]) {
      exceed(this.movesAt[end]!, movesPerBridge)
      this.movesAt[end]! += by
    }
    this.moveCost += by * (perMove + perMigrationSecond * this.migrationSeconds(vm, bridge))
  }

  /** Seconds to copy a VM's memory from where it runs now, over the widest path and with pages that change meanwhile. */
  migrationSeconds(vm: number, to: number): number {
    const bits = this.problem.input.vms[vm]!.memoryBytes * 8 * this.problem.costs.dirtyPageFactor
    return bits / Math.max(1, this.widestBps(this.problem.presentBridge[vm]!, to))
  }

  private widestBps(from: number, to: number): number {
    const { problem } = this
    const key = from * problem.bridges + to
    let width = this.widths.get(key)
    if (width === undefined) {
      const transit = new Uint8Array(problem.bridges).fill(1)
      const weight = (arc: number): number =>
        problem.input.links[arc >> 1]!.state === 'Forbidden' ? Number.POSITIVE_INFINITY : -problem.capacity[arc]!
      const arcs = this.finder.cheapest({ from, to, mode: 'Max', weight, transit, maxHops: problem.maxHops })
      width = arcs ? Math.min(...arcs.map((arc) => problem.capacity[arc]!)) : 0
      this.widths.set(key, width)
    }
    return width
  }
}
