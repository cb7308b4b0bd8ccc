// Other overlays, from Debian's packages, each set up as its manual recommends.
export type PeerName = never

/** Each peer: what it adds to a frame, and how it joins two nodes. */
export const PEERS = {}
