/* A frame that a guest sent: into its own network, by destination. */
#ifndef VNET_PORT_INGRESS_H
#define VNET_PORT_INGRESS_H

#include "configuration.h"
#include "fast-send.h"
#include "flood.h"
#include "frame.h"

static __always_inline int flood_from_port(struct __sk_buff *skb, __u32 vni, __u32 ifindex, __u32 mark)
{
	flood_ports(skb, vni, ifindex);
	const struct network *network = bpf_map_lookup_elem(&networks, &vni);
	const struct tree *tree = network ? tree_of(vni, network->flood_tree) : NULL;
	if (!network || !tree)
		return drop(vni, DROP_FLOOD_UNKNOWN);
	struct wrapping wrapping = {
		.vni = vni,
		.gbp = network->flood_tree ? network->flood_tree : LABEL_DELIVER_ONLY,
		.ttl = TTL_AT_INGRESS,
		.mark = mark,
	};
	flood_links(skb, tree, &wrapping, 0);
	return COPIED;
}

/* What the port's programs know while a frame is on its way out. */
struct departure {
	const struct meta *settings;
	struct flow *flow; /* NULL: not counted */
	__u32 vni;
	__u32 generation;
};

static __always_inline int send_to_bridge(struct __sk_buff *skb, const struct departure *departure, __u64 bridge)
{
	__u32 vni = departure->vni;
	const struct path *path = path_to(vni, bridge);
	if (!path)
		return drop(vni, DROP_PATH_UNKNOWN);
	__u32 id = path->link;
	struct wrapping wrapping = {.vni = vni, .gbp = path->label, .ttl = TTL_AT_INGRESS, .mark = departure->settings->mark};
	const struct link *link = bpf_map_lookup_elem(&links, &id);
	__u32 reason = link_refusal(skb, skb->len, link);
	if (reason || !link)
		return drop(vni, reason);
	if (departure->flow && departure->settings->flags & META_FAST_PATH)
		remember_flow(departure->flow, departure->settings, link, id, &wrapping, departure->generation);
	count_path(SENT_SLOW);
	return send_over(skb, link, id, &wrapping);
}

static __always_inline struct flow *account_frame(struct __sk_buff *skb, __u32 vni, __u32 ifindex, const struct frame *frame)
{
	__u32 bytes = skb->len, packets = packets_of(skb, 0, bytes);
	struct flow_key key = {.ifindex = ifindex};
	__builtin_memcpy(key.source, frame->source, MAC_BYTES);
	__builtin_memcpy(key.destination, frame->destination, MAC_BYTES);
	account_port(vni, ifindex, packets, bytes);
	struct flow *flow = flow_of(&key);
	if (!flow)
		return NULL;
	/* What it remembers of the way is another network's, whose generations may add up to the same. */
	if (flow->vni != vni)
		flow->expires = 0;
	flow->vni = vni;
	account_flow(flow, packets, bytes);
	return flow;
}

static __always_inline int from_open_port(struct __sk_buff *skb, const struct meta *settings, const struct port *port, __u32 ifindex,
					  __u32 underlay)
{
	struct departure departure = {.settings = settings, .vni = port->vni, .generation = generation_since(underlay, port->vni)};
	__u32 vni = port->vni;
	struct frame frame;
	__u32 reason = guard_frame(skb, port, &frame);
	if (reason)
		return drop(vni, reason);
	departure.flow = account_frame(skb, vni, ifindex, &frame);
	if (mac_is_group(frame.destination))
		return flood_from_port(skb, vni, ifindex, settings->mark);
	const struct mac_owner *owner = owner_of(vni, frame.destination);
	if (!owner)
		return flood_from_port(skb, vni, ifindex, settings->mark);
	if (!owner->ifindex)
		return send_to_bridge(skb, &departure, owner->bridge);
	if (owner->ifindex == ifindex)
		return drop(vni, DROP_SAME_PORT);
	return deliver(skb, vni, owner->ifindex);
}

static __always_inline int from_port(struct __sk_buff *skb)
{
	__u32 ifindex = ingress_port(skb);
	const struct meta *settings = configuration();
	if (!settings)
		return drop(0, DROP_NOT_CONFIGURED);
	if (settings->flags & META_FAST_PATH) {
		int verdict = repeat_flow(skb, settings, ifindex);
		if (verdict != NOT_FAST)
			return verdict;
	}
	__u32 underlay = underlay_generation();
	const struct port *port = bpf_map_lookup_elem(&ports, &ifindex);
	if (!port)
		return drop(0, DROP_PORT_UNKNOWN);
	if (!(port->flags & PORT_OPEN))
		return drop(port->vni, DROP_PORT_CLOSED);
	return from_open_port(skb, settings, port, ifindex, underlay);
}

#endif
