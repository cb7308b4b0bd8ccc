/**
 * Keeps the least of many numbers and the sum of as many others while single ones change: a binary tree whose leaves are
 * the numbers. The sum is always added up in the same order, so that it has no memory of what the numbers were before.
 */
export class MinSumTree {
  private readonly leaves: number
  private readonly least: Float64Array
  private readonly sums: Float64Array

  constructor(size: number) {
    this.leaves = 2 ** Math.ceil(Math.log2(Math.max(1, size)))
    this.least = new Float64Array(2 * this.leaves).fill(Number.POSITIVE_INFINITY)
    this.sums = new Float64Array(2 * this.leaves)
  }

  get min(): number {
    return this.least[1]!
  }

  get sum(): number {
    return this.sums[1]!
  }

  set(id: number, min: number, summand: number): void {
    const { least, sums } = this
    let node = this.leaves + id
    if (least[node] === min && sums[node] === summand) return
    least[node] = min
    sums[node] = summand
    for (node >>= 1; node >= 1; node >>= 1) {
      least[node] = Math.min(least[2 * node]!, least[2 * node + 1]!)
      sums[node] = sums[2 * node]! + sums[2 * node + 1]!
    }
  }
}
