// For tests: publication in a world of changing wishes, and what must hold in it at every moment.
import * as assert from 'uvu/assert'
import { expandLinkSets } from '#crds/link-sets.ts'
import type { NodeBridgeSpec } from '#crds/node-bridge.ts'
import { compile } from '#operator/compile/compile.ts'
import type { LinkInput, NetworkInput } from '#operator/compile/input.ts'
import { isReachable } from '#operator/compile/topology.ts'
import { type Draw, SimulatedOverlay } from './simulated-overlay.ts'
import type { DesiredNetwork } from './situation.ts'

export const NAMES = ['east/a', 'east/b', 'east/c', 'west/a', 'west/b', 'west/c']
const NETWORKS = ['team/blue', 'team/red']

export type Wish = { vni: number; clusters: string[]; topology: NetworkInput['topology'] } | undefined
export type Desire = { wishes: Wish[]; links: LinkInput[]; unready: string[] }
export type Event =
  | { kind: 'desire'; desire: Desire }
  | { kind: 'publish'; written: number }
  | { kind: 'apply' | 'report'; bridge: string; skip: number }
  | { kind: 'restart' | 'settle' }
  | { kind: 'delete' | 'add' | 'settleWithout'; bridge: string }

/** Reproducible numbers for the mixes of one run (a linear congruential generator: quality does not matter here). */
const drawFrom = (seed: number): Draw => {
  let state = seed
  return (bound) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * bound)
  }
}

export class PublicationWorld {
  readonly overlay = new SimulatedOverlay()
  readonly #stuck: ReadonlySet<string>
  readonly #draw: Draw
  readonly #revisions = new Map<string, { content: string; revision: number }>()
  /** Pairs that frames have reached: from then on they must, in whatever mix of specs. */
  readonly #established = new Set<string>()
  /** Pairs that were not to be connected, and the numbers of specs at that time: what bridges hold may be of the time before. */
  readonly #broken = new Map<string, ReadonlyMap<string, number>>()
  readonly #desired = new Set<string>()
  #desire: Desire = { wishes: [], links: [], unready: [] }

  constructor(stuck: readonly string[], seed: number) {
    this.#stuck = new Set(stuck)
    this.#draw = drawFrom(seed)
    for (const name of NAMES) this.overlay.addBridge(name)
  }

