// The way of a frame through the overlay, read from what the bridges were told. Pure.
import type { NodeBridgeSpec } from '#crds/node-bridge.ts'

export type Hop = { bridge: string; link: number; to: string; address: string; label: number }
export type Trace = { hops: Hop[] /** Why the frame does not arrive. */; failure?: string }

const linkOf = (spec: NodeBridgeSpec, id: number) => spec.links?.find((link) => link.id === id)

type Step = { link: number; label: number }

const firstStep = (spec: NodeBridgeSpec, network: string, to: string): Step | string => {
  const entry = spec.networks?.find(({ name }) => name === network)
  if (!entry) return `${spec.bridge} does not carry network ${network}`
  const route = entry.routes.find((candidate) => candidate.to === to)
  if (route) return route
  const direct = spec.links?.find(({ bridge, id }) => bridge === to && entry.links.includes(id))
  return direct ? { link: direct.id, label: 0 } : `${spec.bridge} has no path to ${to} on network ${network}`
}

/** Follows a unicast frame of `network` from the bridge `from` to the bridge `to`, as the data plane would. */
export const tracePath = (specs: Map<string, NodeBridgeSpec>, network: string, from: string, to: string): Trace => {
  const hops: Hop[] = []
  const start = specs.get(from)
  if (!start) return { hops, failure: `there is no bridge ${from}` }
  if (from === to) return { hops }
  let spec = start
  let step = firstStep(spec, network, to)
  // No path is longer than the number of bridges, unless it is a loop.
  for (let count = 0; count <= specs.size; count++) {
    if (typeof step === 'string') return { hops, failure: step }
    const link = linkOf(spec, step.link)
    if (!link) return { hops, failure: `${spec.bridge} has no link ${step.link}` }
    const { label } = step
    hops.push({ bridge: spec.bridge ?? '', link: link.id, to: link.bridge, address: link.address, label })
    const next = specs.get(link.bridge)
    if (!next) return { hops, failure: `there is no bridge ${link.bridge}` }
    if (label === 0) return link.bridge === to ? { hops } : { hops, failure: `the path ends at ${link.bridge}` }
    const onward = next.labels?.find((entry) => entry.label === label)
    step = onward ? { link: onward.link, label: onward.nextLabel } : `${link.bridge} does not know label ${label}`
    spec = next
  }
  return { hops, failure: 'the path is a loop' }
}
