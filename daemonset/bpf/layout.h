/* Keys and values of every map, as the agent writes them (codecs: ../wire). Integers are in host order, MACs and addresses in
 * wire order. An IP address is 16 bytes, IPv4 as ::ffff:a.b.c.d. `zero` fields are written 0, so that equal keys are equal bytes.
 * The layout version changes with any change here; maps of two versions live in two pin folders. */
#ifndef VNET_LAYOUT_H
#define VNET_LAYOUT_H

#include <linux/bpf.h>

#define LAYOUT_VERSION 3
#define MAC_BYTES 6
#define ADDRESS_BYTES 16
#define MAX_NETWORK_PORTS 256
#define MAX_TREE_LINKS 1024

#define META_FAST_PATH 1u /* frames may take the fast path; without it every frame takes the slow one */
#define META_INLET 2u	   /* there is an inlet (inlet.h) on the UDP port after ours */

/* meta[0]. Written last: until `layout` is LAYOUT_VERSION every program of ours drops. */
struct meta {
	__u32 layout;
	__u32 udp_port;
	__u32 mark; /* skb mark of our own encapsulated frames */
	__u32 flags;
	__u64 overlay; /* first 8 bytes of sha256(overlay UID) */
	__u64 node;    /* the same of the node UID */
	__u64 serial;  /* the agent's, of what the maps hold */
};

#define PORT_OPEN 1u /* may send and receive; a closed port does neither */
#define PORT_PEER 2u /* a veth whose other end is in another network namespace; else (TAP, same namespace) frames go out by the device */

/* ports[ifindex] */
struct port {
	__u32 vni;
	__u32 flags;
	__u8 mac[MAC_BYTES]; /* the only source address the port may use */
	__u16 zero;
};

/* macs: who owns a MAC. `ifindex` != 0: a port of this node; else the bridge that has it. */
struct mac_key {
	__u32 vni;
	__u8 mac[MAC_BYTES];
	__u16 zero;
};
struct mac_owner {
	__u64 bridge;
	__u32 ifindex;
	__u32 zero;
};

/* paths: how to reach a bridge from here; a root, replaced in one write. Label 0 is a direct link. */
struct path_key {
	__u64 bridge;
	__u32 vni;
	__u32 zero;
};
struct path {
	__u32 link;
	__u32 label;
};

/* labels[label]: the rest of one path, never changed while in use. */
struct label_entry {
	__u32 link;
	__u32 next_label;
};

#define LINK_UP 1u
#define LINK_IPV6 2u /* outer addresses are IPv6 */

/* links[link id] */
struct link {
	__u8 remote[ADDRESS_BYTES];
	__u8 local[ADDRESS_BYTES]; /* all zero: the route chooses */
	__u32 tunnel_ifindex;
	__u32 flags;
	__u32 frame_bytes; /* longest inner frame, Ethernet header included, that fits; 0: not known */
	__u32 zero;
};

/* peers[outer source] = link id (__u32) */
struct peer_key {
	__u8 address[ADDRESS_BYTES];
};

/* peer_networks: presence is the permission; the value (__u32) is 1. */
struct peer_network_key {
	__u32 link;
	__u32 vni;
};

/* networks[vni] */
struct network {
	__u32 flood_tree; /* 0: to each link of trees[vni, 0] with label 1; else the label of the tree to flood on */
	__u32 zero;
};

/* trees[vni, tree]: links of this bridge on the tree. `stamp` differs between any two lists ever written: the kernel may reuse a
 * replaced value at once, and a reader that is still inside then stops instead of following a foreign list. */
struct tree_key {
	__u32 vni;
	__u32 tree;
};
struct tree {
	__u32 count;
	__u32 stamp;
	__u16 links[MAX_TREE_LINKS];
};

/* network_ports[vni]: the open ports of a network on this node; stamp as above. */
struct network_ports {
	__u32 count;
	__u32 stamp;
	__u32 ifindexes[MAX_NETWORK_PORTS];
};

/* flows: what each pair of MACs sent into the network here, and how the last frame of it left: the fast path repeats that. A
 * super-frame counts its segments as packets, its length as bytes. `expires` 0: nothing to repeat. */
struct flow_key {
	__u32 ifindex; /* port it came from */
	__u8 source[MAC_BYTES];
	__u8 destination[MAC_BYTES];
};
#define OUTER_IPV4_BYTES 50 /* Ethernet, IPv4, UDP, VXLAN */
#define OUTER_IPV6_BYTES 70
struct flow {
	__u64 packets;
	__u64 bytes;
	__u64 expires; /* CLOCK_MONOTONIC_COARSE */
	__u32 vni;
	__u32 generation; /* of everything that the header was made from */
	__u32 link;
	__u32 ifindex; /* underlay device */
	__u32 frame_bytes;
	__u32 sum; /* of the outer IPv4 header without length, ECN and checksum */
	__u8 header[OUTER_IPV6_BYTES];
	__u16 header_bytes;
};

/* hops[link id]: how the kernel last sent a datagram over the link, read off at the underlay's egress. */
struct hop {
	__u64 learned; /* CLOCK_MONOTONIC_COARSE */
	__u32 generation;
	__u32 ifindex;
	__u8 ethernet[2 * MAC_BYTES]; /* destination, source */
	__u8 zero[4];
	__u8 source[ADDRESS_BYTES];
};

/* arrivals[hash of the first part]: what the maps said of the last datagram like this one, on this CPU. A label speaks of all MACs, so its
 * `mac` is zero. `action` 0: nothing. */
#define ARRIVALS 1024
struct known_arrival {
	__u8 source[ADDRESS_BYTES];
	__u8 destination[ADDRESS_BYTES];
	__u32 vni;
	__u32 gbp;
	__u8 mac[MAC_BYTES];
	__u16 action; /* enum action */
	__u32 generation;
	__u32 from; /* link it came over */
	__u32 target; /* ifindex of a port, or link to send on over */
	__u32 detail; /* flags of the port, or label to send on with */
};

/* generations[0]: of links and underlay; generations[1 + vni % (GENERATIONS - 1)]: of a network. Raised after each write that changes or
 * removes something; what was made from maps is good while its sum of both stays the same. */
#define GENERATIONS 1024

/* port_stats: exact, where flows forgets pairs that are idle. */
struct port_key {
	__u32 vni;
	__u32 ifindex;
};
struct port_count {
	__u64 packets;
	__u64 bytes;
};

/* path_stats: frames by direction and path; a super-frame is one. */
enum path_stat { SENT_FAST, SENT_SLOW, RECEIVED_FAST, RECEIVED_SLOW, RELAYED_FAST, RELAYED_SLOW, PATH_STATS };

/* link_stats[link id], inner frames */
struct link_count {
	__u64 tx_packets;
	__u64 tx_bytes;
	__u64 rx_packets;
	__u64 rx_bytes;
};

/* network_drops: the same counts as drops[reason], by network; VNI 0 where none is known. */
struct network_drop_key {
	__u32 vni;
	__u32 reason;
};

#endif