  #recompile(): void {
    const networks = this.#desire.wishes.flatMap((wish, index): NetworkInput[] =>
      wish === undefined
        ? []
        : [
            {
              ...wish,
              network: NETWORKS[index] as string,
              created: '',
              vni: 1 + index + wish.vni,
              device: 'vn',
              mtuBytes: 1450,
              labels: {},
            },
          ],
    )
    const { topologies } = compile({
      bridges: this.overlay.bridges().map((name) => ({
        bridge: name,
        cluster: name.split('/')[0] as string,
        labels: {},
        addresses: ['192.0.2.1'],
        nodeUID: name,
        isReady: !this.#desire.unready.includes(name),
      })),
      sites: new Map(),
      networks,
      links: this.#desire.links,
      holdings: new Map(),
    })
    const numbered = [...topologies].map(([name, topology]): [string, DesiredNetwork] => {
      const content = JSON.stringify([topology, [...topology.neighbours.keys()], [...(topology.tree?.keys() ?? [])]])
      const known = this.#revisions.get(name)
      const revision = known?.content === content ? known.revision : (known?.revision ?? 0) + 1
      this.#revisions.set(name, { content, revision })
      return [name, { ...topology, revision }]
    })
    this.overlay.networks = new Map(numbered)
    this.#breakPairs((network, from, to) => !isReachable(network, from, to))
  }

  /** Takes back the promise for pairs, until no bridge holds a spec of the time before. */
  #breakPairs(isBroken: (network: DesiredNetwork, from: string, to: string) => boolean): void {
    const mark = this.overlay.mark()
    const networks = NETWORKS.flatMap((name, index) => [1 + index, 3 + index].map((vni) => ({ name, vni })))
    for (const { name, vni } of networks)
      for (const from of NAMES)
        for (const to of NAMES) {
          const network = this.overlay.networks.get(name)
          const isCarried = network?.vni === vni && network.access.has(from) && network.access.has(to)
          const pair = `${name} ${vni} ${from} ${to}`
          const wasDesired = this.#desired.has(pair)
          const isDesired = isCarried && !isBroken(network, from, to)
          if (isDesired) this.#desired.add(pair)
          else this.#desired.delete(pair)
          if (isDesired && wasDesired) continue
          this.#broken.set(pair, mark)
          for (const kind of ['unicast', 'flood']) this.#established.delete(`${kind} ${pair}`)
        }
  }

  run(event: Event): void {
    if (event.kind === 'desire') {
      this.#desire = event.desire
      this.#recompile()
    } else if (event.kind === 'publish')
      this.overlay.publish((name) => ((event.written >> NAMES.indexOf(name)) & 1) === 1)
    else if (event.kind === 'apply' && !this.#stuck.has(event.bridge))
      this.overlay.apply(event.bridge, (bound) => Math.min(event.skip, bound - 1))
    else if (event.kind === 'report' && !this.#stuck.has(event.bridge)) this.overlay.report(event.bridge)
    else if (event.kind === 'restart') this.overlay.restartHub()
    else if (event.kind === 'settle') this.overlay.settle(this.#stuck)
    else if (event.kind === 'settleWithout') this.overlay.settle(new Set([...this.#stuck, event.bridge]))
    else if (event.kind === 'delete' || event.kind === 'add') this.#changeBridge(event.kind, event.bridge)
  }

  #changeBridge(kind: 'delete' | 'add', name: string): void {
    const isThere = this.overlay.bridges().includes(name)
    if (isThere === (kind === 'add')) return
    if (kind === 'add') this.overlay.addBridge(name)
    // Paths over a machine that is taken away break at once; nothing could be made before.
    else this.overlay.deleteBridge(name)
    this.#recompile()
    this.#breakPairs(() => true)
  }

  #pairs(): { network: DesiredNetwork; from: string; to: string }[] {
    return [...this.overlay.networks.values()].flatMap((network) =>
      [...network.access].flatMap((from) =>
        [...network.access].filter((to) => to !== from).map((to) => ({ network, from, to })),
      ),
    )
  }

  /** No copy twice, no circle, and nothing lost that worked before; over the present specs and over mixes that may come about. */
  check(): void {
    const present = this.overlay.holdings()
    for (const [pair, mark] of this.#broken) if (this.overlay.isPast(mark)) this.#broken.delete(pair)
    for (const holdings of [present, this.overlay.holdings(this.#draw), this.overlay.holdings(this.#draw)])
      for (const { network, from, to } of this.#pairs()) {
        const name = network.network
        const copies = {
          unicast: this.overlay.unicast(name, from, to, holdings),
          flood: this.overlay.flood(name, from, holdings).get(to) ?? 0,
        }
        for (const kind of ['unicast', 'flood'] as const) {
          const pair = `${name} ${network.vni} ${from} ${to}`
          const key = `${kind} ${pair}`
          assert.ok(copies[kind] <= 1, `${key}: ${copies[kind]} copies`)
          if (this.#established.has(key)) assert.is(copies[kind], 1, `${key}: lost`)
          else if (
            holdings === present &&
            copies[kind] === 1 &&
            isReachable(network, from, to) &&
            !this.#broken.has(pair)
          )
            this.#established.add(key)
        }
      }
  }

  /** When all have answered: exactly one copy for all that are connected, and nothing old is left. */
  checkAtRest(): void {
    const { waiting } = this.overlay.settle()
    assert.equal(waiting, [])
    const holdings = this.overlay.holdings()
    for (const { network, from, to } of this.#pairs()) {
      const expected = isReachable(network, from, to) ? 1 : 0
      const name = network.network
      assert.is(this.overlay.unicast(name, from, to, holdings), expected, `at rest, unicast ${name} ${from} ${to}`)
      const flooded = this.overlay.flood(name, from, holdings).get(to) ?? 0
      assert.is(flooded, expected, `at rest, flood ${name} ${from} ${to}`)
    }
    for (const [name, spec] of this.overlay.published()) this.#checkNothingIsLeft(name, expandLinkSets(spec))
  }

  #checkNothingIsLeft(name: string, spec: NodeBridgeSpec): void {
    const networks = [...this.overlay.networks.values()].filter(({ neighbours }) => neighbours.has(name))
    assert.is(spec.networks?.length, networks.length, `${name}: networks`)
    assert.is(spec.trees?.length, networks.filter(({ tree }) => tree?.has(name)).length, `${name}: trees`)
    const neighbours = new Set(networks.flatMap((network) => [...(network.neighbours.get(name) ?? [])]))
    assert.is(spec.links?.length, neighbours.size, `${name}: links`)
    for (const network of networks) {
      const entry = spec.networks?.find((each) => each.name === network.network)
      assert.is(entry?.links.length, network.neighbours.get(name)?.size, `${name}: links of ${network.network}`)
    }
    const remainders = new Set(
      networks.flatMap(({ routes }) =>
        [...routes.values()].flatMap((paths) =>
          [...paths.values()].flatMap((path) => {
            const at = path.indexOf(name)
            return at > 0 && at < path.length - 1 ? [path.slice(at).join('>')] : []
          }),
        ),
      ),
    )
    assert.is(spec.labels?.length, remainders.size, `${name}: labels`)
  }
}
