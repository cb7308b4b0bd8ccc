/* A frame that a guest sent: into its own network, by destination. */
#ifndef VNET_PORT_INGRESS_H
#define VNET_PORT_INGRESS_H

#include "configuration.h"
#include "flood.h"
#include "frame.h"

static __always_inline int flood_from_port(struct __sk_buff *skb, __u32 vni, __u32 ifindex, __u32 mark)
{
	const struct network *network = bpf_map_lookup_elem(&networks, &vni);
	const struct tree *tree = network ? tree_of(vni, network->flood_tree) : NULL;
	flood_ports(skb, vni, ifindex);
	if (!network || !tree)
		return drop(vni, DROP_FLOOD_UNKNOWN);
	struct wrapping wrapping = {
		.vni = vni,
		.gbp = network->flood_tree ? network->flood_tree : LABEL_DELIVER_ONLY,
		.ttl = TTL_AT_INGRESS,
		.mark = mark,
	};
	flood_links(skb, tree, &wrapping, 0);
	return TC_ACT_STOLEN;
}

static __always_inline int send_to_bridge(struct __sk_buff *skb, __u32 vni, __u64 bridge, __u32 mark)
{
	const struct path *path = path_to(vni, bridge);
	if (!path)
		return drop(vni, DROP_PATH_UNKNOWN);
	struct wrapping wrapping = {.vni = vni, .gbp = path->label, .ttl = TTL_AT_INGRESS, .mark = mark};
	return send(skb, path->link, &wrapping);
}

static __always_inline void account_frame(const struct __sk_buff *skb, __u32 vni, const struct frame *frame)
{
	struct flow_key key = {.vni = vni};
	__builtin_memcpy(key.source, frame->source, MAC_BYTES);
	__builtin_memcpy(key.destination, frame->destination, MAC_BYTES);
	account_flow(skb, &key);
}

static __always_inline int from_port(struct __sk_buff *skb)
{
	__u32 ifindex = ingress_port(skb);
	const struct meta *settings = configuration();
	if (!settings)
		return drop(0, DROP_NOT_CONFIGURED);
	const struct port *port = bpf_map_lookup_elem(&ports, &ifindex);
	if (!port)
		return drop(0, DROP_PORT_UNKNOWN);
	__u32 vni = port->vni;
	if (!(port->flags & PORT_OPEN))
		return drop(vni, DROP_PORT_CLOSED);
	struct frame frame;
	__u32 reason = guard_frame(skb, port, &frame);
	if (reason)
		return drop(vni, reason);
	account_frame(skb, vni, &frame);
	if (mac_is_group(frame.destination))
		return flood_from_port(skb, vni, ifindex, settings->mark);
	const struct mac_owner *owner = owner_of(vni, frame.destination);
	if (!owner)
		return flood_from_port(skb, vni, ifindex, settings->mark);
	if (!owner->ifindex)
		return send_to_bridge(skb, vni, owner->bridge, settings->mark);
	if (owner->ifindex == ifindex)
		return drop(vni, DROP_SAME_PORT);
	return deliver(skb, vni, owner->ifindex);
}

#endif
