/* The fast way in, before the host's IP stack: a frame for a guest is unwrapped and handed over, one in transit gets a new outer header in
 * place. The rules are those of the slow path; whatever they say but "deliver" and "send on" is left to the slow path to do and to count.
 * Super-frames, and all TCP for guests here, are unwrapped by the kernel: it aggregates, and a flow that used both ways would be
 * reordered. */
#ifndef VNET_FAST_RECEIVE_H
#define VNET_FAST_RECEIVE_H

#include <linux/if_packet.h>

#include "configuration.h"
#include "fast-send.h"
#include "inlet.h"
#include "known-arrival.h"

/* Outer headers, and of the inner frame all that is looked at: Ethernet, and IP as far as the protocol. */
#define INNER_BYTES (ETH_HLEN + 20)

static __always_inline bool is_tcp(void *inner, __u16 ethertype)
{
	__u8 protocol = ethertype == bpf_htons(ETH_P_IP) ? ((struct iphdr *)(inner + ETH_HLEN))->protocol
							  : ((struct ipv6hdr *)(inner + ETH_HLEN))->nexthdr;
	return protocol == IPPROTO_TCP;
}

/* The VXLAN device drops what calls itself IP and has no whole IP header. */
static __always_inline bool lacks_ip_header(const void *inner, __u32 bytes)
{
	__u16 ethertype = *(const __u16 *)(inner + 2 * MAC_BYTES);
	return is_ip(ethertype) && bytes < ETH_HLEN + (ethertype == bpf_htons(ETH_P_IP) ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
}

/* Since Linux 6.3: the IP version inside is another one. An older kernel refuses, and such frames take the slow path. */
#define DECAP_TO_IPV4 (1ull << 7)
#define DECAP_TO_IPV6 (1ull << 8)

/* Takes the outer headers off; NOT_FAST and unchanged where the helper refuses. Without BPF_F_ADJ_ROOM_NO_CSUM_RESET what a network card
 * said of the outer checksum is not taken for the inner one. */
static __always_inline int decapsulate(struct __sk_buff *skb, const struct frame *frame, const bool ipv6)
{
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO;
	bool inner_ipv6 = frame->ethertype == bpf_htons(ETH_P_IPV6);
	if (inner_ipv6 != ipv6)
		flags |= inner_ipv6 ? DECAP_TO_IPV6 : DECAP_TO_IPV4;
	if (bpf_skb_adjust_room(skb, -(__s32)header_bytes(ipv6), BPF_ADJ_ROOM_MAC, flags))
		return NOT_FAST;
	void *data = (void *)(long)skb->data;
	if (data + ETH_HLEN > (void *)(long)skb->data_end)
		return drop(0, DROP_RUNT);
	copy_words(data, frame, ETH_HLEN);
	return 0;
}

static __always_inline int receive_fast(struct __sk_buff *skb, const struct known_arrival *known, const bool ipv6)
{
	void *inner = (void *)(long)skb->data + header_bytes(ipv6);
	struct frame frame;
	if (inner + INNER_BYTES > (void *)(long)skb->data_end)
		return TC_ACT_UNSPEC;
	copy_words(&frame, inner, ETH_HLEN);
	__u32 bytes = skb->len - header_bytes(ipv6);
	int failure = decapsulate(skb, &frame, ipv6);
	if (failure)
		return failure == NOT_FAST ? TC_ACT_UNSPEC : failure;
	account_received(known->from, 1, bytes);
	count_path(RECEIVED_FAST);
	return output_port(skb, known->target, known->detail);
}

static __always_inline int relay_fast(struct __sk_buff *skb, const struct meta *settings, const struct known_arrival *known,
				      const struct outer *outer, const bool ipv6)
{
	__u32 id = known->target;
	__u32 bytes = skb->len - header_bytes(ipv6);
	const struct link *link = bpf_map_lookup_elem(&links, &id);
	if (!link || link_refusal(skb, bytes, link) || !(link->flags & LINK_IPV6) == ipv6)
		return TC_ACT_UNSPEC;
	__u64 now = now_ns();
	const struct hop *hop = hop_over(id, now, HOP_LIMIT_NS);
	void *data = (void *)(long)skb->data;
	if (!hop || outer->arrival.ttl <= 1 || data + header_bytes(ipv6) > (void *)(long)skb->data_end)
		return TC_ACT_UNSPEC;
	__u32 packets = packets_of(skb, header_bytes(ipv6), bytes);
	account_received(known->from, packets, bytes);
	account_sent(id, packets, bytes);
	count_path(RELAYED_FAST);
	data = (void *)(long)skb->data;
	if (data + header_bytes(ipv6) > (void *)(long)skb->data_end)
		return drop(outer->arrival.vni, DROP_ENCAPSULATION);
	rewrite_outer(data, hop, link->remote, outer, known->detail, ipv6);
	/* Without MARK_FAST: at the device's egress the answer is read off. */
	if (now - hop->learned >= HOP_AGE_NS)
		return output_neighbour(skb, hop->ifindex, settings->mark);
	return output_underlay(skb, hop->ifindex, settings->mark | MARK_FAST);
}

/* Whether the fast path has anything to say: about what a path label leads on, and about IP for guests here. A checksum is the kernel's. */
static __always_inline bool is_ours(const struct outer *outer, const void *inner)
{
	__u32 label = outer->arrival.gbp & LABEL_LAST;
	if (outer->has_checksum || (label > LABEL_DELIVER_ONLY && label < LABEL_PATH_FIRST) || label >= LABEL_TREE_FIRST)
		return false;
	return label >= LABEL_PATH_FIRST || is_ip(((const struct ethhdr *)inner)->h_proto);
}

static __always_inline int carry_out_fast(struct __sk_buff *skb, const struct meta *settings, const struct known_arrival *known,
					  const struct outer *outer, const bool ipv6)
{
	void *data = (void *)(long)skb->data;
	if (data + header_bytes(ipv6) + INNER_BYTES > (void *)(long)skb->data_end)
		return TC_ACT_UNSPEC;
	void *inner = data + header_bytes(ipv6);
	if (known->action == ACTION_DELIVER && (skb->gso_size || is_tcp(inner, ((struct ethhdr *)inner)->h_proto))) {
		if (has_inlet(settings))
			give_to_inlet(skb, settings, known, ipv6);
		return TC_ACT_UNSPEC;
	}
	if (!is_intact(data, skb->len, ipv6))
		return TC_ACT_UNSPEC;
	if (known->action == ACTION_SEND_ON)
		return relay_fast(skb, settings, known, outer, ipv6);
	/* At its end the kernel merges a mark of congestion into the inner frame. On the way it stays in the outer header: in the VXLAN device
	 * later frames of the flow would overtake this one. */
	return outer->ecn == ECN_CE ? TC_ACT_UNSPEC : receive_fast(skb, known, ipv6);
}

static __always_inline int from_underlay_family(struct __sk_buff *skb, const struct meta *settings, const bool ipv6)
{
	const __u32 needed = header_bytes(ipv6) + INNER_BYTES;
	struct outer outer;
	__u8 mac[MAC_BYTES] __attribute__((aligned(4)));
	if (skb->len < needed)
		return TC_ACT_UNSPEC;
	if ((void *)(long)skb->data + needed > (void *)(long)skb->data_end && bpf_skb_pull_data(skb, needed))
		return TC_ACT_UNSPEC;
	void *data = (void *)(long)skb->data;
	if (data + needed > (void *)(long)skb->data_end || !parse_outer(data, (void *)(long)skb->data_end, settings->udp_port, ipv6, &outer))
		return TC_ACT_UNSPEC;
	void *inner = data + header_bytes(ipv6);
	if (!is_ours(&outer, inner) || lacks_ip_header(inner, skb->len - header_bytes(ipv6)))
		return TC_ACT_UNSPEC;
	copy_key_mac(mac, inner, (outer.arrival.gbp & LABEL_LAST) >= LABEL_PATH_FIRST);
	const struct known_arrival *known = known_arrival(skb, &outer, header_bytes(ipv6), mac);
	return known ? carry_out_fast(skb, settings, known, &outer, ipv6) : TC_ACT_UNSPEC;
}

static __always_inline int from_underlay(struct __sk_buff *skb)
{
	const struct meta *settings = configuration();
	if (!settings || !(settings->flags & META_FAST_PATH) || skb->vlan_present || skb->pkt_type != PACKET_HOST)
		return TC_ACT_UNSPEC;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return from_underlay_family(skb, settings, false);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return from_underlay_family(skb, settings, true);
	return TC_ACT_UNSPEC;
}

#endif
