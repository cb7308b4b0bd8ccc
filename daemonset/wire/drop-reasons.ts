/** Why a frame was dropped, by its number in the `drops` map; the same list as ../bpf/drop-reasons.h. */
export const dropReasons = {
  NOT_CONFIGURED: {
    number: 1,
    text: 'The node agent has not filled the maps yet, or filled them for another version.',
  },
  PORT_UNKNOWN: { number: 2, text: 'The frame came from a device that is no port of a network.' },
  PORT_CLOSED: { number: 3, text: 'The port is not open: its VM has no binding on this node.' },
  RUNT: { number: 4, text: 'The frame has no payload behind its Ethernet header.' },
  VLAN_TAGGED: {
    number: 5,
    text: 'The frame carries a VLAN tag; only priority tags (VLAN 0) are accepted, and removed.',
  },
  SOURCE_ZERO: { number: 6, text: 'The source MAC is 00:00:00:00:00:00.' },
  SOURCE_MULTICAST: { number: 7, text: 'The source MAC is a group address.' },
  SOURCE_MAC: { number: 8, text: "The source MAC is not the one of the port's VM." },
  RESERVED_DESTINATION: {
    number: 9,
    text: 'The destination (01:80:c2:00:00:0X) is for the next bridge only: STP, LACP, LLDP.',
  },
  SAME_PORT: { number: 10, text: 'The destination is behind the port that the frame came from.' },
  PATH_UNKNOWN: { number: 11, text: 'There is no path to the bridge that has the destination.' },
  LINK_UNKNOWN: { number: 12, text: 'The path, label or tree names a link that this node does not have.' },
  LINK_DOWN: { number: 13, text: 'The link that the frame has to take is down.' },
  OVERSIZED: { number: 14, text: 'The frame is longer than the link can carry.' },
  FLOOD_UNKNOWN: { number: 15, text: 'The network has no flood list for other nodes; local ports got their copies.' },
  TUNNEL_METADATA: { number: 16, text: 'The frame came to the tunnel device without tunnel information.' },
  PEER_UNKNOWN: { number: 17, text: 'The outer source address is not one of a neighbouring bridge.' },
  NETWORK_NOT_CARRIED: { number: 18, text: 'The neighbouring bridge may not send this network.' },
  LABEL_RESERVED: { number: 19, text: 'The label (2 to 15) is reserved.' },
  LABEL_UNKNOWN: { number: 20, text: 'The path label is not known here.' },
  TREE_UNKNOWN: { number: 21, text: 'The flood tree is not known here for this network.' },
  TREE_NEIGHBOUR: { number: 22, text: 'The frame came over a link that is no part of its flood tree.' },
  TTL_EXPIRED: { number: 23, text: 'The frame crossed too many bridges.' },
  DESTINATION_UNKNOWN: { number: 24, text: 'Nobody is known to have the destination MAC in this network.' },
  NOT_OWNER: {
    number: 25,
    text: 'The frame may only be delivered here, and its destination is not here (usual for flooded unicast).',
  },
  DELIVERY_CLOSED: { number: 26, text: 'The port of the destination is gone or not open.' },
  DELIVERY_NETWORK: { number: 27, text: 'The port of the destination belongs to another network.' },
  ENCAPSULATION: { number: 28, text: 'The kernel refused the tunnel header.' },
  COPY: { number: 29, text: 'The kernel could not send a copy of a flooded frame.' },
  BRIDGE_GUARD: { number: 30, text: "The frame reached the network's Linux bridge, which forwards nothing." },
  UNDERLAY_GUARD: { number: 31, text: 'Somebody else on this node sent a datagram to the UDP port of the tunnel.' },
} as const

export type DropReason = keyof typeof dropReasons

/** Entries of the `drops` map; numbers without a reason are for later versions. */
export const DROP_REASONS = 64

/** The reason's name for a number of the map, or undefined for one of a newer version. */
export const dropReasonOf = (number: number): DropReason | undefined =>
  (Object.keys(dropReasons) as DropReason[]).find((name) => dropReasons[name].number === number)
