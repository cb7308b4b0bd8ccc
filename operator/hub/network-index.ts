// Users' networks as decisions ask for them: each looks at all others, so these are put in order once. Pure.
import { networkKey } from '#crds/names.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'

export const keyOfNetwork = ({ metadata }: VirtualNetwork): string =>
  networkKey(metadata.namespace ?? '', metadata.name)

export const classNameOf = ({ spec }: VirtualNetwork): string => spec.className ?? 'default'

/** Sorts by who came first. */
const ageOf = ({ metadata }: VirtualNetwork): string => `${metadata.creationTimestamp ?? ''} ${metadata.uid ?? ''}`

const groupBy = <Key>(
  networks: readonly VirtualNetwork[],
  keyOf: (network: VirtualNetwork) => Key | undefined,
): Map<Key, VirtualNetwork[]> => {
  const groups = new Map<Key, VirtualNetwork[]>()
  for (const network of networks) {
    const key = keyOf(network)
    if (key === undefined) continue
    const group = groups.get(key)
    if (group) group.push(network)
    else groups.set(key, [network])
  }
  return groups
}

const shareOf = (network: VirtualNetwork): string => `${network.metadata.namespace} ${classNameOf(network)}`

export class NetworkIndex {
  readonly #byVni: ReadonlyMap<number, readonly VirtualNetwork[]>
  readonly #byShare: ReadonlyMap<string, readonly string[]>

  constructor(networks: readonly VirtualNetwork[]) {
    this.#byVni = groupBy(networks, ({ status }) => status?.vni)
    this.#byShare = new Map([...groupBy(networks, shareOf)].map(([share, group]) => [share, group.map(ageOf).sort()]))
  }

  /** Another network that has the number. Where two have the same, the older network keeps it. */
  holderOf(vni: number, network: VirtualNetwork): string | undefined {
    const holder = this.#byVni.get(vni)?.find((other) => {
      if (keyOfNetwork(other) === keyOfNetwork(network)) return false
      return network.status?.vni !== vni || ageOf(other) <= ageOf(network)
    })
    return holder && keyOfNetwork(holder)
  }

  /** How many networks of the same class and namespace came before. */
  olderThan(network: VirtualNetwork): number {
    const ages = this.#byShare.get(shareOf(network)) ?? []
    const own = ageOf(network)
    let [low, high] = [0, ages.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((ages[middle] as string) < own) low = middle + 1
      else high = middle
    }
    return low
  }
}
