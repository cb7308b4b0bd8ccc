import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { allSimplePaths, kCheapest } from './path-lists.ts'
import { PathFinder } from './paths.ts'
import { compile, type Problem } from './problem.ts'
import { seededRandom } from './random.ts'
import { generateUnderlay } from './scenarios/underlay.ts'
import { randomInput } from './testing/random-input.ts'
import { detour } from './testing/small.ts'
import type { PlannerInput } from './types.ts'
import { WidestPath } from './widest-path.ts'

const test = suite('paths')

type Case = { problem: Problem; from: number; to: number; maxHops: number; usable: Uint8Array; transit: Uint8Array }

/** A graph on which wide paths tend to be longer than short ones, and longer than the limit. */
const sparse = (seed: number): PlannerInput => {
  const random = seededRandom(seed)
  const underlay = generateUnderlay(seed % 3 === 0 ? 'Random' : 'Mesh', 6 + (seed % 2), random, false)
  const links = underlay.links.filter(() => random() < 0.6)
  return { ...detour(), bridges: underlay.bridges, links, networks: [], vms: [], demands: [], present: nothing }
}
const nothing = { placement: {}, topology: {}, routes: [], reservations: [] }

const cases = fc
  .record({
    seed: fc.nat(1e6),
    ends: fc.tuple(fc.nat(), fc.nat()),
    maxHops: fc.integer({ min: 1, max: 6 }),
    mask: fc.nat(),
  })
  .map(({ seed, ends, maxHops, mask }): Case => {
    const problem = compile(seed % 2 === 0 ? randomInput(seed) : sparse(seed))
    const from = ends[0] % problem.bridges
    const to = (from + 1 + (ends[1] % (problem.bridges - 1))) % problem.bridges
    const usable = Uint8Array.from({ length: problem.arcs }, (_, arc) => ((mask >> (arc % 30)) & 1) ^ 1)
    const transit = Uint8Array.from({ length: problem.bridges }, (_, bridge) => (bridge === mask % 7 ? 0 : 1))
    return { problem, from, to, maxHops, usable, transit }
  })

/** Every simple path, by trying all of them. */
const bruteForce = ({ problem, from, to, maxHops, usable, transit }: Case): number[][] => {
  const found: number[][] = []
  const extend = (at: number, arcs: number[], visited: number[]): void => {
    if (at === to) found.push(arcs)
    if (at === to || arcs.length === maxHops || (at !== from && transit[at] === 0)) return
    for (let arc = 0; arc < problem.arcs; arc++)
      if (problem.arcFrom[arc] === at && usable[arc] === 1 && !visited.includes(problem.arcTo[arc]!))
        extend(problem.arcTo[arc]!, [...arcs, arc], [...visited, problem.arcTo[arc]!])
  }
  extend(from, [], [from])
  return found
}

const narrowest = ({ problem }: Case, arcs: number[]): number => Math.min(...arcs.map((arc) => problem.capacity[arc]!))
const latency = ({ problem }: Case, arcs: number[]): number =>
  arcs.reduce((sum, arc) => sum + problem.arcLatency[arc]!, 0)

test('the widest path is as wide as the best of all simple paths, with the fewest links, and of those the lowest latency', () => {
  fc.assert(
    fc.property(cases, (of) => {
      const { problem, from, to, maxHops, usable, transit } = of
      const arcs = { width: problem.capacity, open: usable, latency: problem.arcLatency }
      const path = new WidestPath(problem, new PathFinder(problem)).find({ from, to, transit, maxHops }, arcs)
      const all = bruteForce(of)
      if (all.length === 0) return assert.is(path, undefined)
      const width = Math.max(...all.map((candidate) => narrowest(of, candidate)))
      assert.is(narrowest(of, path!), width)
      assert.ok(path!.length <= maxHops)
      const short = Math.min(...all.filter((candidate) => narrowest(of, candidate) === width).map((c) => c.length))
      assert.is(path!.length, short)
      const fastest = all.filter((c) => narrowest(of, c) === width && c.length === short).map((c) => latency(of, c))
      assert.is(latency(of, path!), Math.min(...fastest))
    }),
    { numRuns: 300 },
  )
})

test('the cheapest path costs as little as the best of all simple paths, also within few hops', () => {
  fc.assert(
    fc.property(cases, (of) => {
      const { problem, from, to, maxHops, usable, transit } = of
      const weight = (arc: number): number => (usable[arc] === 1 ? problem.arcLatency[arc]! : Number.POSITIVE_INFINITY)
      const path = new PathFinder(problem).cheapest({ from, to, transit, maxHops, mode: 'Sum', weight })
      const all = bruteForce(of)
      if (all.length === 0) return assert.is(path, undefined)
      assert.ok(path!.length <= maxHops)
      assert.is(latency(of, path!), Math.min(...all.map((candidate) => latency(of, candidate))))
    }),
    { numRuns: 300 },
  )
})

test('the k cheapest paths are the first k of all simple paths, each once', () => {
  fc.assert(
    fc.property(cases, fc.integer({ min: 1, max: 8 }), (of, k) => {
      const { problem, from, to, maxHops, usable, transit } = of
      const weight = (arc: number): number => (usable[arc] === 1 ? problem.arcLatency[arc]! : Number.POSITIVE_INFINITY)
      const paths = kCheapest(new PathFinder(problem), problem, { from, to, transit, maxHops, mode: 'Sum', weight }, k)
      const costs = bruteForce(of)
        .map((candidate) => latency(of, candidate))
        .sort((x, y) => x - y)
      assert.equal(
        paths.map((path) => latency(of, path)),
        costs.slice(0, k),
      )
      assert.is(new Set(paths.map((path) => path.join())).size, paths.length)
    }),
    { numRuns: 300 },
  )
})

test('all simple paths are all, or none if there are too many', () => {
  fc.assert(
    fc.property(cases, (of) => {
      const all = bruteForce(of)
      const listed = allSimplePaths(of.problem, of, 1000)!
      assert.equal(listed.map((path) => path.join()).sort(), all.map((path) => path.join()).sort())
      if (all.length > 1) assert.is(allSimplePaths(of.problem, of, all.length - 1), undefined)
    }),
    { numRuns: 100 },
  )
})

test.run()
