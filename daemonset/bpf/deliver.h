/* The last step of a frame: out of a local port, or over one link. Both ask the target itself once more, so that closing a port
 * or a link is one write, and no content of any other map can carry a frame into another network. */
#ifndef VNET_DELIVER_H
#define VNET_DELIVER_H

#include "account.h"
#include "lookup.h"

/* Returns 0 when `ifindex` may receive frames of the network, else the reason. */
static __always_inline __u32 port_refusal(const struct port *port, __u32 vni)
{
	if (!port || !(port->flags & PORT_OPEN))
		return DROP_DELIVERY_CLOSED;
	return port->vni == vni ? 0 : DROP_DELIVERY_NETWORK;
}

static __always_inline int deliver(struct __sk_buff *skb, __u32 vni, __u32 ifindex)
{
	const struct port *port = bpf_map_lookup_elem(&ports, &ifindex);
	__u32 reason = port_refusal(port, vni);
	if (reason || !port)
		return drop(vni, reason);
	return output_port(skb, ifindex, port->flags);
}

#define SMALLEST_HEADERS 42 /* Ethernet, IPv4, UDP: each segment of a super-frame is at least this much longer than gso_size */

static __always_inline bool fits(const struct __sk_buff *skb, const struct link *link)
{
	if (!link->frame_bytes)
		return true;
	__u32 segment = skb->gso_size;
	return (segment ? segment + SMALLEST_HEADERS : skb->len) <= link->frame_bytes;
}

/* Returns 0 when the link can take the frame, else the reason. */
static __always_inline __u32 link_refusal(const struct __sk_buff *skb, const struct link *link)
{
	if (!link)
		return DROP_LINK_UNKNOWN;
	if (!(link->flags & LINK_UP))
		return DROP_LINK_DOWN;
	return fits(skb, link) ? 0 : DROP_OVERSIZED;
}

static __always_inline int send(struct __sk_buff *skb, __u32 id, const struct wrapping *wrapping)
{
	const struct link *link = bpf_map_lookup_elem(&links, &id);
	__u32 reason = link_refusal(skb, link);
	if (reason || !link)
		return drop(wrapping->vni, reason);
	account_sent(skb, id);
	int verdict = output_link(skb, id, link, wrapping);
	return verdict < 0 ? drop(wrapping->vni, DROP_ENCAPSULATION) : verdict;
}

#endif
