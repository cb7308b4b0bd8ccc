/* What is to be done with a frame that a peer sent. Deciding changes nothing and counts nothing, so that both paths ask the same rules and
 * only the one that carries a frame accounts for it. A miss never falls through to another rule. */
#ifndef VNET_TUNNEL_RULES_H
#define VNET_TUNNEL_RULES_H

#include "arrival.h"
#include "flood.h"
#include "frame.h"

/* What the rules need to know of a frame. */
struct passage {
	struct arrival arrival;
	__u32 link; /* it came from */
	__u32 mark;
};

enum action { ACTION_DROP, ACTION_DELIVER, ACTION_SEND_ON, ACTION_FLOOD_PORTS, ACTION_FLOOD_TREE };

struct decision {
	__u32 action;
	__u32 reason; /* of ACTION_DROP */
	__u32 ifindex; /* of ACTION_DELIVER */
	__u32 link; /* of ACTION_SEND_ON */
	__u32 gbp; /* of ACTION_SEND_ON; ACTION_FLOOD_TREE: the tree */
};

static __always_inline struct decision refused(__u32 reason)
{
	return (struct decision){.action = ACTION_DROP, .reason = reason};
}

static __always_inline struct decision decide_send_on(const struct passage *passage, __u32 link, __u32 gbp)
{
	if (passage->arrival.ttl <= 1)
		return refused(DROP_TTL_EXPIRED);
	/* Labels are shared by all networks; a neighbour must not carry one over our links that those do not have. */
	if (!may_send(link, passage->arrival.vni))
		return refused(DROP_NETWORK_NOT_CARRIED);
	return (struct decision){.action = ACTION_SEND_ON, .link = link, .gbp = gbp};
}

/* Guests see no tags of others: a tag is refused here too, as at the port. */
static __always_inline __u32 read_untagged(struct __sk_buff *skb, const __u32 offset, struct frame *frame)
{
	if (!read_frame_at(skb, offset, frame))
		return DROP_RUNT;
	return is_tagged(skb, frame) ? DROP_VLAN_TAGGED : 0;
}

/* The old home of a moved MAC sends the frame on once, and marks it so. */
static __always_inline struct decision follow_move(const struct passage *passage, __u64 bridge)
{
	const struct path *path = path_to(passage->arrival.vni, bridge);
	if (!path)
		return refused(DROP_PATH_UNKNOWN);
	__u32 label = path->label;
	return decide_send_on(passage, path->link, label ? label | GBP_FORWARDED : LABEL_DELIVER_ONLY);
}

static __always_inline struct decision decide_by_mac(struct __sk_buff *skb, const struct passage *passage, const __u32 offset)
{
	struct frame frame;
	__u32 reason = read_untagged(skb, offset, &frame);
	if (reason)
		return refused(reason);
	const struct mac_owner *owner = owner_of(passage->arrival.vni, frame.destination);
	if (!owner)
		return refused(DROP_DESTINATION_UNKNOWN);
	if (owner->ifindex)
		return (struct decision){.action = ACTION_DELIVER, .ifindex = owner->ifindex};
	return passage->arrival.gbp & GBP_FORWARDED ? refused(DROP_NOT_OWNER) : follow_move(passage, owner->bridge);
}

static __always_inline struct decision decide_deliver_only(struct __sk_buff *skb, const struct passage *passage, const __u32 offset)
{
	struct frame frame;
	__u32 reason = read_untagged(skb, offset, &frame);
	if (reason)
		return refused(reason);
	if (mac_is_group(frame.destination))
		return (struct decision){.action = ACTION_FLOOD_PORTS};
	const struct mac_owner *owner = owner_of(passage->arrival.vni, frame.destination);
	if (!owner || !owner->ifindex)
		return refused(DROP_NOT_OWNER);
	return (struct decision){.action = ACTION_DELIVER, .ifindex = owner->ifindex};
}

static __always_inline struct decision decide_by_label(const struct passage *passage, __u32 label)
{
	const struct label_entry *entry = bpf_map_lookup_elem(&labels, &label);
	if (!entry)
		return refused(DROP_LABEL_UNKNOWN);
	return decide_send_on(passage, entry->link, entry->next_label | (passage->arrival.gbp & GBP_FORWARDED));
}

/* False: nobody that we know. */
static __always_inline bool recognise(struct passage *passage)
{
	const __u32 *link = bpf_map_lookup_elem(&peers, &passage->arrival.peer);
	passage->link = link ? *link : 0;
	return link != NULL;
}

/* `offset`: of the inner frame in the buffer. */
static __always_inline struct decision decide(struct __sk_buff *skb, const struct passage *passage, const __u32 offset)
{
	if (!may_send(passage->link, passage->arrival.vni))
		return refused(DROP_NETWORK_NOT_CARRIED);
	__u32 label = passage->arrival.gbp & LABEL_LAST;
	if (label == LABEL_DELIVER)
		return decide_by_mac(skb, passage, offset);
	if (label == LABEL_DELIVER_ONLY)
		return decide_deliver_only(skb, passage, offset);
	if (label < LABEL_PATH_FIRST)
		return refused(DROP_LABEL_RESERVED);
	if (label < LABEL_TREE_FIRST)
		return decide_by_label(passage, label);
	return (struct decision){.action = ACTION_FLOOD_TREE, .gbp = label};
}

#endif
