// Names and numbers that several parts must derive alike. Pure: a digest (SHA-256, hexadecimal) comes in as an argument.

/** Computes the hexadecimal SHA-256 of a UTF-8 text (`runtime/digest.ts`). */
export type Digest = (text: string) => string

/** `namespace/name`: how we write a network. */
export const networkKey = (namespace: string, name: string): string => `${namespace}/${name}`

/** `cluster/node`: how we write a bridge. */
export const bridgeKey = (cluster: string, node: string): string => `${cluster}/${node}`

/** Splits `left/right`; the right side is empty when there is no slash. */
export const splitKey = (key: string): [left: string, right: string] => {
  const slash = key.indexOf('/')
  return slash < 0 ? [key, ''] : [key.slice(0, slash), key.slice(slash + 1)]
}

/** Namespace on the hub through which a member cluster and the hub exchange objects. */
export const mailboxNamespace = (cluster: string): string => `vnet-cluster-${cluster}`

/** Name of a network's object in a mailbox. A namespace holds no dot, so the name is unambiguous. */
export const projectionName = (network: string): string => network.replace('/', '.')

/** Inverse of `projectionName`. */
export const networkOfProjection = (name: string): string => name.replace('.', '/')

/**
 * Name of an endpoint slice. Neither a namespace nor a cluster holds a dot, so it is unambiguous: with dashes, `a` in cluster `b-c` and `a-b` in
 * cluster `c` had the same name.
 */
export const sliceName = (network: string, cluster: string, index: number): string =>
  `${projectionName(network)}.${cluster}.${index}`

/** Number of a slice; undefined when the name is not that of a slice of this network and cluster. */
export const sliceIndex = (name: string, network: string, cluster: string): number | undefined => {
  const [digits = ''] = /(?<=\.)(0|[1-9]\d{0,3})$/.exec(name) ?? []
  return digits && name === sliceName(network, cluster, Number(digits)) ? Number(digits) : undefined
}

/** The form of `bridgeDevice`, for patterns. */
export const BRIDGE_DEVICE_FORM = 'vn[0-9a-v]{13}'

/**
 * Linux bridge of a network on each node: all 15 characters that the kernel allows, with 65 bits of the digest, so that nobody can search for a
 * network name that arrives at the bridge of another's network.
 */
export const bridgeDevice = (network: string, digest: Digest): string => {
  const bits = BigInt(`0x${digest(network).slice(0, 17)}`) >> 3n
  return `vn${bits.toString(32).padStart(13, '0')}`
}

/** Key of a bridge in eBPF maps: the first 8 bytes of the digest of `cluster/node`. */
export const bridgeId = (bridge: string, digest: Digest): bigint => BigInt(`0x${digest(bridge).slice(0, 16)}`)

export const VNI_MAX = 0xfffffe
const VNI_PROBES = 1000

/** Number `probe` (from 0) of the sequence in which a network looks for a free VNI. */
export const vniCandidate = (network: string, probe: number, digest: Digest): number =>
  1 + (Number.parseInt(digest(`${network}#${probe}`).slice(0, 6), 16) % VNI_MAX)

/**
 * VXLAN network identifier of a network: the first free number of a sequence that depends on its name alone, so that a hub restored
 * from Git arrives at the same numbers. `isTaken` answers for all other networks.
 * @throws Error when 1,000 probes in a row are taken.
 */
export const allocateVni = (network: string, isTaken: (vni: number) => boolean, digest: Digest): number => {
  for (let probe = 0; probe < VNI_PROBES; probe++) {
    const vni = vniCandidate(network, probe, digest)
    if (!isTaken(vni)) return vni
  }
  throw new Error(`allocating a VNI for ${network}: ${VNI_PROBES} candidates are taken; set spec.vni to a free number`)
}

/** Whether a set of labels has all pairs of a selector; an empty selector matches everything. */
export const matchesLabels = (
  selector: Record<string, string> | undefined,
  labels: Record<string, string> | undefined,
): boolean => Object.entries(selector ?? {}).every(([key, value]) => labels?.[key] === value)
