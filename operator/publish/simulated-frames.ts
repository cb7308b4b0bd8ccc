// For tests: what frames do over the specs that bridges hold, by the rules of the data plane (hack/adr/0001), less its guard against trees that are
// entered over a foreign link: publication must not need it.
import type { BridgeNetwork, NodeBridgeSpec } from '#crds/node-bridge.ts'

export type Holdings = ReadonlyMap<string, NodeBridgeSpec>

const DELIVER = 0
const DELIVER_ONLY = 1
const FIRST_TREE = 32768
/** More hops than any path of the tests has: a frame that needs more goes round in circles. */
const MAX_HOPS = 64

type Frame = { vni: number; label: number; from: string; at: string; hops: number }

const byName = (spec: NodeBridgeSpec | undefined, name: string): BridgeNetwork | undefined =>
  spec?.networks?.find((network) => network.name === name)
const byVni = (spec: NodeBridgeSpec | undefined, vni: number): BridgeNetwork | undefined =>
  spec?.networks?.find((network) => network.vni === vni)
const neighbour = (spec: NodeBridgeSpec | undefined, id: number): string | undefined =>
  spec?.links?.find((link) => link.id === id)?.bridge

/** The frame on its way over a link, when the link may carry the network. */
const over = (spec: NodeBridgeSpec | undefined, frame: Frame, link: number, label: number): Frame[] => {
  const next = neighbour(spec, link)
  if (next === undefined || !byVni(spec, frame.vni)?.links.includes(link)) return []
  if (frame.hops > MAX_HOPS) throw new Error(`a frame of network ${frame.vni} goes round in circles at ${frame.at}`)
  return [{ ...frame, label, from: frame.at, at: next, hops: frame.hops + 1 }]
}

const flooded = (spec: NodeBridgeSpec | undefined, frame: Frame): Frame[] => {
  const tree = spec?.trees?.find(({ vni, tree: number }) => vni === frame.vni && number === frame.label)
  return (tree?.links ?? []).flatMap((link) =>
    neighbour(spec, link) === frame.from ? [] : over(spec, frame, link, frame.label),
  )
}

/** What becomes of a frame that arrives: whether it is delivered here, and where it goes on. */
const receive = (holdings: Holdings, frame: Frame): { isDelivered: boolean; onward: Frame[] } => {
  const spec = holdings.get(frame.at)
  const network = byVni(spec, frame.vni)
  const link = spec?.links?.find(({ bridge }) => bridge === frame.from)
  if (!spec || !network || !link || !network.links.includes(link.id)) return { isDelivered: false, onward: [] }
  if (frame.label === DELIVER || frame.label === DELIVER_ONLY) return { isDelivered: true, onward: [] }
  if (frame.label >= FIRST_TREE) {
    const isOnTree = spec.trees?.some(({ vni, tree }) => vni === frame.vni && tree === frame.label) ?? false
    return { isDelivered: isOnTree, onward: flooded(spec, frame) }
  }
  const entry = spec.labels?.find(({ label }) => label === frame.label)
  return { isDelivered: false, onward: entry ? over(spec, frame, entry.link, entry.nextLabel) : [] }
}

const run = (holdings: Holdings, first: Frame[]): Map<string, number> => {
  const delivered = new Map<string, number>()
  const frames = [...first]
  for (let frame = frames.pop(); frame; frame = frames.pop()) {
    const { isDelivered, onward } = receive(holdings, frame)
    if (isDelivered) delivered.set(frame.at, (delivered.get(frame.at) ?? 0) + 1)
    frames.push(...onward)
    if (frames.length > 10_000) throw new Error(`a frame of network ${frame.vni} multiplies`)
  }
  return delivered
}

/** Times that a frame for a VM on `to` is delivered there. A delivery elsewhere finds no such VM. */
export const sendFrame = (holdings: Holdings, network: string, from: string, to: string): number => {
  const spec = holdings.get(from)
  const entry = byName(spec, network)
  if (!entry?.access) return 0
  const frame = { vni: entry.vni, label: DELIVER, from: '', at: from, hops: 0 }
  const route = entry.routes.find((each) => each.to === to)
  const direct = spec?.links?.find(({ bridge }) => bridge === to)
  if (route) return run(holdings, over(spec, frame, route.link, route.label)).get(to) ?? 0
  return direct ? (run(holdings, over(spec, frame, direct.id, DELIVER)).get(to) ?? 0) : 0
}

/** Times that a broadcast from a VM on `from` is delivered at each bridge. */
export const floodFrame = (holdings: Holdings, network: string, from: string): Map<string, number> => {
  const spec = holdings.get(from)
  const entry = byName(spec, network)
  if (!entry?.access) return new Map()
  const frame = { vni: entry.vni, label: entry.floodTree, from: '', at: from, hops: 0 }
  if (entry.floodTree > 0) return run(holdings, flooded(spec, frame))
  return run(
    holdings,
    entry.links.flatMap((link) => over(spec, frame, link, DELIVER_ONLY)),
  )
}
