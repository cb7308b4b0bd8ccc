import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { plan } from '#operator/planner/planner.ts'
import { pick, type Random, randomBelow, seededRandom } from '#operator/planner/random.ts'
import { readGraphml } from '#operator/planner/scenarios/graphml.ts'
import { readIntercloud } from '#operator/planner/scenarios/intercloud.ts'
import { patternNames } from '#operator/planner/scenarios/patterns.ts'
import { makeScenario, type ScenarioSpec, type Variant, variants } from '#operator/planner/scenarios/scenario.ts'
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

/** Objectives that a variant can do something about: without new links the cost of links is what it is. */
const kinds = objectiveNames.flatMap((objective) =>
  variants
    .filter((variant) => objective !== 'MinimumCost' || !variant.startsWith('Simple'))
    .map((variant) => ({ objective, variant })),
)

/** Every so many, an instance is too large for the solver to prove much about: there its bound is what we have. */
const largeEvery = 20

/**
 * An instance small enough for the exact solver (which solves two of the objectives faster): few bridges and VMs, short
 * paths. Objective and variant take turns, the rest is random; equal seeds give equal instances.
 */
const instanceOf = (source: Instance['source'], seed: number, underlayOf: (size: number) => Underlay): Instance => {
  const random = seededRandom(seed)
  const { objective, variant } = kinds[(7 * seed) % kinds.length]!
  const pattern = pick(random, patternNames)
  const placing = variant !== 'Routes'
  const easier = objective === 'Latency' || objective === 'MinimumCost' ? 1 : 0
  const larger = easier + (seed % largeEvery === 0 ? 3 : 0)
  const underlay = underlayOf((placing ? 4 + randomBelow(random, 2) : 5 + randomBelow(random, 3)) + larger)
  const spec: ScenarioSpec = {
    underlay,
    pattern,
    vms: placing ? 4 + larger + randomBelow(random, 3) : 6 + 2 * larger + randomBelow(random, 5),
    variant,
    objective,
    elastic: objective === 'Throughput' || random() < 0.3,
    maxHops: placing ? 3 : 4,
    ...(random() < 0.3 && { linkBudget: 1 + randomBelow(random, 4) }),
  }
  const scattered = makeScenario(spec, random)
  const input = variant === 'ComplexOnline' && random() < 0.5 ? adaptedBefore(scattered, spec, random) : scattered
  const name = `${source} ${seed} ${underlay.name} ${variant} ${objective} ${pattern}`
  return { name, source, objective, variant, input }
}

/** The same input, but links, routes and places were adapted to other traffic before, by the published rules. */
const adaptedBefore = (input: PlannerInput, spec: ScenarioSpec, random: Random): PlannerInput => {
  const { demands } = makeScenario({ ...spec, pattern: pick(random, patternNames) }, random)
  const options = { strategy: 'greedy', seed: 1, now: () => 0, deadlineMs: 1 } as const
  const earlier = plan({ ...input, demands, budgets: {} }, options)
  return earlier.status === 'Feasible' ? { ...input, present: { ...earlier.result, reservations: [] } } : input
}

export type Made = { instances: Instance[]; rejected: Rejected[]; notes: string[] }

/**
 * All instances that can be made; the files and instances that cannot be used; and what was guessed about the others.
 * @param offset added to every seed: other numbers give instances that nobody has seen yet.
 */
export const makeInstances = (sources: Sources, counts: Counts, offset = 0): Made => {
  const made: Made = { instances: [], rejected: [], notes: [] }
  const attempt = (
    source: Instance['source'],
    i: number,
    from: string,
    underlayOf: (size: number) => Underlay,
  ): void => {
    const seed = { generated: 1000, zoo: 3000, intercloud: 5000 }[source] + offset + i
    try {
      made.instances.push(instanceOf(source, seed, underlayOf))
    } catch (error) {
      made.rejected.push({ name: `${source} ${seed}${from}`, reason: messageOf(error) })
    }
  }
  const shape = (i: number) => seededRandom(100_000 + offset + i)
  for (let i = 0; i < counts.generated; i++)
    attempt('generated', i, '', (size) =>
      generateUnderlay(graphKinds[i % graphKinds.length]!, size, shape(i), i % 2 === 0),
    )
  const graphs = sources.zoo === undefined ? [] : readZoo(sources.zoo, made)
  const without = (source: Instance['source'], reason: string): void => {
    if (counts[source] > 0) made.rejected.push({ name: `all ${counts[source]} instances of ${source}`, reason })
  }
  if (graphs.length === 0) without('zoo', 'no graph can be used')
  for (let i = 0; i < counts.zoo && graphs.length > 0; i++) {
    const graph = graphs[i % graphs.length]!
    attempt('zoo', i, ` of ${graph.name}`, (size) => cutOut(graph, size, shape(i)))
  }
  const csv = sources.intercloud === undefined ? undefined : readCsv(sources.intercloud, made)
  if (csv === undefined) without('intercloud', 'no measurements can be used')
  for (let i = 0; i < counts.intercloud && csv !== undefined; i++)
    attempt('intercloud', i, '', (size) => readIntercloud(csv, { size, random: shape(i) }))
  return made
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Every graph of a folder that can be read; whatever else is in the folder is rejected by name. */
const readZoo = (folder: string, { rejected, notes }: Made): Underlay[] =>
  readdirSync(folder)
    .sort()
    .flatMap((file) => {
      try {
        if (!file.endsWith('.graphml')) throw new Error('its name does not end in .graphml')
        const graph = readGraphml(basename(file, '.graphml'), readFileSync(join(folder, file), 'utf8'))
        if (graph.notes.length > 0) notes.push(`${graph.name}: ${graph.notes.join(', ')}`)
        return [graph]
      } catch (error) {
        rejected.push({ name: file, reason: messageOf(error) })
        return []
      }
    })

/** The text of a file of measurements, if all of it together makes a graph. */
const readCsv = (file: string, { rejected, notes }: Made): string | undefined => {
  try {
    const csv = readFileSync(file, 'utf8')
    const whole = readIntercloud(csv)
    if (whole.notes.length > 0) notes.push(`${basename(file)}: ${whole.notes.join(', ')}`)
    return csv
  } catch (error) {
    rejected.push({ name: file, reason: messageOf(error) })
    return undefined
  }
}
