/* A frame that came out of the VXLAN device: delivered here, sent on by its label, or both. */
#ifndef VNET_TUNNEL_INGRESS_H
#define VNET_TUNNEL_INGRESS_H

#include "configuration.h"
#include "tunnel-rules.h"

static __always_inline int send_on(struct __sk_buff *skb, const struct passage *passage, const struct decision *decision)
{
	const struct arrival *arrival = &passage->arrival;
	struct wrapping wrapping = {.vni = arrival->vni, .gbp = decision->gbp, .ttl = arrival->ttl - 1, .mark = passage->mark};
	count_path(RELAYED_SLOW);
	return send(skb, decision->link, &wrapping);
}

static __always_inline int flood_here(struct __sk_buff *skb, __u32 vni)
{
	flood_ports(skb, vni, 0);
	return COPIED;
}

/* Local copies of a frame on a tree: a group address is for all ports, a unicast one for its owner. */
static __always_inline void deliver_copies(struct __sk_buff *skb, __u32 vni, const struct frame *frame)
{
	if (mac_is_group(frame->destination)) {
		flood_ports(skb, vni, 0);
		return;
	}
	const struct mac_owner *owner = owner_of(vni, frame->destination);
	if (!owner || !owner->ifindex)
		return;
	__u32 ifindex = owner->ifindex;
	__u32 reason = port_refusal(bpf_map_lookup_elem(&ports, &ifindex), vni);
	if (reason)
		drop(vni, reason);
	else if (copy_to_port(skb, ifindex))
		drop(vni, DROP_COPY);
}

static __always_inline int flood_from_tree(struct __sk_buff *skb, const struct passage *passage, __u32 id)
{
	const struct arrival *arrival = &passage->arrival;
	const struct tree *tree = tree_of(arrival->vni, id);
	if (!tree)
		return drop(arrival->vni, DROP_TREE_UNKNOWN);
	if (!is_tree_neighbour(tree, passage->link))
		return drop(arrival->vni, DROP_TREE_NEIGHBOUR);
	struct frame frame;
	__u32 reason = read_untagged(skb, 0, &frame);
	if (reason)
		return drop(arrival->vni, reason);
	deliver_copies(skb, arrival->vni, &frame);
	tree = tree_of(arrival->vni, id);
	if (!tree)
		return drop(arrival->vni, DROP_TREE_UNKNOWN);
	/* A leaf sends to nobody, so an expired TTL is no loss there. */
	if (tree->count <= 1)
		return COPIED;
	if (arrival->ttl <= 1)
		return drop(arrival->vni, DROP_TTL_EXPIRED);
	struct wrapping wrapping = {.vni = arrival->vni, .gbp = id, .ttl = arrival->ttl - 1, .mark = passage->mark};
	flood_links(skb, tree, &wrapping, passage->link);
	return COPIED;
}

static __always_inline int carry_out(struct __sk_buff *skb, const struct passage *passage, const struct decision *decision)
{
	__u32 vni = passage->arrival.vni;
	switch (decision->action) {
	case ACTION_DELIVER:
		count_path(RECEIVED_SLOW);
		return deliver(skb, vni, decision->ifindex);
	case ACTION_SEND_ON:
		return send_on(skb, passage, decision);
	case ACTION_FLOOD_PORTS:
		return flood_here(skb, vni);
	case ACTION_FLOOD_TREE:
		return flood_from_tree(skb, passage, decision->gbp);
	default:
		return drop(vni, decision->reason);
	}
}

static __always_inline int from_tunnel(struct __sk_buff *skb)
{
	struct passage passage = {};
	const struct meta *settings = configuration();
	if (!settings)
		return drop(0, DROP_NOT_CONFIGURED);
	passage.mark = settings->mark;
	if (read_arrival(skb, &passage.arrival))
		return drop(0, DROP_TUNNEL_METADATA);
	if (!recognise(&passage))
		return drop(0, DROP_PEER_UNKNOWN);
	account_received(passage.link, packets_of(skb, 0, skb->len), skb->len);
	struct decision decision = decide(skb, &passage, 0);
	return carry_out(skb, &passage, &decision);
}

#endif
