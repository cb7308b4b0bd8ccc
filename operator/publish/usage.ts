// Who may still send over a label or a link of a network: what published routes lead over, followed number by number.
import type { BridgeRoute } from '#crds/node-bridge.ts'
import { hopsOf, type View } from './view.ts'

/** Longest chain of labels that is followed: more than any path has, so that broken numbers end the walk. */
const MAX_HOPS = 256

export type Usage = {
  /** A bridge whose published routes or labels lead to this label. */
  userOfLabel: (bridge: string, label: number) => string | undefined
  /** An ingress whose published route in the network leads over the link. */
  userOfLink: (network: string, a: string, b: string) => string | undefined
  /** Whether any published label leads over the link, whoever may use it. */
  isOnLabel: (a: string, b: string) => boolean
}

const between = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`)

/** In steps. */
export function* usageOf(view: View): Generator<void, Usage> {
  const labels = new Map<string, string>()
  const links = new Map<string, string>()
  const labelled = new Set<string>()

  const follow = (ingress: string, network: string, route: BridgeRoute): void => {
    let at = ingress
    let next = view.get(ingress)?.neighbourOf.get(route.link)
    let number = route.label
    for (let hop = 0; next !== undefined && hop < MAX_HOPS; hop++) {
      links.set(`${network} ${between(at, next)}`, ingress)
      const label = number === 0 ? undefined : view.get(next)?.labels.get(number)
      if (!label) return
      labels.set(`${next} ${number}`, ingress)
      at = next
      next = view.get(at)?.neighbourOf.get(label.link)
      number = label.nextLabel
    }
  }

  for (const [bridge, { labels: own, networks, neighbourOf }] of view) {
    for (const label of own.values()) {
      const hops = hopsOf(label)
      for (const [index, hop] of hops.slice(1).entries()) labelled.add(between(hops[index] as string, hop))
      const next = neighbourOf.get(label.link)
      if (next !== undefined && label.nextLabel !== 0) labels.set(`${next} ${label.nextLabel}`, bridge)
    }
    for (const [network, { routes }] of networks) for (const route of routes.values()) follow(bridge, network, route)
    yield
  }
  return {
    userOfLabel: (bridge, label) => labels.get(`${bridge} ${label}`),
    userOfLink: (network, a, b) => links.get(`${network} ${between(a, b)}`),
    isOnLabel: (a, b) => labelled.has(between(a, b)),
  }
}
