import { pick, type Random, randomBelow, seededRandom } from '../random.ts'
import { type Link, objectiveNames, type PlannerInput } from '../types.ts'
import { randomInput } from './random-input.ts'

const chance = (random: Random, share: number): boolean => random() < share

/** A present that was adapted before: links beyond the baseline, closed and pinned ones among them, and a route. */
const adapted = (input: PlannerInput, random: Random): PlannerInput => {
  const links = input.links.map((link): Link => {
    const state = chance(random, 0.2) ? pick(random, ['Draining', 'Pinned', 'Forbidden'] as const) : 'Up'
    const closed = state === 'Draining' || state === 'Forbidden'
    const based = input.networks.some(({ baseline }) => baseline.includes(link.name))
    return { ...link, exists: chance(random, 0.7), state: closed && based ? 'Up' : state }
  })
  const topology = Object.fromEntries(
    input.networks.map(({ name, baseline }) => [
      name,
      [...new Set([...baseline, ...links.filter(() => chance(random, 0.4)).map((link) => link.name)])],
    ]),
  )
  const routes = input.networks.flatMap(({ name: network }) => {
    const link = links.find(({ name }) => topology[network]!.includes(name))
    return link && chance(random, 0.7) ? [{ network, from: link.a, to: link.b, links: [link.name] }] : []
  })
  return { ...input, links, present: { ...input.present, topology, routes } }
}

/** The same input with rules for VMs, objectives of its own for each network, budgets, costs, and an adapted present. */
export const enriched = (input: PlannerInput, random: Random): PlannerInput => {
  const other = (i: number): string[] => [
    input.vms[(i + 1 + randomBelow(random, input.vms.length - 1)) % input.vms.length]!.name,
  ]
  const vms = input.vms.map((vm, i) => ({
    ...vm,
    ...(chance(random, 0.1) && { pinnedTo: pick(random, input.bridges).name }),
    ...(chance(random, 0.1) && { forbidden: [pick(random, input.bridges).name] }),
    ...(chance(random, 0.1) && { allowed: input.bridges.slice(randomBelow(random, 2)).map(({ name }) => name) }),
    ...(chance(random, 0.15) && { affinity: other(i) }),
    ...(chance(random, 0.15) && { antiAffinity: other(i) }),
    ...(chance(random, 0.1) && { movable: false }),
    ...(chance(random, 0.1) && { lastMovedMs: 900_000 }),
  }))
  const networks = input.networks.map((network) => ({
    ...network,
    objective: pick(random, objectiveNames),
    weight: 1 + randomBelow(random, 3),
    ...(chance(random, 0.3) && { linkBudget: randomBelow(random, 3) }),
    ...(chance(random, 0.2) && { bridges: input.bridges.slice(randomBelow(random, 2)).map(({ name }) => name) }),
    ...(chance(random, 0.2) && { transit: 'MembersOnly' as const }),
  }))
  const budgets = {
    ...(chance(random, 0.3) && { moves: 1 + randomBelow(random, 2) }),
    ...(chance(random, 0.3) && { movesPerBridge: 1 }),
    ...(chance(random, 0.4) && { linkChanges: randomBelow(random, 5) }),
    cooldownMs: 200_000,
  }
  const bridges = input.bridges.map((bridge) => ({ ...bridge, ...(chance(random, 0.1) && { transit: false }) }))
  const links = input.links.map((link) => ({
    ...link,
    ...(chance(random, 0.1) && { networks: [pick(random, networks).name] }),
    aToB: {
      ...link.aToB,
      ...(chance(random, 0.2) && { lossPpm: randomBelow(random, 20_000) }),
      ...(chance(random, 0.2) && { confidence: random() }),
      ...(chance(random, 0.2) && { availableBps: Math.round(link.aToB.capacityBps * random()) }),
    },
  }))
  const costs = { perMove: 0.002, perMigrationSecond: 1e-5, perLinkChange: 0.003, perRouteChange: 0.002 }
  return adapted({ ...input, bridges, links, vms, networks, budgets, costs, timeMs: 1_000_000 }, random)
}

/** A small input that uses everything that an input can say, in any combination; many of them cannot be met. */
export const richInput = (seed: number): PlannerInput => enriched(randomInput(seed), seededRandom(seed ^ 0x5eed))
