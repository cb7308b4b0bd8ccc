import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pick, randomBelow, seededRandom } from '#operator/planner/random.ts'
import { readGraphml } from '#operator/planner/scenarios/graphml.ts'
import { readIntercloud } from '#operator/planner/scenarios/intercloud.ts'
import { patternNames } from '#operator/planner/scenarios/patterns.ts'
import { makeScenario, type Variant, variants } from '#operator/planner/scenarios/scenario.ts'
import { cutOut, generateUnderlay, graphKinds, type Underlay } from '#operator/planner/scenarios/underlay.ts'
import { type ObjectiveName, objectiveNames, type PlannerInput } from '#operator/planner/types.ts'

export type Instance = {
  name: string
  source: 'generated' | 'zoo' | 'intercloud'
  objective: ObjectiveName
  variant: Variant
  input: PlannerInput
}

/** What was asked for and cannot be used, with the reason. */
export type Rejected = { name: string; reason: string }

/** Where instances come from besides the generators; both are optional. */
export type Sources = { zoo: string | undefined; intercloud: string | undefined }

/** How many instances of each source are made. */
export type Counts = Record<Instance['source'], number>

/**
 * An instance small enough for the exact solver (which solves two of the objectives faster): few bridges and VMs, short paths. Objective, variant and pattern take
 * turns, the rest is random; equal seeds give equal instances.
 */
const instanceOf = (source: Instance['source'], seed: number, underlayOf: (size: number) => Underlay): Instance => {
  const random = seededRandom(seed)
  const objective = objectiveNames[seed % objectiveNames.length]!
  const variant = variants[Math.floor(seed / objectiveNames.length) % variants.length]!
  const pattern = pick(random, patternNames)
  const placing = variant !== 'Routes'
  const larger = objective === 'Latency' || objective === 'MinimumCost' ? 1 : 0
  const underlay = underlayOf((placing ? 4 + randomBelow(random, 2) : 5 + randomBelow(random, 3)) + larger)
  const input = makeScenario(
    {
      underlay,
      pattern,
      vms: placing ? 4 + larger + randomBelow(random, 3) : 6 + randomBelow(random, 5),
      variant,
      objective,
      elastic: objective === 'Throughput' || random() < 0.3,
      maxHops: placing ? 3 : 4,
      ...(random() < 0.3 && { linkBudget: 1 + randomBelow(random, 4) }),
    },
    random,
  )
  return {
    name: `${source} ${seed} ${underlay.name} ${variant} ${objective} ${pattern}`,
    source,
    objective,
    variant,
    input,
  }
}

/** All instances that can be made, and the files that cannot be used. */
export const makeInstances = (sources: Sources, counts: Counts): { instances: Instance[]; rejected: Rejected[] } => {
  const rejected: Rejected[] = []
  const attempt = (name: string, make: () => void): void => {
    try {
      make()
    } catch (error) {
      rejected.push({ name, reason: error instanceof Error ? error.message : String(error) })
    }
  }
  const instances = Array.from({ length: counts.generated }, (_, i) =>
    instanceOf('generated', 1000 + i, (size) => {
      const random = seededRandom(2000 + i)
      return generateUnderlay(graphKinds[i % graphKinds.length]!, size, random, i % 2 === 0)
    }),
  )
  const graphs = sources.zoo === undefined ? [] : readZoo(sources.zoo, rejected)
  for (let i = 0; i < counts.zoo && graphs.length > 0; i++) {
    const graph = graphs[i % graphs.length]!
    attempt(`zoo ${graph.name}`, () => {
      instances.push(instanceOf('zoo', 3000 + i, (size) => cutOut(graph, size, seededRandom(4000 + i))))
    })
  }
  const file = sources.intercloud
  if (file !== undefined)
    attempt(file, () => {
      const csv = readFileSync(file, 'utf8')
      for (let i = 0; i < counts.intercloud; i++)
        instances.push(
          instanceOf('intercloud', 5000 + i, (size) => readIntercloud(csv, { size, random: seededRandom(6000 + i) })),
        )
    })
  return { instances, rejected }
}

/** Every graph of a folder that can be read. */
export const readZoo = (folder: string, rejected: Rejected[]): Underlay[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.graphml'))
    .sort()
    .flatMap((file) => {
      try {
        return [readGraphml(basename(file, '.graphml'), readFileSync(join(folder, file), 'utf8'))]
      } catch (error) {
        rejected.push({ name: file, reason: error instanceof Error ? error.message : String(error) })
        return []
      }
    })
