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

/* `bytes`: the inner frame, at the end of the buffer; `limit` 0: not known. Of a super-frame each segment must fit. */
static __always_inline bool fits(struct __sk_buff *skb, __u32 bytes, __u32 limit)
{
	__u32 segment = skb->gso_size;
	if (!limit)
		return true;
	return segment ? segment + repeated_headers(skb, skb->len - bytes) <= limit : bytes <= limit;
}

/* Returns 0 when the link can take the frame, else the reason. */
static __always_inline __u32 link_refusal(struct __sk_buff *skb, __u32 bytes, const struct link *link)
{
	if (!link)
		return DROP_LINK_UNKNOWN;
	if (!(link->flags & LINK_UP))
		return DROP_LINK_DOWN;
	return fits(skb, bytes, link->frame_bytes) ? 0 : DROP_OVERSIZED;
}

/* The link must not refuse the frame. */
static __always_inline int send_over(struct __sk_buff *skb, const struct link *link, __u32 id, const struct wrapping *wrapping)
{
	account_sent(id, packets_of(skb, 0, skb->len), skb->len);
	int verdict = output_link(skb, id, link, wrapping);
	return verdict < 0 ? drop(wrapping->vni, DROP_ENCAPSULATION) : verdict;
}

static __always_inline int send(struct __sk_buff *skb, __u32 id, const struct wrapping *wrapping)
{
	const struct link *link = bpf_map_lookup_elem(&links, &id);
	__u32 reason = link_refusal(skb, skb->len, link);
	return reason || !link ? drop(wrapping->vni, reason) : send_over(skb, link, id, wrapping);
}

#endif
