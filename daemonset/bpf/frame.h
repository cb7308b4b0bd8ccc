/* The Ethernet header of a guest's frame, and what a guest may not send. */
#ifndef VNET_FRAME_H
#define VNET_FRAME_H

#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>

#include "maps.h"

struct frame {
	__u8 destination[MAC_BYTES];
	__u8 source[MAC_BYTES];
	__u16 ethertype; /* wire order */
};

/* Copies the header, because every helper that changes the frame or sends a copy invalidates packet pointers.
 * False when there is no byte of payload behind it. */
static __always_inline bool read_frame_at(struct __sk_buff *skb, const __u32 offset, struct frame *frame)
{
	if (skb->len <= offset + ETH_HLEN)
		return false;
	void *data = (void *)(long)skb->data + offset;
	void *end = (void *)(long)skb->data_end;
	if (data + sizeof(*frame) <= end) {
		*frame = *(struct frame *)data;
		return true;
	}
	return !bpf_skb_load_bytes(skb, offset, frame, sizeof(*frame));
}

static __always_inline bool read_frame(struct __sk_buff *skb, struct frame *frame)
{
	return read_frame_at(skb, 0, frame);
}

static __always_inline bool mac_equal(const __u8 *a, const __u8 *b)
{
	return *(const __u16 *)a == *(const __u16 *)b && *(const __u16 *)(a + 2) == *(const __u16 *)(b + 2) &&
	       *(const __u16 *)(a + 4) == *(const __u16 *)(b + 4);
}

static __always_inline bool mac_is_group(const __u8 *mac)
{
	return mac[0] & 1;
}

static __always_inline bool mac_is_zero(const __u8 *mac)
{
	const __u8 zero[MAC_BYTES] __attribute__((aligned(2))) = {};
	return mac_equal(mac, zero);
}

/* 01:80:c2:00:00:00 to 0f: spanning tree, LACP, LLDP, pause: for the next bridge only (IEEE 802.1D table 7-10). */
static __always_inline bool mac_is_reserved(const __u8 *mac)
{
	return mac[0] == 0x01 && mac[1] == 0x80 && mac[2] == 0xc2 && !mac[3] && !mac[4] && (mac[5] & 0xf0) == 0;
}

/* A tag is either beside the frame (the kernel moves the outer one there) or still in it. */
static __always_inline bool is_tagged(const struct __sk_buff *skb, const struct frame *frame)
{
	return skb->vlan_present || frame->ethertype == bpf_htons(ETH_P_8021Q) || frame->ethertype == bpf_htons(ETH_P_8021AD) ||
	       frame->ethertype == bpf_htons(ETH_P_QINQ1);
}

#define VLAN_ID_MASK 0x0fff

/* The outer tag carries a priority and no VLAN (VID 0). */
static __always_inline bool is_priority_tag(struct __sk_buff *skb)
{
	if (skb->vlan_present)
		return (skb->vlan_tci & VLAN_ID_MASK) == 0;
	__u16 tci;
	return !bpf_skb_load_bytes(skb, ETH_HLEN, &tci, sizeof(tci)) && (bpf_ntohs(tci) & VLAN_ID_MASK) == 0;
}

/* Removes one priority tag. Returns 0, or the reason to drop the frame: a VLAN, or a second tag below the first. */
static __always_inline __u32 strip_priority_tag(struct __sk_buff *skb, struct frame *frame)
{
	if (!is_priority_tag(skb) || bpf_skb_vlan_pop(skb))
		return DROP_VLAN_TAGGED;
	if (!read_frame(skb, frame))
		return DROP_RUNT;
	return is_tagged(skb, frame) ? DROP_VLAN_TAGGED : 0;
}

/* What a guest's frame must satisfy. Returns 0, or the reason to drop it. */
static __always_inline __u32 guard_frame(struct __sk_buff *skb, const struct port *port, struct frame *frame)
{
	if (!read_frame(skb, frame))
		return DROP_RUNT;
	if (is_tagged(skb, frame)) {
		__u32 reason = strip_priority_tag(skb, frame);
		if (reason)
			return reason;
	}
	if (!mac_equal(frame->source, port->mac)) {
		if (mac_is_group(frame->source))
			return DROP_SOURCE_MULTICAST;
		return mac_is_zero(frame->source) ? DROP_SOURCE_ZERO : DROP_SOURCE_MAC;
	}
	if (mac_is_reserved(frame->destination))
		return DROP_RESERVED_DESTINATION;
	return 0;
}

#endif
