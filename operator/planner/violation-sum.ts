/**
 * How much a state breaks the constraints, as one number to be minimised before any objective counts: relative excess
 * of resources, compute and latency, plus fixed amounts for what has no degree. A search compares these numbers only;
 * what is reported to people comes from `check`.
 */
export const penalties = {
  /** Per unit that exceeds a budget of changes: more than everything else together, since doing nothing exceeds none. */
  budget: 1e9,
  unplaced: 100,
  notCompliant: 50,
  unroutable: 20,
  affinity: 10,
  linkBudget: 5,
  linkState: 5,
} as const

/** Relative excess over a limit; a limit of zero counts as `least`, so that the result stays finite. */
export const excess = (value: number, limit: number, least = 1): number =>
  value > limit ? (value - limit) / Math.max(limit, least) : 0

/**
 * A sum of non-negative terms that is exactly zero when no term is positive, however often it was changed. What exceeds
 * budgets is counted apart: a number so much larger than the rest would take its last digits away.
 */
export class ViolationSum {
  private positive = 0
  private sum = 0
  private overBudget = 0

  replace(before: number, after: number): void {
    if (before === after) return
    this.positive += (after > 0 ? 1 : 0) - (before > 0 ? 1 : 0)
    this.sum += after - before
  }

  /** Exchanges by how many units (whole numbers) a budget of changes is exceeded. */
  replaceBudget(before: number, after: number): void {
    this.overBudget += after - before
  }

  get total(): number {
    const rest = this.positive === 0 ? 0 : Math.max(this.sum, 1e-9)
    return this.overBudget > 0 ? penalties.budget * this.overBudget + rest : rest
  }
}
