/** A mixed-integer program under construction: maximise cost · x, rows between bounds. Column and row ids are positions. */
export class LinearProgram {
  readonly cost: number[] = []
  readonly lower: number[] = []
  readonly upper: number[] = []
  readonly integer: boolean[] = []
  readonly rowLower: number[] = []
  readonly rowUpper: number[] = []
  readonly starts: number[] = [0]
  readonly indices: number[] = []
  readonly values: number[] = []

  column(bounds: { lower?: number; upper: number; cost?: number; integer?: boolean }): number {
    this.cost.push(bounds.cost ?? 0)
    this.lower.push(bounds.lower ?? 0)
    this.upper.push(bounds.upper)
    this.integer.push(bounds.integer ?? false)
    return this.cost.length - 1
  }

  binary(cost = 0): number {
    return this.column({ upper: 1, cost, integer: true })
  }

  addCost(column: number, cost: number): void {
    this.cost[column]! += cost
  }

  /** lower <= sum of coefficient × column <= upper; a column may appear in several terms. */
  row(terms: Iterable<readonly [column: number, coefficient: number]>, lower: number, upper: number): void {
    const merged = new Map<number, number>()
    for (const [column, coefficient] of terms) merged.set(column, (merged.get(column) ?? 0) + coefficient)
    for (const [column, coefficient] of merged) {
      if (coefficient === 0) continue
      this.indices.push(column)
      this.values.push(coefficient)
    }
    this.starts.push(this.indices.length)
    this.rowLower.push(lower)
    this.rowUpper.push(upper)
  }

  get columns(): number {
    return this.cost.length
  }

  get rows(): number {
    return this.rowLower.length
  }
}
