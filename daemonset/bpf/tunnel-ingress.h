/* A frame that a peer sent: delivered here, sent on by its label, or both. A miss never falls through to another rule. */
#ifndef VNET_TUNNEL_INGRESS_H
#define VNET_TUNNEL_INGRESS_H

#include "configuration.h"
#include "flood.h"
#include "frame.h"

/* What tunnel rules need to know of a frame. */
struct passage {
	struct arrival arrival;
	__u32 link; /* it came from */
	__u32 mark;
};

static __always_inline int send_on(struct __sk_buff *skb, const struct passage *passage, __u32 link, __u32 gbp)
{
	const struct arrival *arrival = &passage->arrival;
	if (arrival->ttl <= 1)
		return drop(arrival->vni, DROP_TTL_EXPIRED);
	struct wrapping wrapping = {.vni = arrival->vni, .gbp = gbp, .ttl = arrival->ttl - 1, .mark = passage->mark};
	return send(skb, link, &wrapping);
}

/* Guests see no tags of others: a tag is refused here too, as at the port. */
static __always_inline __u32 read_untagged(struct __sk_buff *skb, struct frame *frame)
{
	if (!read_frame(skb, frame))
		return DROP_RUNT;
	return is_tagged(skb, frame) ? DROP_VLAN_TAGGED : 0;
}

/* The old home of a moved MAC sends the frame on once, and marks it so. */
static __always_inline int follow_move(struct __sk_buff *skb, const struct passage *passage, __u64 bridge)
{
	__u32 vni = passage->arrival.vni;
	const struct path *path = path_to(vni, bridge);
	if (!path)
		return drop(vni, DROP_PATH_UNKNOWN);
	__u32 label = path->label;
	return send_on(skb, passage, path->link, label ? label | GBP_FORWARDED : LABEL_DELIVER_ONLY);
}

static __always_inline int deliver_by_mac(struct __sk_buff *skb, const struct passage *passage)
{
	__u32 vni = passage->arrival.vni;
	struct frame frame;
	__u32 reason = read_untagged(skb, &frame);
	if (reason)
		return drop(vni, reason);
	const struct mac_owner *owner = owner_of(vni, frame.destination);
	if (!owner)
		return drop(vni, DROP_DESTINATION_UNKNOWN);
	if (owner->ifindex)
		return deliver(skb, vni, owner->ifindex);
	if (passage->arrival.gbp & GBP_FORWARDED)
		return drop(vni, DROP_NOT_OWNER);
	return follow_move(skb, passage, owner->bridge);
}

static __always_inline int deliver_only(struct __sk_buff *skb, const struct passage *passage)
{
	__u32 vni = passage->arrival.vni;
	struct frame frame;
	__u32 reason = read_untagged(skb, &frame);
	if (reason)
		return drop(vni, reason);
	if (mac_is_group(frame.destination)) {
		flood_ports(skb, vni, 0);
		return TC_ACT_STOLEN;
	}
	const struct mac_owner *owner = owner_of(vni, frame.destination);
	if (!owner || !owner->ifindex)
		return drop(vni, DROP_NOT_OWNER);
	return deliver(skb, vni, owner->ifindex);
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
	else if (copy_to_port(skb, ifindex) < 0)
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
	__u32 reason = read_untagged(skb, &frame);
	if (reason)
		return drop(arrival->vni, reason);
	deliver_copies(skb, arrival->vni, &frame);
	/* A leaf sends to nobody, so an expired TTL is no loss there. */
	if (tree->count <= 1)
		return TC_ACT_STOLEN;
	if (arrival->ttl <= 1)
		return drop(arrival->vni, DROP_TTL_EXPIRED);
	struct wrapping wrapping = {.vni = arrival->vni, .gbp = id, .ttl = arrival->ttl - 1, .mark = passage->mark};
	flood_links(skb, tree, &wrapping, passage->link);
	return TC_ACT_STOLEN;
}

static __always_inline int send_by_label(struct __sk_buff *skb, const struct passage *passage, __u32 label)
{
	const struct label_entry *entry = bpf_map_lookup_elem(&labels, &label);
	if (!entry)
		return drop(passage->arrival.vni, DROP_LABEL_UNKNOWN);
	return send_on(skb, passage, entry->link, entry->next_label | (passage->arrival.gbp & GBP_FORWARDED));
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
	const __u32 *link = bpf_map_lookup_elem(&peers, &passage.arrival.peer);
	if (!link)
		return drop(0, DROP_PEER_UNKNOWN);
	passage.link = *link;
	account_received(skb, passage.link);
	if (!may_send(passage.link, passage.arrival.vni))
		return drop(passage.arrival.vni, DROP_NETWORK_NOT_CARRIED);
	__u32 label = passage.arrival.gbp & LABEL_LAST;
	if (label == LABEL_DELIVER)
		return deliver_by_mac(skb, &passage);
	if (label == LABEL_DELIVER_ONLY)
		return deliver_only(skb, &passage);
	if (label < LABEL_PATH_FIRST)
		return drop(passage.arrival.vni, DROP_LABEL_RESERVED);
	return label < LABEL_TREE_FIRST ? send_by_label(skb, &passage, label) : flood_from_tree(skb, &passage, label);
}

#endif
