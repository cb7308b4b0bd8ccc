/* The inlet: a VXLAN device of one network number, on the UDP port after ours, that nobody on the wire is asked to use. What the fast path
 * leaves to the kernel to unwrap (super-frames, TCP, which the kernel aggregates) it hands to the inlet's socket, with its decision
 * already made: the device that takes all networks would allocate metadata for every datagram, to say again what is known.
 * What the kernel puts together must be for one port, whatever the frames say: so their key names the port, and a few bits of the flow. */
#ifndef VNET_INLET_H
#define VNET_INLET_H

#include "configuration.h"
#include "deliver.h"
#include "known-arrival.h"

#define INLET_VNI 1u
#define INLET_FLOW_BITS 3
#define INLET_LAST_IFINDEX ((1u << (32 - INLET_FLOW_BITS)) - 1)
#define INLET_LAST_LINK 0xffffu

static __always_inline bool has_inlet(const struct meta *settings)
{
	return settings->flags & META_INLET;
}

/* The frame is counted when it comes out, many at a time. Where something does not fit, the device
 * for all networks takes the datagram, unchanged. */
static __always_inline void give_to_inlet(struct __sk_buff *skb, const struct meta *settings, const struct known_arrival *known,
					  const bool ipv6)
{
	if (ipv6 || known->target > INLET_LAST_IFINDEX || known->from > INLET_LAST_LINK || assign_socket(skb, settings->udp_port + 1))
		return;
	void *data = (void *)(long)skb->data;
	if (data + header_bytes(ipv6) > (void *)(long)skb->data_end)
		return;
	struct udphdr *udp = udp_header(data, ipv6);
	__u32 flow = bpf_ntohs(udp->source) & ((1u << INLET_FLOW_BITS) - 1);
	emit_vxlan((void *)(udp + 1), INLET_VNI, 0);
	set_inlet_key(skb, known->target << INLET_FLOW_BITS | flow, known->from);
	skb->mark = settings->mark;
}

/* Only what has our mark was sent here by us: others can reach the inlet's UDP port. */
static __always_inline int from_inlet(struct __sk_buff *skb)
{
	const struct meta *settings = configuration();
	if (!settings)
		return drop(0, DROP_NOT_CONFIGURED);
	if (skb->mark != settings->mark)
		return drop(0, DROP_TUNNEL_METADATA);
	__u32 ifindex = inlet_key(skb) >> INLET_FLOW_BITS;
	const struct port *port = bpf_map_lookup_elem(&ports, &ifindex);
	account_received(inlet_link(skb), packets_of(skb, 0, skb->len), skb->len);
	if (!port || !(port->flags & PORT_OPEN))
		return drop(port ? port->vni : 0, DROP_DELIVERY_CLOSED);
	count_path(RECEIVED_FAST);
	clear_inlet_key(skb);
	return output_port(skb, ifindex, port->flags);
}

#endif
