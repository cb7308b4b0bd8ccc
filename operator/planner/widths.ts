import { DirtyList } from './dirty-list.ts'
import type { Problem } from './problem.ts'

/**
 * What each arc has left to give, bit/s: the least that is left of the arc itself and of the bottlenecks that it belongs
 * to. A path search reads it for every arc, a change of load touches few; so it is kept, and refreshed only where loads
 * changed since the last search.
 */
export class Widths {
  private readonly problem: Problem
  private readonly load: Float64Array
  private readonly width: Float64Array
  private readonly arcsOf: number[][]
  private readonly stale: DirtyList

  constructor(problem: Problem, load: Float64Array) {
    this.problem = problem
    this.load = load
    this.width = new Float64Array(problem.arcs)
    this.stale = new DirtyList(problem.resources)
    this.arcsOf = Array.from({ length: problem.resources }, () => [])
    for (let arc = 0; arc < problem.arcs; arc++)
      for (let i = problem.arcResourceStart[arc]!; i < problem.arcResourceStart[arc + 1]!; i++)
        this.arcsOf[problem.arcResource[i]!]!.push(arc)
    this.width.forEach((_, arc) => {
      this.refresh(arc)
    })
  }

  loadChanged(resource: number): void {
    this.stale.add(resource)
  }

  /** Width per arc, up to date until the next change of load. */
  get current(): Float64Array {
    for (const resource of this.stale.members()) for (const arc of this.arcsOf[resource]!) this.refresh(arc)
    this.stale.clear()
    return this.width
  }

  private refresh(arc: number): void {
    const { arcResourceStart, arcResource, capacity } = this.problem
    let least = Number.POSITIVE_INFINITY
    for (let i = arcResourceStart[arc]!; i < arcResourceStart[arc + 1]!; i++) {
      const resource = arcResource[i]!
      const left = capacity[resource]! - this.load[resource]!
      if (left < least) least = left
    }
    this.width[arc] = least
  }
}
