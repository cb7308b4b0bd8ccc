/* How the underlay is left towards a neighbour. The kernel knows: its VXLAN device routes, resolves the neighbour, and passes the host's
 * firewall. What it sent is read off at the device's egress, and repeated for a second; then the kernel is asked again by one frame.
 * So a new gateway, another interface, a dead neighbour or a new firewall rule are noticed without anybody telling us. */
#ifndef VNET_HOP_H
#define VNET_HOP_H

#include "generation.h"
#include "outer-header.h"

#define HOP_AGE_NS 1000000000ull
/* In transit the VXLAN device would let later frames of a TCP flow overtake the one that asks. There the neighbour alone is asked, which
 * keeps the order, and the route only when that has had no answer for so long. */
#define HOP_LIMIT_NS 4000000000ull

/* NULL: ask the kernel. */
static __always_inline const struct hop *hop_over(__u32 link, __u64 now, __u64 limit)
{
	const struct hop *hop = bpf_map_lookup_elem(&hops, &link);
	if (!hop || now - hop->learned >= limit || hop->generation != underlay_generation())
		return NULL;
	return hop;
}

static __always_inline void learn_hop(struct __sk_buff *skb, const struct meta *settings, __u64 now, const bool ipv6)
{
	void *data = (void *)(long)skb->data;
	struct outer outer;
	if (!parse_outer(data, (void *)(long)skb->data_end, settings->udp_port, ipv6, &outer))
		return;
	/* A device without Ethernet headers would have to carry this byte pair by chance. */
	if (((struct ethhdr *)data)->h_proto != skb->protocol)
		return;
	__u32 generation = underlay_generation();
	const __u32 *link = bpf_map_lookup_elem(&peers, &outer.destination);
	if (!link)
		return;
	struct hop hop = {.learned = now, .generation = generation, .ifindex = skb->ifindex};
	copy_address(hop.source, outer.arrival.peer.address);
	__builtin_memcpy(hop.ethernet, data, sizeof(hop.ethernet));
	bpf_map_update_elem(&hops, link, &hop, BPF_ANY);
}

#endif
